// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// One thread of a public-inbox archive, which is a git repository with one commit for each mail:
/// `archive.git#MESSAGE-ID`.
struct PublicInbox: SeriesForm {
  let words = "ARCHIVE.git#MESSAGE-ID for a thread of a public-inbox archive"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.kind == .nothing, let mark = argument.text.firstIndex(of: "#"),
      let archive = GitRepository(FilePath(String(argument.text[..<mark])))
    else { return nil }
    let text = String(argument.text[argument.text.index(after: mark)...])
    guard let id = MessageLink.messageID(text) else {
      throw .noMail(argument.text, reason: "“\(text)” is not a Message-ID")
    }
    return [
      InboxSeries(name: SeriesName.safe(id), path: argument.path, archive: archive, messageID: id)
    ]
  }
}

/// The thread that a mail of an archive belongs to.
private struct InboxSeries: SeriesSource {
  var name: String
  let path: FilePath
  let archive: GitRepository
  let messageID: String

  var firstFile: String { messageID }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let place = store.absolute.appending("archive")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place.string) }
    let index = try await MailIndex.read(archive, in: place, cage)
    let thread = index.thread(of: messageID)
    if thread.isEmpty { throw IntakeError.noMail(path.string, reason: "no mail in the archive has this Message-ID") }
    if thread.count > Self.longestThread {
      throw IntakeError.tooMuch(path.string, "a thread of \(thread.count) mails")
    }
    let mails = try await write(thread, in: place, cage)
    // The whole thread may have newer versions; the user named a mail of this one.
    let files = mails.map { MailFile($0, label: $0.lastComponent!.string, shown: path.string) }
    let head = try FileHandle(forReadingFrom: URL(filePath: mails[0].string)).read(upToCount: 1 << 16) ?? Data()
    let version = SubjectTag(MailHeaders(head).subject).version
    return try await MailSeries(name: name, path: path, files: files, isMailbox: true, version: version)
      .read(into: store, cage: cage)
  }

  /// A fixed text; its arguments are object names.
  private static let script = "for mail do git cat-file blob \"$mail\" >\"$mail\" || exit; done"

  /// Writes the mails, each to a file with its object's name. Whatever their encoding, they stay as they are.
  private func write(_ blobs: [String], in place: FilePath, _ cage: Cage?) async throws -> [FilePath] {
    let answer = try await archive.tool("sh", ["-c", Self.script, "sh"] + blobs, in: place, cage).run()
    guard answer.status.isSuccess else {
      throw IntakeError.noMail(path.string, reason: "git cannot read it (\(answer.errors.firstLine ?? "no reason"))")
    }
    return blobs.map { place.appending($0) }
  }

  private static let longestThread = 2000
}

/// The Message-IDs of an archive's mails, and which mails they answer.
struct MailIndex {
  /// Object names.
  private var blobs: [String] = []
  /// By the mail's number. Hashes are enough to follow a thread, and cost little for a million mails.
  private var ids: [Int] = []
  private var parents: [[Int]] = []

  /// Reads the headers of all mails. An archive of 100,000 mails takes less than two seconds on two processors.
  static func read(_ archive: GitRepository, in place: FilePath, _ cage: Cage?) async throws -> MailIndex {
    let workers = min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 8)
    let parts = try await Array(0..<workers).concurrentMap(limit: workers) { worker in
      let words = ["-c", script, "sh", "\(worker)", "\(workers)"]
      let answer = try await archive.tool("sh", words, in: place, cage).run()
      // Nothing found is exit status 1.
      return answer.output
    }
    var index = MailIndex()
    for part in parts { index.take(part) }
    return index
  }

  /// A fixed text. It prints the header lines of mails that have Message-IDs, and the names of the mails' objects. The
  /// files' paths do not matter: versions of public-inbox differ in them. Objects that are stored next to each other are
  /// read by the same worker, because they often build upon each other.
  private static let script = """
    git cat-file --batch-all-objects --unordered --batch-check='%(objecttype) %(objectname)' |
      awk -v worker="$1" -v workers="$2" '$1 == "blob" && int(NR / 2000) % workers == worker { print $2 }' |
      git cat-file --batch --buffer |
      LC_ALL=C grep -a -E \\
        '^([0-9a-f]{40,64} blob [0-9]+$|[Mm]essage-[Ii][Dd]:|[Ii]n-[Rr]eply-[Tt]o:|[Rr]eferences:|[[:blank:]]+<[^ >]+@)'
    """

  /// Reads what the script printed.
  mutating func take(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      for line in bytes.split(separator: 0x0a) {
        if line.first.map(Self.isHexDigit) == true, let space = line.firstIndex(of: 0x20) {
          blobs.append(String(decoding: line[..<space], as: UTF8.self))
          ids.append(0)
          parents.append([])
          continue
        }
        guard !blobs.isEmpty else { continue }
        let isOwn = line.first == UInt8(ascii: "M") || line.first == UInt8(ascii: "m")
        for id in Self.ids(in: line) {
          // A mail that is attached has an id as well. A folded line belongs to the field before.
          if ids[ids.count - 1] == 0, isOwn || line.first == 0x20 || line.first == 0x09 {
            ids[ids.count - 1] = id
          } else if !isOwn {
            parents[parents.count - 1].append(id)
          }
        }
      }
    }
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }

  /// Returns the hashes of the ids between angle brackets.
  private static func ids(in line: Slice<UnsafeBufferPointer<UInt8>>) -> [Int] {
    var found: [Int] = []
    var rest = line
    while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
      rest = rest[(start + 1)...]
      guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
      found.append(hash(rest[..<end]))
      rest = rest[(end + 1)...]
    }
    return found
  }

  private static func hash(_ id: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
    var hasher = Hasher()
    hasher.combine(
      bytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(id.base)[id.startIndex..<id.endIndex]))
    return hasher.finalize()
  }

  /// Returns the mails of a thread, the named one first; empty if there is no such mail.
  func thread(of messageID: String) -> [String] {
    var text = messageID
    let id = text.withUTF8 { Self.hash($0[...]) }
    guard let named = ids.firstIndex(of: id) else { return [] }
    var known: Set<Int> = [id]
    var members: Set<Int> = [named]
    var isGrowing = true
    // Each pass finds the mails one step further away.
    while isGrowing {
      isGrowing = false
      for mail in members { known.formUnion(parents[mail]) }
      for mail in ids.indices where !members.contains(mail) {
        guard known.contains(ids[mail]) || parents[mail].contains(where: known.contains) else { continue }
        members.insert(mail)
        known.insert(ids[mail])
        isGrowing = true
      }
    }
    return [blobs[named]] + members.subtracting([named]).sorted().map { blobs[$0] }
  }
}
