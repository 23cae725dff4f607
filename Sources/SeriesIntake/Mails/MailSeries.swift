// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// A series in files of mails: each file is one mail, a bare diff, or an mbox; any may be compressed.
struct MailSeries: SeriesSource {
  var name: String
  var path: FilePath
  /// In the order in which their mails apply, unless the subjects say otherwise.
  var files: [MailFile]
  /// Whether the order of the files is certain, because a `series` file or a git history gives it.
  var isOrdered = false
  /// Whether the files are a mail folder: they may be any mails.
  var isMailbox = false
  /// Which version of a thread is taken; `nil` is the newest.
  var version: Int?
  /// The Message-ID of the mail that the user named, whose series is taken; `nil` if none was.
  var named: String?
  /// What a reader should know of the choice of files.
  var notes: [String] = []

  var firstFile: String { files.first?.label ?? name }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let manager = FileManager.default
    // git works in another directory, so paths must be valid there too.
    let place = store.absolute.appending("mails")
    try manager.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: place.string) }
    let split = try await split(in: place, cage)
    var chosen = isOrdered ? ChosenMails(patches: split.mails) : try await choose(split, in: place, cage)
    if chosen.patches.isEmpty, let cover = chosen.cover {
      throw IntakeError.onlyCover(path.string, messageID: cover.headers.messageID)
    }
    if chosen.patches.count > Self.mostPatches {
      throw IntakeError.tooMuch(path.string, "more than \(Self.mostPatches) patches")
    }
    if !isOrdered, !chosen.missing.isEmpty {
      throw IntakeError.missing(
        patches: chosen.missing, path: path.string, messageID: chosen.patches.first?.headers.messageID)
    }
    let all = (chosen.cover.map { [$0] } ?? []) + chosen.patches
    let reader = MailReader(place: place, cage: cage)
    var read = try await reader.read(all)
    var claims = SeriesClaims()
    claims.take(from: Array(zip(all, read)), version: chosen.version)
    claims.origin.notes = notes + split.notes + chosen.notes
    // A cover letter may have no number. A patch that has one and no diff was damaged.
    let isCovered = !isOrdered && read.count > 1 && read[0].paths.isEmpty && !read[0].subject.isEmpty
    if chosen.cover == nil, isCovered, all[0].tag.number == nil {
      claims.origin.notes.append("\(all[0].label) has no diff, and is taken for the cover letter")
      chosen.cover = chosen.patches.removeFirst()
    }
    var series = PatchSeries(name: name, patches: [], path: path.string)
    series.origin = claims.origin
    if chosen.cover != nil {
      let cover = read.removeFirst()
      series.cover = CoverLetter(subject: cover.subject, body: cover.body)
    }
    var result = try result(series, Array(zip(chosen.patches, read)), in: store)
    result.messageIDs = Set(all.compactMap(\.headers.messageID))
    if !claims.origin.prerequisites.isEmpty {
      let taken = Set(all.map(\.file))
      let left = split.mails.filter { !taken.contains($0.file) && !$0.tag.isReply }
      result.others = try await OtherSeries(reader: reader, store: store).read(left)
    }
    return result
  }

  /// Adds the patches to the series, and moves their diffs to the store.
  private func result(
    _ series: PatchSeries, _ patches: [(raw: RawMail, read: ReadMail)], in store: FilePath
  ) throws -> ReadSeries {
    var result = ReadSeries(series: series, diffs: [])
    for (raw, read) in patches {
      if read.paths.isEmpty { throw IntakeError.noDiff(file: raw.fullLabel) }
      // Debian's patches have their own headers (DEP-3).
      let subject = read.subject.isEmpty ? SeriesClaims.header("description", of: raw) ?? raw.label : read.subject
      let author = read.author.isEmpty ? SeriesClaims.header("author", of: raw) ?? "" : read.author
      var patch = Patch(subject: subject, author: author, file: raw.label, paths: read.paths)
      patch.trailers = read.trailers
      patch.message = read.message
      result.series.patches.append(patch)
      let diff = store.appending(ReadSeries.diffName(result.diffs.count + 1))
      try FileManager.default.moveItem(atPath: read.diff.string, toPath: diff.string)
      result.diffs.append(diff)
    }
    if result.diffs.isEmpty { throw IntakeError.empty(path.string) }
    return result
  }

  func versions(scratch: FilePath, cage: Cage?) async throws -> [any SeriesSource] {
    if isOrdered { return [self] }
    let split = try await split(in: scratch.absolute, cage)
    // A directory may have two series, one on top of the other.
    guard ChosenMails.bySubjects(split) == nil else { return [self] }
    let numbers = split.versions
    if numbers.count < 2 { return [self] }
    return numbers.compactMap { version($0) }
  }

  func version(_ number: Int) -> (any SeriesSource)? {
    if isOrdered { return nil }
    var one = self
    one.version = number
    one.name += "-v\(number)"
    one.path = FilePath("\(path.string)#v\(number)")
    return one
  }

  private func split(in place: FilePath, _ cage: Cage?) async throws -> SplitMails {
    var split = try await SplitMails(files, in: place, cage)
    if isMailbox { split.isMailbox = true }
    // What a `series` file lists is applied, whatever it is.
    if !isOrdered { try split.dropCopies() }
    return split
  }

  private func choose(_ whole: SplitMails, in place: FilePath, _ cage: Cage?) async throws -> ChosenMails {
    var split = whole
    if let named, let mail = NamedMail(named, in: whole.mails) { split.mails = mail.withoutRivals }
    // The thread may have newer versions; the user named a mail of this one.
    let version = version ?? named.flatMap { id in whole.mails.first { $0.headers.messageID == id }?.tag.version }
    if var chosen = ChosenMails.bySubjects(split), version == nil || chosen.version == version {
      if split.mails.count < whole.mails.count { chosen.tell(of: whole.mails, isNewest: version == nil) }
      return chosen
    }
    var chosen = ChosenMails()
    chosen.patches = try await B4.choose(split.mails, version: version, in: place.appending("b4"), cage)
    // b4 passes over a mail whose patch is an attachment of a type that it does not know, and gives up at a wrong date.
    let byNumbers = ChosenMails.newest(split.mails, version: version)
    if chosen.patches.isEmpty || !chosen.missing.isEmpty && byNumbers.missing.isEmpty && !byNumbers.patches.isEmpty {
      chosen = byNumbers
      chosen.notes.append("b4 found no whole series in these mails; they are in the order of their numbers")
    } else {
      chosen.takeCover(from: split.mails)
    }
    if let version, chosen.version != version {
      throw IntakeError.noVersion(path.string, version, others: split.versions.filter { $0 != version })
    }
    if chosen.patches.isEmpty {
      if chosen.cover != nil { return chosen }
      throw IntakeError.empty(path.string)
    }
    chosen.tell(of: whole.mails, isNewest: version == nil)
    return chosen
  }

  /// The longest series ever sent to a list has a few hundred patches.
  static let mostPatches = 1000
}
