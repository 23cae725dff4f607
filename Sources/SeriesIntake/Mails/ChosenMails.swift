// SPDX-License-Identifier: Apache-2.0

/// The mails that make up a series, in order.
struct ChosenMails: Sendable {
  var cover: RawMail?
  var patches: [RawMail] = []
  /// What a reader should know of the choice.
  var notes: [String] = []

  /// Chooses by the subjects, if they leave no doubt.
  ///
  /// Files in a directory were put there by the user: all are patches, except for a cover letter. A mailbox may have
  /// replies, several versions and other patches.
  /// - Returns: `nil` if it takes the references between mails to choose.
  static func bySubjects(_ split: SplitMails) -> ChosenMails? {
    let mails = split.mails
    guard !mails.contains(where: \.tag.isReply) else { return nil }
    let isUnambiguous = Set(mails.map(\.place)).count == mails.count
    let isWhole = mails.allSatisfy { $0.tag.number != nil } && Set(mails.map(\.version)).count == 1
    var chosen = ChosenMails()
    if isWhole, isUnambiguous {
      chosen.patches = mails.sorted { $0.tag.number! < $1.tag.number! }
      if chosen.patches != mails { chosen.notes.append("the patches are put in the order of their numbers") }
    } else {
      let isNumbered = mails.contains { $0.tag.number != nil }
      let isMixed = isNumbered || Set(mails.map(\.tag.version)).count > 1 || !mails.answers.isEmpty
      if split.isMailbox, isMixed { return nil }
      if Set(mails.map(\.title)).count != mails.count { return nil }
      chosen.patches = mails
    }
    chosen.cover = chosen.patches.first { $0.tag.number == 0 }
    chosen.patches.removeAll { $0.tag.number == 0 }
    return chosen
  }

  /// Chooses the newest version by the numbers in the subjects alone. It is used if b4 cannot read a thread.
  static func newest(_ mails: [RawMail], version: Int? = nil) -> ChosenMails {
    var numbered = mails.filter { !$0.tag.isReply && $0.tag.number != nil }
    if numbered.isEmpty {
      let answers = mails.answers
      numbered = mails.filter { !$0.tag.isReply && !answers.contains($0) }
    }
    let newest = version ?? numbered.map(\.tag.version).max()
    var chosen = ChosenMails()
    var numbers: Set<Int> = []
    for mail in numbered where mail.tag.version == newest {
      if let number = mail.tag.number, !numbers.insert(number).inserted { continue }
      if mail.tag.number == 0 { chosen.cover = mail } else { chosen.patches.append(mail) }
    }
    chosen.patches.sort { ($0.tag.number ?? 1) < ($1.tag.number ?? 1) }
    return chosen
  }

  /// Adds what was passed over to the notes.
  /// - Parameters:
  ///   - mails: all mails.
  ///   - isNewest: whether nobody asked for this version.
  mutating func tell(of mails: [RawMail], isNewest: Bool) {
    let taken = Set(patches.map(\.file) + (cover.map { [$0.file] } ?? []))
    let others = mails.filter { !taken.contains($0.file) }
    let replies = others.count { $0.tag.isReply }
    let version = version
    let versions = Set(others.filter { !$0.tag.isReply && $0.tag.version != version }.map(\.tag.version)).sorted()
    if let version, !versions.isEmpty {
      let list = versions.map { "v\($0)" }.joined(separator: ", ")
      let advice = isNewest ? " (--versions all judges each)" : ""
      notes.append("v\(version) is taken; also in the thread: \(list)\(advice)")
    }
    let older = patches.filter { $0.tag.version != version }
    if let version, !older.isEmpty {
      let list = older.map { "v\($0.tag.version) \($0.tag.words ?? $0.tag.title)" }.joined(separator: ", ")
      notes.append("v\(version) replaces only some patches; taken from earlier versions: \(list)")
    }
    if replies > 0 { notes.append("passed over: \(replies) repl\(replies == 1 ? "y" : "ies")") }
    for mail in others.filter({ !$0.tag.isReply && $0.tag.version == version }).prefix(5) {
      let start = "passed over: “\(mail.tag.title)” (\(mail.label)), which "
      if let twin = patches.first(where: { $0.tag.title == mail.tag.title }) {
        notes.append(
          start + "has the same subject as \(twin.label); if both are patches of the series, number them: [PATCH 1/2]")
      } else {
        notes.append(start + "is not a part of this series")
      }
    }
  }

  /// The newest version among the patches.
  var version: Int? { patches.map(\.tag.version).max() }

  /// The patches that are not there although the subjects count them, for example `2/3`.
  ///
  /// A directory may have patches of several series, each numbered on its own.
  var missing: [String] {
    let numbered = patches.filter { $0.tag.number != nil }
    // In a series that is partly sent again, all versions together are the series.
    let isOne = Set(numbered.map(\.tag.number)).count == numbered.count && Set(numbered.map(\.tag.count)).count == 1
    let groups = Dictionary(grouping: numbered) { isOne ? [$0.tag.count!] : [$0.tag.count!, $0.tag.version] }
    return groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { key, mails in
      let there = Set(mails.map(\.tag.number))
      return (0..<key[0]).map { $0 + 1 }.filter { !there.contains($0) }.map { "\($0)/\(key[0])" }
    }
  }
}

extension SubjectTag {
  /// `2/3`
  var words: String? { number.map { "\($0)/\(count ?? 0)" } }
}

extension RawMail {
  /// The version and the number of patches.
  fileprivate var version: [Int] { [tag.version, tag.count ?? -1] }
  /// The version and the patch's number.
  fileprivate var place: [Int] { [tag.version, tag.number ?? -1] }
  /// What must not occur twice in a directory. A bare diff has no title.
  fileprivate var title: String { tag.title.isEmpty ? label : "\(tag.words ?? "") \(tag.title)" }
}

extension ChosenMails {
  /// Takes the cover letter of the chosen patches: the one with the number 0, or else a mail that a patch answers.
  mutating func takeCover(from mails: [RawMail]) {
    let taken = Set(patches.map(\.file))
    let others = mails.filter { !taken.contains($0.file) && !$0.tag.isReply }
    let parents = Set(patches.flatMap(\.headers.parents))
    cover =
      others.first { $0.tag.number == 0 && $0.tag.version == version }
      ?? others.first { mail in
        mail.tag.number == nil && mail.tag.version == version && mail.headers.messageID.map(parents.contains) == true
      }
  }
}
