// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import SystemPackage
import Toolbox

/// One mail, in a file of its own.
struct RawMail: Sendable, Hashable {
  var file: FilePath
  /// The file that it came in.
  var source: MailFile
  /// Its number in that file, from 1.
  var number: Int
  var headers: MailHeaders
  var tag: SubjectTag

  init(_ file: FilePath, from source: MailFile, number: Int, headers: MailHeaders) {
    self.file = file
    self.source = source
    self.number = number
    self.headers = headers
    tag = SubjectTag(headers.subject)
  }

  /// The name in reports: `t.mbox`, `t.mbox#2`.
  var label: String { number == 1 ? source.label : "\(source.label)#\(number)" }
  /// The name in errors, with the whole path.
  var fullLabel: String { number == 1 ? source.shown : "\(source.shown)#\(number)" }
}

/// The mails of a series' files.
struct SplitMails {
  var mails: [RawMail] = []
  /// Whether they came in a mailbox, which may have any mails. A directory's files are chosen by the user.
  var isMailbox = false
  /// What was done to read the files.
  var notes: [String] = []

  init(mails: [RawMail], isMailbox: Bool) {
    self.mails = mails
    self.isMailbox = isMailbox
  }

  /// - Parameters:
  ///   - place: a directory for the mails, created here.
  ///   - cage: the cage for tools.
  init(_ files: [MailFile], in place: FilePath, _ cage: Cage?) async throws {
    // In parallel, because each mailbox and each compressed file starts a tool.
    let numbered = files.enumerated().map { (place.appending("\($0 + 1)"), $1) }
    for (mails, note) in try await numbered.concurrentMap(limit: 4, { try await Self.split($1, in: $0, cage) }) {
      if let note { notes.append(note) }
      self.mails += mails
      if mails.count > 1 { isMailbox = true }
      if self.mails.count > Self.mostMails {
        throw IntakeError.tooMuch(files[0].shown, "more than \(Self.mostMails) mails")
      }
    }
  }

  /// Leaves out second copies of mails: whoever is on the list and in Cc has two.
  /// - Throws: ``IntakeError/sameID`` for two mails that have one Message-ID and are not the same.
  mutating func dropCopies() throws {
    var first: [String: RawMail] = [:]
    var kept: [RawMail] = []
    var copies = 0
    for mail in mails {
      guard let id = mail.headers.messageID, let twin = first[id] else {
        if let id = mail.headers.messageID { first[id] = mail }
        kept.append(mail)
        continue
      }
      // A list changes headers and adds a footer. Files that the user put into a directory did not come by a list.
      let isCopy =
        isMailbox
        ? twin.tag.title == mail.tag.title
        : FileManager.default.contentsEqual(atPath: twin.file.string, andPath: mail.file.string)
      if !isCopy { throw IntakeError.sameID(twin.fullLabel, mail.fullLabel, id) }
      copies += 1
    }
    mails = kept
    if copies > 0 { notes.append("passed over: \(copies) second cop\(copies == 1 ? "y of a mail" : "ies of mails")") }
  }

  /// The versions of the series in them. Other mails of a thread may be no patches.
  var versions: [Int] { Set(mails.filter { !$0.tag.isReply && $0.tag.isPatch }.map(\.tag.version)).sorted() }

  private static func split(
    _ file: MailFile, in place: FilePath, _ cage: Cage?
  ) async throws -> (mails: [RawMail], note: String?) {
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    var path = file.path
    var bytes = try read(path, file)
    if let packing = Packing(bytes) {
      path = try await packing.unpack(path, label: file.shown, in: place, most: largestFile, cage)
      bytes = try read(path, file)
    }
    var note: String?
    if WideText.isMarked(bytes) {
      guard let text = WideText.patch(bytes) else { throw IntakeError.utf16(file.shown) }
      note = "\(file.label) was converted from UTF-16"
      path = place.appending("converted")
      try Data(text.utf8).write(to: URL(filePath: path.string))
      bytes = try read(path, file)
    }
    let single = place.appending(paddedNumber(1))
    var count = 1
    if isMailbox(bytes) {
      count = try await splitMailbox(path, file, bytes.starts(with: Array("From mboxrd@z ".utf8)), in: place, cage)
    } else {
      // One mail or one bare diff. Line ends as git mailsplit makes them, and no blank lines or BOM before the headers.
      let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes
      try Data(withoutReturns(text.drop { $0 == 0x0a || $0 == 0x0d })).write(to: URL(filePath: single.string))
    }
    let mails = try (1...count).map { number in
      let mail = place.appending(paddedNumber(number))
      let head = try FileHandle(forReadingFrom: URL(filePath: mail.string)).read(upToCount: longestHeader)
      return RawMail(
        mail, from: file, number: number, headers: MailHeaders(head ?? Data()))
    }
    return (mails, note)
  }

  /// Splits a mailbox into mails named 0001, 0002, … and returns their number.
  private static func splitMailbox(
    _ path: FilePath, _ file: MailFile, _ isQuoted: Bool, in place: FilePath, _ cage: Cage?
  ) async throws -> Int {
    let options = isQuoted ? ["--mboxrd"] : []
    let git = Git.tool(["mailsplit"] + options + ["-b", "-o\(place.string)", "--", path.string])
    let answer = try await (cage?.wrap(git, in: place, reading: [path]) ?? git).run()
    guard answer.status.isSuccess, let count = Int(answer.output.trimmingCharacters(in: .whitespacesAndNewlines)),
      count > 0
    else {
      throw IntakeError.noPatch(
        file: file.shown, reason: "git finds no mail in it (\(answer.errors.firstLine ?? answer.status.words))")
    }
    if count > mostMails { throw IntakeError.tooMuch(file.shown, "\(count) mails") }
    return count
  }

  private static func read(_ path: FilePath, _ source: MailFile) throws -> Data {
    var status = stat()
    guard stat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw IntakeError.noPatch(file: source.shown, reason: "it is not a file")
    }
    if status.st_size > largestFile {
      throw IntakeError.tooMuch(source.shown, "more than \(largestFile >> 20) MiB")
    }
    return try Data(contentsOf: URL(filePath: path.string), options: .alwaysMapped)
  }

  /// Whether the file has several mails. Only git decides where each one ends.
  private static func isMailbox(_ bytes: Data) -> Bool {
    // git skips what is empty before the first mail.
    guard bytes.drop(while: { [0x09, 0x0a, 0x0d, 0x20].contains($0) }).starts(with: Array("From ".utf8)) else {
      return false
    }
    return bytes.range(of: Data("\nFrom ".utf8)) != nil
  }

  private static func withoutReturns(_ bytes: Data) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for byte in bytes {
      if byte == 0x0a, result.last == 0x0d { result.removeLast() }
      result.append(byte)
    }
    return result
  }

  /// Bytes. A whole series with everything renamed has about ten million.
  static let largestFile = 64 << 20
  /// Including cover letters and replies. The longest threads have about a thousand.
  private static let mostMails = 5000
  /// Bytes.
  private static let longestHeader = 64 << 10
}

extension String {
  /// The first line of git's message, without its prefix.
  var firstLine: String? {
    split(separator: "\n").first.map { $0.hasPrefix("error: ") ? String($0.dropFirst(7)) : String($0) }
  }
}
