#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that patchbench needs and builds it. Needs Swift and git, nothing else.
#
#   ./setup.sh            packages, .build/release/patchbench, the guest binary
#   ./setup.sh packages   the packages alone
#   ./setup.sh guest      the guest binary alone
set -euo pipefail
cd "$(dirname "$0")"

packages=(
  # to build patchbench and its guest binary
  build-essential pkg-config libvirt-dev libguestfs-dev linux-libc-dev
  # to run guests
  qemu-system-x86 libvirt-daemon libvirt-daemon-system libvirt-daemon-driver-qemu
  # to build kernels
  linux-source-6.12 linux-source-6.1 flex bison bc libelf-dev xz-utils perl ccache bubblewrap
  # to make what guests boot from, and to see what runs
  cpio procps busybox-static e2fsprogs
  # to check report.json in the tests
  python3-jsonschema
)

# libguestfs reads disks by way of a guest of its own, which boots a kernel of Debian's; containers have none.
compgen -G '/boot/vmlinuz-*' >/dev/null || packages+=(linux-image-cloud-amd64)

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "Installing: ${missing[*]}" >&2
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  # Recommended packages would bring daemons that nothing here uses.
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >&2
}

build_guest() {
  swift build --package-path GuestTests -c release --static-swift-stdlib --product patchbench-guest
}

case "${1:-all}" in
  packages) install_packages ;;
  guest) build_guest ;;
  all)
    install_packages
    swift build -c release --product patchbench
    swift build -c release --product patchbench-disks
    build_guest
    ;;
  *)
    echo "usage: ./setup.sh [packages|guest]" >&2
    exit 2
    ;;
esac
