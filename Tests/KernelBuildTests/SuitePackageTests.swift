// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

@Suite struct SuitePackageTests {
  /// An archive of packages with one in it, as apt reads it.
  private static func archive(in place: FilePath, package: String, files: [String: String]) async throws -> String {
    let manager = FileManager.default
    let root = place.appending("package")
    for (name, text) in files {
      let file = root.pushing(FilePath(name))
      try manager.createDirectory(atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(filePath: file.string))
    }
    let control = root.pushing(FilePath("DEBIAN/control"))
    try manager.createDirectory(atPath: control.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(
      "Package: \(package)\nVersion: 7.3.4-1~test\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: x\n".utf8
    ).write(to: URL(filePath: control.string))
    let archive = place.appending("archive")
    try manager.createDirectory(atPath: archive.string, withIntermediateDirectories: true)
    _ = try await Tool("dpkg-deb", ["-b", root.string, archive.appending("\(package)_1_all.deb").string]).output()
    let index = try await Tool("dpkg-scanpackages", ["."], in: archive).output()
    try Data(index.utf8).write(to: URL(filePath: archive.appending("Packages").string))
    return "deb [trusted=yes] file:\(archive) ./"
  }

  @Test func aSourceIsFetchedOnceAndFoundAfterwards() async throws {
    let scratch = try Scratch()
    let place = scratch.path
    let package = "linux-source-7.3"
    let sources = try await Self.archive(
      in: place, package: package, files: ["usr/src/\(package).tar.xz": "the source"])
    let store = place.appending("store")
    #expect(SuitePackage.find(package, suite: "another", store: store) == nil)
    let fetched = try await SuitePackage.fetch(package, suite: "another", store: store, sources: sources)
    #expect(fetched.version == "7.3.4-1~test")
    #expect(try String(contentsOf: URL(filePath: fetched.archive.string), encoding: .utf8) == "the source")
    // Without the archive that it came from.
    try FileManager.default.removeItem(atPath: place.appending("archive").string)
    let again = try await SuitePackage.fetch(package, suite: "another", store: store, sources: sources)
    #expect(again.archive == fetched.archive)
    #expect(SuitePackage.find(package, suite: "another", store: store)?.version == fetched.version)
  }

  @Test func aMissingPackageIsAnErrorInAptsWords() async throws {
    let scratch = try Scratch()
    let place = scratch.path
    let sources = try await Self.archive(in: place, package: "linux-source-7.3", files: [:])
    let store = place.appending("store")
    let error = await #expect(throws: StageError.self) {
      _ = try await SuitePackage.fetch("linux-source-0.1", suite: "another", store: store, sources: sources)
    }
    #expect("\(error as Any)".contains("linux-source-0.1"))
    #expect(SuitePackage.find("linux-source-0.1", suite: "another", store: store) == nil)
  }

  @Test func aPackageWithoutASourceLeavesNothingBehind() async throws {
    let scratch = try Scratch()
    let place = scratch.path
    let sources = try await Self.archive(in: place, package: "linux-source-7.3", files: ["usr/share/x": ""])
    let store = place.appending("store")
    await #expect(throws: StageError.self) {
      _ = try await SuitePackage.fetch("linux-source-7.3", suite: "another", store: store, sources: sources)
    }
    #expect(SuitePackage.find("linux-source-7.3", suite: "another", store: store) == nil)
  }
}
