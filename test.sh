#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs all tests, including real kernel builds and boots. First installs what is missing.
#
#   ./test.sh                    all tests
#   ./test.sh address [WORD...]  only the host's tests, with the address sanitizer
#   ./test.sh thread [WORD...]   only the host's tests, with the thread sanitizer
#   ./test.sh chromium [REPORT]  looks at an HTML report in Chromium, by default at that of the tests: pictures and a PDF
#                                go to .build/chromium/pictures; axe-core, keyboard, phone, print
#   ./test.sh forms [RUN]        shows the forms that CI systems read to programs that others wrote, by default those of the
#                                tests, or else those of a run: its directory
#   ./test.sh nights             checks docs/ci with the schemas of GitHub and GitLab and with systemd, and times a
#                                simulated month of the history
#   ./test.sh slurm              starts a Slurm of two nodes on this machine, as root, runs two series on it, loses a node,
#                                and compares the reports with a local run's
#   ./test.sh bisect             makes a git tree of Debian's 6.12 source with a commit that breaks a test, and bisects it
#
# WORDs are passed to `swift test`, for example `--filter Toolbox`.
set -euo pipefail
cd "$(dirname "$0")"

# A sanitizer report fails the test or the program that it occurs in.
sanitized() {
  local sanitizer=$1
  shift
  local words=(--sanitize="$sanitizer" --scratch-path ".build/$sanitizer" "$@")
  case $sanitizer in
    # Leak detection would report memory that the Swift runtime never frees.
    address) export ASAN_OPTIONS=detect_leaks=0 ;;
    thread) export TSAN_OPTIONS="suppressions=$PWD/Tests/thread-sanitizer.supp" ;;
  esac
  swift test "${words[@]}"
}

case "${1:-all}" in
  all)
    ./setup.sh packages
    swift format lint --strict --recursive Package.swift Sources Tests GuestTests/Package.swift GuestTests/Sources GuestTests/Tests
    ./setup.sh guest
    # First the guest binary's tests, which need no guest, then the host's. The integration suite boots real guests.
    swift test --package-path GuestTests
    swift test
    ;;
  address | thread)
    ./setup.sh packages
    ./setup.sh guest
    sanitized "$@"
    ;;
  chromium)
    ./setup.sh chromium
    place=.build/chromium
    if [ ! -e "$place/axe.min.js" ]; then
      # Its wheel has axe-core as one file.
      pip3 download -q --no-deps --dest "$place" axe-playwright-python==0.1.8
      unzip -qojd "$place" "$place"/axe_playwright_python-*.whl '*/axe.min.js'
    fi
    /usr/bin/python3 Tests/Chromium/look.py "${2:-Tests/ReportsTests/Snapshots/report.html}" "$place/pictures" \
      "$place/axe.min.js"
    ;;
  forms)
    ./setup.sh forms
    place=.build/forms
    if [ ! -e "$place/ready" ]; then
      python3 -m venv "$place/venv"
      "$place/venv/bin/pip" install -q kcidb-io==141 junitparser==5.0.3
      touch "$place/ready"
    fi
    words=(Tests/ReportsTests/Snapshots/forms{,-matrix,-hostile})
    if [ $# -gt 1 ]; then
      words=(--run "$2" "$place/run")
      mkdir -p "$place/run"
      swift build --product patchbench >&2
      for form in junit.xml kcidb.json codequality.json github.txt summary.md; do
        .build/debug/patchbench report "$2" --format "${form%.*}" >"$place/run/$form"
      done
    fi
    "$place/venv/bin/python" Tests/Forms/check.py "${words[@]}"
    ;;
  nights)
    ./setup.sh forms
    place=.build/nights
    if [ ! -e "$place/ready" ]; then
      python3 -m venv "$place/venv"
      # It has the schemas of GitHub's workflows and of GitLab's pipelines.
      "$place/venv/bin/pip" install -q check-jsonschema==0.39.0
      touch "$place/ready"
    fi
    check=$place/venv/bin/check-jsonschema
    "$check" --schemafile Sources/Nights/Matrix/matrix-file.schema.json docs/ci/example-matrix.yaml
    "$check" --builtin-schema vendor.github-workflows docs/ci/github.yml
    "$check" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/ci/gitlab.yml
    # The units name an installed patchbench, so they are looked at below a root that has one.
    root=$place/root
    rm -rf "$root"
    mkdir -p "$root/etc/systemd/system" "$root/usr/local/bin" "$root/usr/local/share/patchbench" "$root/lib" \
      "$root/usr/lib"
    cp -a /lib/systemd/. "$root/usr/lib/systemd/"
    install -m 755 /dev/null "$root/usr/local/bin/patchbench"
    cp docs/ci/patchbench.service docs/ci/patchbench.timer "$root/etc/systemd/system"
    systemd-analyze verify --man=no --root="$root" patchbench.service patchbench.timer
    rm -rf "$root"
    swift build --product patchbench >&2
    .build/debug/patchbench nightly docs/ci/example-matrix.yaml --dry-run
    .build/debug/patchbench history bench --nights 30
    ;;
  slurm)
    ./setup.sh packages
    ./setup.sh slurm
    [ -e "GuestTests/.build/embedded/$(uname -m)/patchbench-guest" ] || ./setup.sh guest
    swift build --product patchbench >&2
    swift build --product patchbench-steady >&2
    /usr/bin/python3 -B Tests/Slurm/try.py .build/debug/patchbench .build/debug/patchbench-steady
    ;;
  bisect)
    ./setup.sh packages
    [ -e "GuestTests/.build/embedded/$(uname -m)/patchbench-guest" ] || ./setup.sh guest
    swift build --product patchbench >&2
    /usr/bin/python3 -B Tests/Bisect/try.py .build/debug/patchbench "${@:2}"
    ;;
  *)
    echo "usage: ./test.sh [address|thread [WORD...] | chromium [REPORT] | forms [RUN] | nights | slurm | bisect [OPTION...]]" >&2
    exit 2
    ;;
esac
