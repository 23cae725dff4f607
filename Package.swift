// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// All targets follow the same rules: data races, unmarked existentials
// and warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

// The targets follow the data: a series becomes a tree, a build, a guest, a
// verdict, a report. Each target may import only those below it:
//
//   patchbench                                       arguments, wiring, exit codes
//   patchbench-disks                                 reads guests' disks with libguestfs, in a separate process
//   Benchmarks  Faults                               times patchbench against other tools; tests it with faults
//   MutantRun  BisectRun                             mutants of the kernel, and commits, judged like series
//   Bench                                            the pipeline; emits events
//   SeriesIntake  KernelBuild  GuestMachine          effects: git, make, libvirt
//   Nights                                           what a night tries, and what is told of it (pure)
//   History                                          what earlier runs said, in a database
//   Verdicts  Reports  KernelText  KernelCode  Mutation   pure: values in, values out
//   Toolbox                                          the one place that starts processes
//   BenchModel                                       the vocabulary
//   GuestProtocol                                    KTAP, shared with the guest binary
let package = Package(
  name: "patchbench",
  products: [
    .executable(name: "patchbench", targets: ["patchbench"]),
    .executable(name: "patchbench-disks", targets: ["patchbench-disks"]),
    .library(name: "GuestProtocol", targets: ["GuestProtocol"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .executableTarget(
      name: "patchbench",
      dependencies: [
        "Bench", "BenchModel", "Benchmarks", "BisectRun", "Faults", "GuestMachine", "GuestProtocol", "History",
        "KernelBuild", "MutantRun", "Mutation", "Nights", "Reports", "SeriesIntake", "Toolbox", "Verdicts",
        systemPackage, .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "patchbench-disks", dependencies: ["BenchModel", "CGuestfs", systemPackage], swiftSettings: strict),
    .target(
      name: "Benchmarks",
      dependencies: [
        "Bench", "BenchModel", "GuestMachine", "GuestProtocol", "KernelBuild", "KernelText", "SeriesIntake", "Toolbox",
        systemPackage,
      ],
      swiftSettings: strict),
    .target(
      name: "Faults", dependencies: ["BenchModel", "KernelBuild", "Reports", "Toolbox", systemPackage],
      swiftSettings: strict),
    .target(
      name: "MutantRun",
      dependencies: [
        "Bench", "BenchModel", "KernelBuild", "Mutation", "SeriesIntake", "Toolbox", "Verdicts", systemPackage,
      ],
      swiftSettings: strict),
    .target(
      name: "BisectRun",
      dependencies: [
        "Bench", "BenchModel", "GuestProtocol", "KernelBuild", "Reports", "SeriesIntake", "Toolbox", "Verdicts",
        systemPackage,
      ],
      swiftSettings: strict),
    .target(
      name: "Bench",
      dependencies: [
        "BenchModel", "GuestMachine", "GuestProtocol", "KernelBuild", "KernelText", "SeriesIntake", "Toolbox",
        "Verdicts", systemPackage,
      ],
      swiftSettings: strict),
    .target(
      name: "SeriesIntake",
      dependencies: ["BenchModel", "Toolbox", systemPackage, .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "KernelBuild",
      dependencies: [
        "BenchModel", "GuestProtocol", "KernelCode", "KernelText", "Toolbox", systemPackage,
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .target(
      name: "GuestMachine",
      dependencies: ["BenchModel", "CLibvirt", "GuestProtocol", "KernelText", "Toolbox", systemPackage],
      swiftSettings: strict),
    .target(
      name: "History",
      dependencies: [
        "BenchModel", "GuestProtocol", "Toolbox", "Verdicts", systemPackage,
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .target(
      name: "Nights",
      dependencies: [
        "BenchModel", "History", "Reports", "Verdicts", .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "Yams", package: "Yams"),
      ],
      exclude: ["Matrix/matrix-file.schema.json"], resources: [.embedInCode("Site/Templates/site.html.mustache")],
      swiftSettings: strict),
    .target(name: "Verdicts", dependencies: ["BenchModel", "GuestProtocol", "KernelText"], swiftSettings: strict),
    .target(
      name: "Reports",
      dependencies: [
        "BenchModel", "GuestProtocol", "KernelText", "Verdicts", .product(name: "Mustache", package: "swift-mustache"),
      ],
      exclude: ["Schema"],
      resources: [
        .embedInCode("Templates/report.html.mustache"), .embedInCode("Templates/matrix.html.mustache"),
        .embedInCode("Templates/style.css.mustache"),
      ],
      swiftSettings: strict),
    .target(name: "Mutation", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: strict),
    .target(name: "KernelText", dependencies: ["BenchModel"], swiftSettings: strict),
    .target(name: "KernelCode", dependencies: ["BenchModel"], swiftSettings: strict),
    .target(
      name: "Toolbox",
      dependencies: [
        "CClock", "CMalloc", "CProcess", .product(name: "Subprocess", package: "swift-subprocess"), systemPackage,
      ],
      swiftSettings: strict),
    .target(name: "BenchModel", dependencies: ["GuestProtocol"], swiftSettings: strict),
    .target(name: "GuestProtocol", swiftSettings: strict),
    .systemLibrary(name: "CClock"),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CProcess"),
    .systemLibrary(name: "CGuestfs", pkgConfig: "libguestfs", providers: [.apt(["libguestfs-dev"])]),
    .systemLibrary(name: "CLibvirt", pkgConfig: "libvirt-qemu", providers: [.apt(["libvirt-dev"])]),
    .executableTarget(
      name: "patchbench-fuzz", dependencies: ["BenchModel", "GuestProtocol", "KernelCode", "KernelText"],
      path: "Tests/Fuzz", swiftSettings: strict),
    // What ./test.sh slurm compares reports with.
    .executableTarget(
      name: "patchbench-steady", dependencies: ["Reports"], path: "Tests/Slurm/Steady", swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: [systemPackage], path: "Tests/TestSupport", swiftSettings: strict),
    // Scripted guests, and a tree that builds in no time.
    .target(
      name: "TestBench",
      dependencies: [
        "BenchModel", "GuestMachine", "GuestProtocol", "KernelBuild", "KernelText", "TestSupport", "Toolbox",
        systemPackage,
      ],
      path: "Tests/TestBench", swiftSettings: strict),
    .testTarget(name: "ProjectTests", swiftSettings: strict),
    .testTarget(name: "GuestProtocolTests", dependencies: ["GuestProtocol"], swiftSettings: strict),
    .testTarget(
      name: "KernelTextTests", dependencies: ["KernelText", "BenchModel"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "KernelCodeTests", dependencies: ["KernelCode", "TestSupport", "Toolbox", systemPackage],
      swiftSettings: strict),
    .testTarget(
      name: "MutationTests", dependencies: ["Mutation", "TestSupport", "Toolbox", systemPackage], swiftSettings: strict),
    .testTarget(
      name: "MutantRunTests", dependencies: ["BenchModel", "GuestProtocol", "MutantRun", "Mutation", "Verdicts"],
      swiftSettings: strict),
    .testTarget(
      name: "BisectRunTests",
      dependencies: [
        "BisectRun", "BenchModel", "GuestProtocol", "SeriesIntake", "TestSupport", "Toolbox", "Verdicts", systemPackage,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "VerdictsTests", dependencies: ["Verdicts", "BenchModel", "GuestProtocol"], swiftSettings: strict),
    .testTarget(
      name: "ReportsTests",
      dependencies: ["Reports", "Verdicts", "BenchModel", "GuestProtocol", "TestSupport", "Toolbox"],
      exclude: ["Snapshots"], swiftSettings: strict),
    .testTarget(
      name: "ToolboxTests", dependencies: ["Faults", "Toolbox", "TestSupport", systemPackage], swiftSettings: strict),
    .testTarget(name: "FaultsTests", dependencies: ["Faults", "TestSupport", systemPackage], swiftSettings: strict),
    .testTarget(
      name: "SeriesIntakeTests", dependencies: ["SeriesIntake", "BenchModel", "TestSupport", "Toolbox", systemPackage],
      swiftSettings: strict),
    .testTarget(
      name: "KernelBuildTests",
      dependencies: [
        "KernelBuild", "BenchModel", "KernelCode", "KernelText", "TestBench", "TestSupport", "Toolbox", systemPackage,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "GuestMachineTests",
      dependencies: [
        "GuestMachine", "BenchModel", "GuestProtocol", "TestBench", "TestSupport", "Toolbox", systemPackage,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "BenchTests",
      dependencies: [
        "Bench", "BenchModel", "Benchmarks", "GuestMachine", "GuestProtocol", "KernelBuild", "SeriesIntake",
        "TestBench", "TestSupport", "Toolbox", "Verdicts", systemPackage,
      ], exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "HistoryTests",
      dependencies: [
        "History", "Nights", "BenchModel", "GuestProtocol", "TestSupport", "Toolbox", "Verdicts", systemPackage,
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NightsTests", dependencies: ["Nights", "BenchModel", "History", "Verdicts"], swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "patchbench", "Bench", "BenchModel", "GuestProtocol", "History", "KernelBuild", "Reports", "TestBench",
        "TestSupport", "Toolbox", "Verdicts", systemPackage,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    // Real kernels and real guests. Needs everything that setup.sh installs and builds; skips nothing.
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "Bench", "BenchModel", "GuestMachine", "GuestProtocol", "KernelBuild", "MutantRun", "Mutation", "Reports",
        "SeriesIntake", "TestSupport", "Toolbox", "Verdicts", "patchbench", "patchbench-disks",
      ],
      swiftSettings: strict),
  ]
)
