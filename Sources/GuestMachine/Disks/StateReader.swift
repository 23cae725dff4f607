// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import SystemPackage
import Toolbox

/// libguestfs could not be used; nothing is wrong with any disk.
public struct NoAppliance: Error, Sendable, Hashable, CustomStringConvertible {
  public var description: String
}

/// Reads state disks by way of libguestfs, in a process of its own (`patchbench-disks`): the kernel that mounts a stranger's
/// file system is that of an appliance, and what hangs or dies there is not this process.
public struct StateReader: Sendable {
  /// Whether it may use KVM.
  var accelerator: Accelerator
  /// Where libguestfs keeps its appliance, which takes it seconds to make.
  var appliance: FilePath
  /// Where it has its other files while it runs.
  var scratch: FilePath
  /// The program that does it, beside this one.
  var program = FilePath(URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path)
    .removingLastComponent().appending("patchbench-disks")

  /// So many disks at most for one appliance, which takes ten seconds to start where it is emulated.
  static let mostTogether = 20
  /// So many disks may take an appliance down with them; those behind are not read.
  static let mostDeaths = 3
  /// The start of an appliance, its making included, and the files of one disk; a tenth is much.
  var patience = (start: Duration.seconds(300), disk: Duration.seconds(30))

  public init(accelerator: Accelerator, appliance: FilePath, scratch: FilePath) {
    self.accelerator = accelerator
    self.appliance = appliance
    self.scratch = scratch
  }

  /// Reads disks that nobody has open. One that is damaged costs what is on it, and one that ends the appliance costs the
  /// others a second appliance.
  /// - Returns: one answer for each, in their order.
  /// - Throws: ``NoAppliance``; ``ToolError``
  public func read(_ images: [FilePath]) async throws -> [StateReading] {
    try FileManager.default.createDirectory(atPath: appliance.string, withIntermediateDirectories: true)
    var answers: [StateReading] = []
    var deaths = 0
    while answers.count < images.count {
      guard deaths < Self.mostDeaths else {
        answers.append(StateReading(failure: "not tried: \(deaths) others have ended libguestfs' appliance"))
        continue
      }
      let batch = Array(images[answers.count...].prefix(Self.mostTogether))
      let some = try await read(together: batch)
      answers += some
      if some.count < batch.count { deaths += 1 }
    }
    return answers
  }

  /// - Returns: fewer answers than there are images if the last of them ended the appliance.
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
      // Else one of them keeps it waiting. (`catch ToolError.deadlineExceeded` ends the compiler, Swift 6.3.1.)
      guard case .deadlineExceeded = error else { throw error }
    }
    var read = answers.withLock { $0 }
    if status == .exited(Int(StateReading.noAppliance)) {
      throw NoAppliance(description: words.withLock { $0 }.joined(separator: "; "))
    }
    let wasEnded = status.map { !$0.isSuccess } ?? true
    if wasEnded, read.count < images.count {
      read.append(StateReading(failure: "libguestfs \(status?.words ?? "did not come back from it")"))
    }
    return read
  }
}
