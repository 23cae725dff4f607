// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Toolbox

/// The Message-IDs of an archive's mails, and which mails they answer.
struct MailIndex {
  /// Object names.
  private var blobs: [String] = []
  /// When each mail arrived, in seconds since 1970; 0 if that was not read.
  private var dates: [Int] = []
  /// By the mail's number. Hashes are enough to follow a thread, and cost little for a million mails.
  private var ids: [Int] = []
  /// The mails that each one answers, of all mails, one after the other.
  private var parents: [Int] = []
  /// Where the parents of each mail begin.
  private var starts: [Int] = []

  /// Reads the headers of all mails. git has to unpack each of them for it: 100,000 mails take some seconds.
  static func all(_ archive: GitRepository, in place: FilePath, _ cage: Cage?) async throws -> MailIndex {
    try await together { worker, workers in
      archive.tool("sh", ["-c", everything, "sh", "\(worker)", "\(workers)"], in: place, cage)
    }
  }

  /// Reads the headers of the mails that arrived since a date, in seconds since 1970.
  static func read(_ archive: GitRepository, since date: Int, in place: FilePath, _ cage: Cage?) async throws
    -> MailIndex
  {
    try await read(["--since=@\(date) +0000"], archive, in: place, cage)
  }

  /// Reads the headers of the newest mails.
  static func newest(_ count: Int, _ archive: GitRepository, in place: FilePath, _ cage: Cage?) async throws
    -> MailIndex
  {
    try await read(["--max-count=\(count)"], archive, in: place, cage)
  }

  /// Reads the headers of the mails that arrived from some months before a date to two months after it.
  /// - Parameter date: in seconds since 1970.
  static func read(
    _ archive: GitRepository, around date: Int, months: Int, in place: FilePath, _ cage: Cage?
  ) async throws -> MailIndex {
    let month = 30 * 86400
    let dates = ["--since=@\(date - months * month) +0000", "--until=@\(date + 2 * month) +0000"]
    return try await read(dates, archive, in: place, cage)
  }

  /// - Parameter options: for `git log`.
  private static func read(
    _ options: [String], _ archive: GitRepository, in place: FilePath, _ cage: Cage?
  ) async throws -> MailIndex {
    let log = ["log", "--no-show-signature", "--all", "--format=%H:m %ct"] + options
    let mails = try await archive.git(log, in: place, cage).run().output.utf8.split(separator: 0x0a)
    return try await together { worker, workers in
      let share = mails[(mails.count * worker / workers)..<(mails.count * (worker + 1) / workers)]
      let input = place.appending("mails-\(worker)")
      try Data(share.joined(separator: [0x0a]) + [0x0a]).write(to: URL(filePath: input.string))
      return archive.tool("sh", ["-c", some, "sh", input.string], in: place, cage)
    }
  }

  /// Reads with one tool for each processor.
  private static func together(_ tool: @escaping @Sendable (Int, Int) throws -> Tool) async throws -> MailIndex {
    let workers = min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 8)
    let parts = try await Array(0..<workers).concurrentMap(limit: workers) { worker in
      var part = MailIndex()
      // grep's exit status is 1 if there are no mails.
      part.take(try await tool(worker, workers).run().output)
      return part
    }
    return parts.reduce(into: MailIndex()) { $0.add($1) }
  }

  private mutating func add(_ other: MailIndex) {
    starts += other.starts.map { $0 + parents.count }
    blobs += other.blobs
    dates += other.dates
    ids += other.ids
    parents += other.parents
  }

  // These are fixed texts. They print the header lines of mails that have Message-IDs, and the names of the mails'
  // objects.

  /// The files' paths do not matter, because versions of public-inbox differ in them. Objects that are stored next to
  /// each other are read by the same worker, because they often build upon each other.
  private static let everything = """
    git cat-file --batch-all-objects --unordered --batch-check='%(objecttype) %(objectname)' |
      awk -v worker="$1" -v workers="$2" '$1 == "blob" && int(NR / 2000) % workers == worker { print $2 }' |
      \(headers)
    """

  private static let some = "cat -- \"$1\" | \(headers)"

  /// What follows the object's name in the input is the mail's date.
  private static let headers = """
    git cat-file --batch='%(objectname) %(objecttype) %(objectsize) %(rest)' --buffer |
      LC_ALL=C grep -a -n -E \\
        '^([0-9a-f]{40,64} blob [0-9]+ [0-9]*$|[Mm]essage-[Ii][Dd]:|[Ii]n-[Rr]eply-[Tt]o:|[Rr]eferences:|[[:blank:]]+<[^ >]+@)'
    """

  /// Reads what the script printed: lines with their numbers.
  mutating func take(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var last = 0
      var isOwn: Bool?
      var rest = bytes[...]
      while !rest.isEmpty {
        let end = Self.index(of: 0x0a, in: rest) ?? rest.endIndex
        let numbered = rest[rest.startIndex..<end]
        rest = rest[min(end + 1, rest.endIndex)...]
        guard let colon = Self.index(of: 0x3a, in: numbered) else { continue }
        let number = numbered[..<colon].reduce(0) { $0 &* 10 &+ Int($1 & 0xf) }
        let line = numbered[(colon + 1)...]
        let isNext = number == last + 1
        last = number
        if line.first.map(Self.isHexDigit) == true, let space = Self.index(of: 0x20, in: line) {
          blobs.append(String(decoding: line[..<space], as: UTF8.self))
          let date = line.lastIndex(of: 0x20) ?? line.endIndex
          dates.append(line[date...].dropFirst().reduce(0) { $0 &* 10 &+ Int($1 & 0xf) })
          ids.append(0)
          starts.append(parents.count)
          isOwn = nil
          continue
        }
        if line.first == 0x20 || line.first == 0x09 {
          // A folded line belongs to the line before it. It may also be one of the many addresses in To.
          if !isNext { isOwn = nil }
        } else {
          isOwn = line.first == UInt8(ascii: "M") || line.first == UInt8(ascii: "m")
        }
        guard let isOwn, !blobs.isEmpty else { continue }
        if isOwn {
          // Only the first one: a mail that is attached has an id as well.
          if ids[ids.count - 1] == 0 { ids[ids.count - 1] = Self.ids(in: line).first ?? 0 }
        } else {
          parents += Self.ids(in: line)
        }
      }
    }
  }

  /// Searches for a byte.
  private static func index(of byte: UInt8, in line: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    guard let start = UnsafeRawPointer(UnsafeBufferPointer(rebasing: line).baseAddress),
      let found = memchr(start, Int32(byte), line.count)
    else { return nil }
    return line.startIndex + (UnsafeRawPointer(found) - start)
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }

  /// Returns the hashes of the ids between angle brackets.
  private static func ids(in line: Slice<UnsafeBufferPointer<UInt8>>) -> [Int] {
    var found: [Int] = []
    var rest = line
    while let start = index(of: UInt8(ascii: "<"), in: rest) {
      rest = rest[(start + 1)...]
      guard let end = index(of: UInt8(ascii: ">"), in: rest) else { break }
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

  private func parents(of mail: Int) -> ArraySlice<Int> {
    parents[starts[mail]..<(mail + 1 < starts.count ? starts[mail + 1] : parents.count)]
  }

  /// Returns all threads that begin at or after a date, by their first mail.
  func threads(since start: Int) -> [[String]] {
    var byID: [Int: Int] = [:]
    for mail in ids.indices where ids[mail] != 0 && byID[ids[mail]] == nil { byID[ids[mail]] = mail }
    // Mails that answer the same one belong together, also if that one is not here.
    var leaders = Array(ids.indices)
    func leader(_ mail: Int) -> Int {
      var mail = mail
      while leaders[mail] != mail {
        leaders[mail] = leaders[leaders[mail]]
        mail = leaders[mail]
      }
      return mail
    }
    for mail in ids.indices {
      for parent in parents(of: mail) {
        let other = byID[parent] ?? mail
        byID[parent] = other
        let (one, two) = (leader(mail), leader(other))
        leaders[max(one, two)] = min(one, two)
      }
    }
    let threads = Dictionary(grouping: ids.indices, by: leader).values.map { mails in
      // The index has the newest ones first.
      mails.sorted { (dates[$0], $1) < (dates[$1], $0) }
    }
    return threads.filter { dates[$0[0]] >= start }.sorted { (dates[$0[0]], $0[0]) < (dates[$1[0]], $1[0]) }
      .map { mails in mails.map { blobs[$0] } }
  }

  /// The mails of a thread.
  struct Thread {
    /// The newest last, if the index has the newest first.
    var blobs: [String] = []
    /// Whether it has all mails that its mails answer.
    var isWhole = false
  }

  /// Returns when a mail arrived; `nil` if there is no such mail.
  func date(of messageID: String) -> Int? { ids.firstIndex(of: Self.hash(messageID)).map { dates[$0] } }

  private static func hash(_ messageID: String) -> Int {
    var text = messageID
    return text.withUTF8 { hash($0[...]) }
  }

  /// Returns the thread of a mail; it is empty if there is no such mail.
  func thread(of messageID: String) -> Thread {
    let id = Self.hash(messageID)
    guard let named = ids.firstIndex(of: id) else { return Thread() }
    var known: Set<Int> = [id]
    var members: Set<Int> = [named]
    var isGrowing = true
    // Each pass finds the mails one step further away.
    while isGrowing {
      isGrowing = false
      for mail in members { known.formUnion(parents(of: mail)) }
      for mail in ids.indices where !members.contains(mail) {
        guard known.contains(ids[mail]) || parents(of: mail).contains(where: known.contains) else { continue }
        members.insert(mail)
        known.insert(ids[mail])
        isGrowing = true
      }
    }
    return Thread(
      blobs: members.sorted(by: >).map { blobs[$0] },
      isWhole: known.isSubset(of: members.map { ids[$0] }))
  }
}

/// The date that most programs put into a Message-ID.
enum MailDate {
  /// Returns the date in seconds since 1970; `nil` without one.
  ///
  /// `20261102101112.12-1-x@y` is from git send-email, `20261102-topic-v1-0-1a2b@y` from b4, `cover.1793700000.git.x@y`
  /// from git format-patch --thread.
  static func seconds(in messageID: String) -> Int? {
    for digits in messageID.prefix(while: { $0 != "@" }).split(whereSeparator: { !("0"..."9").contains($0) }) {
      guard let number = Int(digits) else { continue }
      if digits.count == 10, digits.first == "1" { return number }
      guard [8, 14].contains(digits.count), digits.hasPrefix("20"), let day = Int(digits.prefix(8)) else { continue }
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = .gmt
      let parts = DateComponents(year: day / 10000, month: day / 100 % 100, day: day % 100)
      if parts.isValidDate(in: calendar), let date = calendar.date(from: parts) {
        return Int(date.timeIntervalSince1970)
      }
    }
    return nil
  }
}
