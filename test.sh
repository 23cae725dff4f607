#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test there is, real kernel builds and boots included. Installs what is missing first.
#
#   ./test.sh                    all of it
#   ./test.sh address [WORD...]  the host's side, built with the address sanitizer
#   ./test.sh thread [WORD...]   the same with the thread sanitizer
#
# WORDs go to `swift test`: `--filter Toolbox`, for one.
set -euo pipefail
cd "$(dirname "$0")"

# A report of the sanitizer's fails the test or the program that it is in.
sanitized() {
  local sanitizer=$1
  shift
  local words=(--sanitize="$sanitizer" --scratch-path ".build/$sanitizer" "$@")
  case $sanitizer in
    # What the Swift runtime keeps for good counts as lost there.
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
    # What the guest binary does without a guest, then the host's side; the integration suite boots real guests.
    swift test --package-path GuestTests
    swift test
    ;;
  address | thread)
    ./setup.sh packages
    ./setup.sh guest
    sanitized "$@"
    ;;
  *)
    echo "usage: ./test.sh [address|thread [WORD...]]" >&2
    exit 2
    ;;
esac
