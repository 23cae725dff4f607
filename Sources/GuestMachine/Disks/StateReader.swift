// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import SystemPackage
import Toolbox

/// libguestfs could not be used; no disk is at fault.
public struct NoAppliance: Error, Sendable, Hashable, CustomStringConvertible {
  public var description: String
}

/// Reads state disks with libguestfs, in a separate process (`patchbench-disks`). The untrusted file system is mounted
/// by the kernel of libguestfs' appliance, and a hang or crash there does not affect this process.
public struct StateReader: Sendable {
  /// Whether it may use KVM.
  var accelerator: Accelerator
  /// The directory where libguestfs keeps its appliance, which takes seconds to build.
  var appliance: FilePath
  /// The directory for its other files while it runs.
  var scratch: FilePath
  /// The executable, next to this one.
  var program = FilePath(URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path)
    .removingLastComponent().appending("patchbench-disks")

  /// The maximum number of disks per appliance. An emulated appliance takes ten seconds to start.
  static let mostTogether = 20
  /// How many disks may take the appliance down before the remaining ones are skipped.
  static let mostDeaths = 3
  /// Time limits: for starting an appliance, including building it, and for the files of one disk. A tenth is
  /// usually enough.
  var patience = (start: Duration.seconds(300), disk: Duration.seconds(30))

  public init(accelerator: Accelerator, appliance: FilePath, scratch: FilePath) {
    self.accelerator = accelerator
    self.appliance = appliance
    self.scratch = scratch
  }

  /// Reads disks that nothing has open. If a disk is damaged, only its own contents are lost. If it takes down the
  /// appliance, the remaining disks need a second one.
  /// - Returns: one answer per disk, in order.
  /// - Throws: ``NoAppliance``; ``ToolError``
  public func read(_ images: [FilePath]) async throws -> [StateReading] {
    try FileManager.default.createDirectory(atPath: appliance.string, withIntermediateDirectories: true)
    var answers: [StateReading] = []
    var deaths = 0
    while answers.count < images.count {
      guard deaths < Self.mostDeaths else {
        answers.append(StateReading(failure: "not tried: \(deaths) others have brought down libguestfs' appliance"))
        continue
      }
      let batch = Array(images[answers.count...].prefix(Self.mostTogether))
      let some = try await read(together: batch)
      answers += some
      if some.count < batch.count { deaths += 1 }
    }
    return answers
  }

  /// - Returns: fewer answers than images if the last one took down the appliance.
  private func read(together images: [FilePath]) async throws -> [StateReading] {
    let tool = Tool(
      program.string, [accelerator.rawValue, appliance.string, scratch.string] + images.map(\.string))
    let answers = Locked<[StateReading]>([])
    let words = Locked<[String]>([])
    var status: ToolStatus?
    do {
      status = try await tool.run(
        log: scratch.appending("disks.log"), deadline: patience.start + patience.disk * images.count
      ) { line in
        if let answer = try? JSONDecoder().decode(StateReading.self, from: Data(line.utf8)) {
          answers.withLock { $0.append(answer) }
        } else {
          words.withLock { $0.append(String(line)) }
        }
      }
    } catch {
      // A disk keeps it waiting. (`catch ToolError.deadlineExceeded` crashes the compiler, Swift 6.3.1.)
      guard case .deadlineExceeded = error else { throw error }
    }
    var read = answers.withLock { $0 }
    if status == .exited(Int(StateReading.noAppliance)) {
      throw NoAppliance(description: words.withLock { $0 }.joined(separator: "; "))
    }
    let wasEnded = status.map { !$0.isSuccess } ?? true
    if wasEnded, read.count < images.count {
      read.append(StateReading(failure: "libguestfs \(status?.words ?? "timed out")"))
    }
    return read
  }
}
