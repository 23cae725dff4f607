// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SystemPackage
import TestSupport
import Testing
import Toolbox

extension BenchSerial {
  /// What a guest leaves on its disk, and what a hostile guest can do there.
  @Suite(.serialized) struct StateDisks {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    /// Makes a disk whose root directory `prepare` fills.
    private func image(_ name: String, _ prepare: (FilePath) throws -> Void) async throws -> FilePath {
      let root = bench.scratch.path.appending("root-\(name)")
      try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
      try prepare(root)
      let image = bench.scratch.path.appending("\(name).img")
      _ = try await Tool(
        "mke2fs", ["-q", "-F", "-t", "ext2", "-m", "0", "-d", root.string, image.string, "16M"]
      ).output()
      return image
    }

    private func text(_ name: String) -> String? {
      try? String(contentsOfFile: bench.scratch.path.appending(name).string, encoding: .utf8)
    }

    @Test("a disk is read whatever disks come before it, and only plain files are read")
    func hostile() async throws {
      let good = try await image("good") { root in
        try Data("ok 1 a\n".utf8).write(to: URL(filePath: root.appending("results").string))
        try Data("6,1,2,-;words\n".utf8).write(to: URL(filePath: root.appending("kmsg").string))
      }
      // Followed, this link would lead to a file of the appliance itself.
      let links = try await image("links") { root in
        for (name, target) in [("results", "/etc/passwd"), ("kmsg", "../../etc/passwd")] {
          try FileManager.default.createSymbolicLink(atPath: root.appending(name).string, withDestinationPath: target)
        }
      }
      let odd = try await image("odd") { root in
        try FileManager.default.createDirectory(
          atPath: root.appending("results").string, withIntermediateDirectories: true)
        // A hole of 8 GiB takes no space there.
        _ = FileManager.default.createFile(atPath: root.appending("kmsg").string, contents: nil)
        let file = try FileHandle(forWritingTo: URL(filePath: root.appending("kmsg").string))
        try file.truncate(atOffset: 1 << 33)
        try file.close()
      }
      let noise = bench.scratch.path.appending("noise.img")
      try Data((0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 197 ^ $0 >> 7) })
        .write(to: URL(filePath: noise.string))
      let broken = try await image("broken") { root in
        try Data(repeating: 0x61, count: 4 << 20).write(to: URL(filePath: root.appending("results").string))
      }
      // Its inodes, after the superblock and the group descriptors.
      let file = try FileHandle(forWritingTo: URL(filePath: broken.string))
      try file.seek(toOffset: 4096)
      try file.write(contentsOf: Data(repeating: 0xff, count: 1 << 20))
      try file.close()

      let before = try await Digest.of(file: good)
      let last = bench.scratch.path.appending("last.img")
      try FileManager.default.copyItem(atPath: good.string, toPath: last.string)
      let reader = StateReader(
        accelerator: .tcg, appliance: bench.cache.appliance, scratch: bench.scratch.path)
      let answers = try await reader.read([good, links, odd, noise, broken, last])

      let place = bench.scratch.path
      #expect(answers.count == 6)
      #expect(answers.first == StateReading(files: ["good-results", "good-kmsg"].map { place.appending($0).string }))
      #expect(text("good-results") == "ok 1 a\n")
      #expect(text("good-kmsg") == "6,1,2,-;words\n")
      #expect(answers[1] == StateReading())
      #expect(text("links-results") == nil && text("links-kmsg") == nil)
      #expect(text("odd-results") == nil)
      let size = try FileManager.default.attributesOfItem(atPath: place.appending("odd-kmsg").string)[.size] as? Int
      #expect(size == 32 << 20)
      for answer in [answers[3], answers[4]] {
        #expect(answer.files == [])
        #expect(answer.failure?.isEmpty == false)
      }
      // The disks after a damaged one are read.
      #expect(answers[5] == StateReading(files: ["last-results", "last-kmsg"].map { place.appending($0).string }))
      #expect(text("last-results") == "ok 1 a\n")
      #expect(try await Digest.of(file: good) == before)
      #expect(try await Workbench.processes("qemu-system.*\(place.string)") == [])
    }
  }
}
