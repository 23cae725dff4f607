#!/usr/bin/env bash
# Runs every test there is, real kernel builds and boots included. Installs what is missing first.
set -euo pipefail
cd "$(dirname "$0")"

./setup.sh packages
swift format lint --strict --recursive Package.swift Sources Tests GuestTests/Package.swift GuestTests/Sources GuestTests/Tests
./setup.sh guest
# What the guest binary does without a guest, then the host's side; the integration suite boots real guests.
swift test --package-path GuestTests
swift test
