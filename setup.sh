#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that patchbench needs, and builds it. Needs only Swift and git.
#
#   ./setup.sh            packages, .build/release/patchbench, the guest binary
#   ./setup.sh packages   only the packages
#   ./setup.sh guest [aarch64]
#                         only the guest binary, for this machine's architecture or for aarch64
#   ./setup.sh cells      compilers, checks and emulators of the other profiles (docs/kernels.md)
#   ./setup.sh chromium   the browser that ./test.sh chromium looks at reports with
#   ./setup.sh forms      what ./test.sh forms reads the forms of CI systems with
#   ./setup.sh slurm      the Slurm that ./test.sh slurm starts
#   ./setup.sh install [--prefix DIR]
#                         all of these, then installs patchbench with its data, man pages and completions under DIR
#                         (/usr/local by default)
set -euo pipefail
cd "$(dirname "$0")"

packages=(
  # to build patchbench and its guest binary
  build-essential pkg-config libvirt-dev libguestfs-dev libsqlite3-dev linux-libc-dev
  # to run guests
  qemu-system-x86 libvirt-daemon libvirt-daemon-system libvirt-daemon-driver-qemu
  # to build kernels
  linux-source-6.12 linux-source-6.1 flex bison bc libelf-dev xz-utils perl ccache bubblewrap
  # to make the files that guests boot from, and to list processes
  cpio procps busybox-static e2fsprogs
  # to find a series in a thread of mails
  b4
  # to check report.json in the tests
  python3-jsonschema
)

# libguestfs reads disks through its own guest, which boots a Debian kernel from /boot. Containers have none there.
compgen -G '/boot/vmlinuz-*' >/dev/null || packages+=(linux-image-cloud-amd64)

# To build the guest binary for arm64 on another machine: its C library.
arm64=(libc6-dev-arm64-cross libgcc-12-dev-arm64-cross)

# What profiles with a `toolchain:` are compiled with, what runs their guests, and what `checks:` run.
cells=(gcc-riscv64-linux-gnu clang-19 lld-19 llvm-19 gcc-aarch64-linux-gnu qemu-system-arm sparse coccinelle)

chromium=(chromium chromium-driver python3-selenium python3-pip unzip)
forms=(python3-venv libxml2-utils systemd)
slurm=(slurmctld slurmd slurm-client munge)

install_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "Installing: ${missing[*]}" >&2
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  # Recommended packages would install daemons that nothing here uses.
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >&2
}

build_guest() {
  local architecture=${1:-$(uname -m)}
  if [ "$architecture" = aarch64 ] && [ "$(uname -m)" != aarch64 ]; then install_packages "${arm64[@]}"; fi
  make -C GuestTests ARCH="$architecture" >&2
}

build_all() {
  install_packages "${packages[@]}"
  swift build -c release --product patchbench
  swift build -c release --product patchbench-disks
  build_guest
}

# Both programs go to libexec, where they find each other. The data goes to share, where patchbench finds it relative to
# libexec.
install_files() {
  local prefix=$1 data=$1/share/patchbench program=$1/libexec/patchbench
  install -d "$prefix/bin" "$program" "$data/GuestTests" "$prefix/share/man/man1" \
    "$prefix/share/bash-completion/completions" "$prefix/share/zsh/site-functions" \
    "$prefix/share/fish/vendor_completions.d"
  # Install under another name and rename, so that a running program keeps its old file.
  local name
  for name in patchbench patchbench-disks; do
    install -m 755 ".build/release/$name" "$program/$name.new"
    mv "$program/$name.new" "$program/$name"
  done
  ln -sfn ../libexec/patchbench/patchbench "$prefix/bin/patchbench"
  install -m 755 "GuestTests/.build/embedded/$(uname -m)/patchbench-guest" "$data/GuestTests/patchbench-guest"
  # The one for arm64, if it was built.
  if [ "$(uname -m)" != aarch64 ] && [ -e GuestTests/.build/embedded/aarch64/patchbench-guest ]; then
    install -m 755 GuestTests/.build/embedded/aarch64/patchbench-guest "$data/GuestTests/patchbench-guest-aarch64"
  fi
  rm -rf "$data/Kernels" "$data/Patches" "$data/GuestTests/Driver" "$data/GuestTests/Suites"
  cp -a Kernels Patches "$data/"
  cp -a GuestTests/Driver GuestTests/Suites "$data/GuestTests/"
  # This is swift-argument-parser's plugin. It writes below .build.
  swift package generate-manual --multi-page >&2
  install -m 644 .build/plugins/GenerateManual/outputs/patchbench/*.1 "$prefix/share/man/man1/"
  local patchbench=$program/patchbench
  "$patchbench" --generate-completion-script bash >"$prefix/share/bash-completion/completions/patchbench"
  "$patchbench" --generate-completion-script zsh >"$prefix/share/zsh/site-functions/_patchbench"
  "$patchbench" --generate-completion-script fish >"$prefix/share/fish/vendor_completions.d/patchbench.fish"
  echo "Installed: $prefix/bin/patchbench" >&2
}

usage() {
  echo "usage: ./setup.sh [packages|guest [aarch64]|cells|chromium|forms|slurm|install [--prefix DIR]]" >&2
  exit 2
}

case "${1:-all}" in
  packages) install_packages "${packages[@]}" ;;
  cells) install_packages "${cells[@]}" ;;
  chromium) install_packages "${chromium[@]}" ;;
  forms) install_packages "${forms[@]}" ;;
  slurm) install_packages "${slurm[@]}" ;;
  guest) build_guest "${@:2}" ;;
  all) build_all ;;
  install)
    prefix=/usr/local
    case "$#:${2:-}" in
      1:) ;;
      3:--prefix) prefix=$3 ;;
      *) usage ;;
    esac
    build_all
    install_files "$prefix"
    ;;
  *) usage ;;
esac
