// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
public import KernelBuild
public import SeriesIntake
public import SystemPackage
public import Toolbox

/// Reads every series of an archive, as a run would, and tries each on every kernel that is unpacked here. Nothing is
/// built.
public struct ArchiveSurvey: Sendable {
  /// What became of one series.
  public struct Entry: Codable, Sendable, Hashable {
    /// Of its first mail; so is the subject.
    public var messageID: String
    public var subject: String
    /// The number of patches; `nil` if it could not be read.
    public var patches: Int?
    /// Why it could not be read: in short, and as a run would say it.
    public var kind: String?
    public var refusal: String?
    public var b4: ArchivedSeries.B4Answer
    /// By kernel, why it does not apply there. A kernel to which it applies is not in it.
    public var refusals: [String: ApplyRefusal] = [:]
  }

  public var archive: MailArchive
  public var kernels: [UnpackedKernel]
  public var cage: Cage
  public var scratch: FilePath
  /// How many threads are read at once.
  public var jobs: Int

  public init(archive: MailArchive, kernels: [UnpackedKernel], cage: Cage, scratch: FilePath, jobs: Int) {
    self.archive = archive
    self.kernels = kernels
    self.cage = cage
    self.scratch = scratch
    self.jobs = jobs
  }

  /// - Parameters:
  ///   - date: threads that began before it are left out.
  ///   - report: gets the series of each thread, when it is done, and the number of threads.
  /// - Throws: ``ToolError``, `CancellationError`, and file system errors.
  public func run(
    since date: Date, report: @escaping @Sendable (_ found: [Entry], _ threads: Int) -> Void
  ) async throws {
    let threads = try await archive.threads(since: date, in: scratch.appending("index"), cage: cage)
    _ = try await Array(threads.enumerated()).concurrentMap(limit: jobs) { number, thread in
      let place = scratch.appending("thread-\(number)")
      defer { try? FileManager.default.removeItem(atPath: place.string) }
      var entries: [Entry] = []
      do {
        for series in try await thread.series(in: place, cage: cage) { entries.append(try await entry(series)) }
      } catch  where error is IntakeError || error.isExcess {
        // One thread must not end the survey of thousands.
        let kind = (error as? IntakeError)?.kind ?? "it takes too long"
        entries.append(Entry(messageID: "", subject: "", kind: kind, refusal: "\(error)", b4: .nothing))
      }
      report(entries, threads.count)
    }
  }

  private func entry(_ series: ArchivedSeries) async throws -> Entry {
    var entry = Entry(messageID: series.messageID, subject: series.subject, b4: series.b4)
    switch series.read {
    case .failure(let error): (entry.kind, entry.refusal) = (error.kind, "\(error)")
    case .success(let read):
      entry.patches = read.diffs.count
      for kernel in kernels {
        if let refusal = try await kernel.refusal(of: read.diffs, cage: cage) { entry.refusals[kernel.name] = refusal }
      }
    }
    return entry
  }
}
