// SPDX-License-Identifier: Apache-2.0

import BenchModel
public import Foundation
public import SystemPackage
public import Toolbox

/// A public-inbox archive, for reading all series in it.
public struct MailArchive: Sendable {
  private let repository: GitRepository

  /// - Throws: ``IntakeError`` if there is no git repository.
  public init(_ path: String) throws(IntakeError) {
    guard let repository = GitRepository(FilePath(path)) else { throw .notARepository(path) }
    self.repository = repository
  }

  /// Returns the threads that begin at or after a date, oldest first.
  /// - Parameter place: a directory for this only, created here.
  public func threads(since date: Date, in place: FilePath, cage: Cage?) async throws -> [ArchiveThread] {
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let start = Int(date.timeIntervalSince1970)
    // A thread that goes on after the date may have begun before it.
    let index = try await MailIndex.read(repository, since: start - Self.before, in: place.absolute, cage)
    return index.threads(since: start).map { ArchiveThread(repository: repository, blobs: $0) }
  }

  /// Returns the Message-ID of a mail of each such thread that has a patch, oldest first.
  /// - Parameters: as for ``threads(since:in:cage:)``.
  public func firstMails(since date: Date, in place: FilePath, cage: Cage?) async throws -> [String] {
    var found: [String] = []
    for (number, thread) in try await threads(since: date, in: place, cage: cage).enumerated() {
      // What cannot be read here is no series for anyone. `patchbench archive` counts it.
      let series = (try? await thread.series(in: place.appending("thread-\(number)"), cage: cage)) ?? []
      if let last = series.last, case .success = last.read, !last.messageID.isEmpty { found.append(last.messageID) }
    }
    return found
  }

  /// Two months, in seconds.
  private static let before = 60 * 86400
}

/// A thread of an archive.
public struct ArchiveThread: Sendable {
  let repository: GitRepository
  let blobs: [String]

  /// Reads each version of the series in the thread as `patchbench run` would, and asks b4 as well.
  /// - Parameters:
  ///   - place: a directory for this only, created here.
  ///   - cage: the cage in which tools read the untrusted input.
  /// - Returns: nothing if no mail says that it is a patch.
  /// - Throws: ``IntakeError`` if not even its mails can be read, ``ToolError``, and file system errors.
  public func series(in place: FilePath, cage: Cage?) async throws -> [ArchivedSeries] {
    let place = place.absolute
    let mails = place.appending("mails")
    try FileManager.default.createDirectory(atPath: mails.string, withIntermediateDirectories: true)
    guard let written = try await repository.write(Array(blobs.prefix(InboxSeries.longestThread)), in: mails, cage)
    else {
      throw IntakeError.noMail(repository.path.string, reason: "git cannot read a mail of it")
    }
    let files = written.map { MailFile($0, shown: $0.lastComponent?.string) }
    let split = try await SplitMails(files, in: place.appending("split"), cage)
    guard let first = split.mails.first(where: { !$0.tag.isReply && $0.tag.isPatch }) else { return [] }
    let thread = MailSeries(name: "thread", path: repository.path, files: files, isMailbox: true)
    var found: [ArchivedSeries] = []
    for (number, one) in try await thread.versions(scratch: place.appending("versions"), cage: cage).enumerated() {
      let version = (one as? MailSeries)?.version
      let own = split.mails.filter {
        !$0.tag.isReply && $0.tag.isPatch && $0.tag.version == version ?? first.tag.version
      }
      let cover = own.min { ($0.tag.number ?? 1) < ($1.tag.number ?? 1) } ?? first
      var series = ArchivedSeries(
        messageID: cover.headers.messageID ?? "", subject: SeriesClaims.bounded(cover.headers.subject))
      do {
        series.read = .success(try await one.read(into: place.appending("series-\(number)"), cage: cage))
      } catch let error as IntakeError {
        series.read = .failure(error)
      } catch ToolError.exceeded(_, let excess) {
        series.read = .failure(.unreadable(one.path.string, reason: excess.words))
      }
      let asked = try await B4.choose(split.mails, version: version, in: place.appending("b4-\(number)"), cage)
      series.b4 = .init(asked.map(\.label), isWhole: ChosenMails(patches: asked).missing.isEmpty, beside: series.read)
      found.append(series)
    }
    return found
  }
}

/// One version of a series in an archive.
public struct ArchivedSeries: Sendable {
  /// Of its first mail.
  public var messageID: String
  /// Of the same mail.
  public var subject: String
  public var read = Result<ReadSeries, IntakeError>.failure(.empty(""))
  public var b4 = B4Answer.nothing

  /// What b4 makes of the same mails.
  public enum B4Answer: String, Codable, Sendable, Hashable, CaseIterable {
    /// The same patches in the same order.
    case same
    /// Other patches, or another order.
    case other
    /// A series of which patches are missing.
    case incomplete
    case nothing

    init(_ patches: [String], isWhole: Bool, beside read: Result<ReadSeries, IntakeError>) {
      if patches.isEmpty {
        self = .nothing
      } else if !isWhole {
        self = .incomplete
      } else {
        self = (try? read.get())?.series.patches.map(\.file) == patches ? .same : .other
      }
    }
  }

  init(messageID: String, subject: String) {
    self.messageID = messageID
    self.subject = subject
  }
}
