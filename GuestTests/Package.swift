// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// The same rules as in the root package.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// What runs inside the guest: one static binary that is PID 1 of an initramfs and runs the tests. The Makefile builds it
// as Embedded Swift; this package compiles the same sources as ordinary Swift, for their unit tests.
//
//   patchbench-guest     arguments; nothing else
//   GuestSuite           the tests, their oracles, and the runner that is PID 1
//   CGuest               mounts before Swift starts; calls that Swift cannot make
//   CLibc                the C library
//
// It is a separate package so that the host's tool cannot import it. It never imports Foundation, which Embedded Swift
// does not have.
let package = Package(
  name: "PatchbenchGuest",
  products: [
    .executable(name: "patchbench-guest", targets: ["patchbench-guest"])
  ],
  dependencies: [
    .package(name: "patchbench", path: "..")
  ],
  targets: [
    .executableTarget(
      name: "patchbench-guest", dependencies: ["CLibc", "GuestSuite"], swiftSettings: strict),
    .target(
      name: "GuestSuite",
      dependencies: ["CGuest", "CLibc", .product(name: "GuestProtocol", package: "patchbench")], swiftSettings: strict),
    .systemLibrary(name: "CLibc"),
    .target(name: "CGuest", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .testTarget(
      name: "GuestSuiteTests",
      dependencies: ["GuestSuite", .product(name: "GuestProtocol", package: "patchbench")], swiftSettings: strict),
  ]
)
