// SPDX-License-Identifier: Apache-2.0

/// Input that contains no readable series. User error; exit status 2.
public enum IntakeError: Error, Sendable, Hashable {
  case noSuchPath(String)
  /// A path that no form of input fits.
  case noForm(String)
  /// The directory contains neither patches nor directories with patches.
  case empty(String)
  /// The directory contains both patches and series, so it is not clear which is meant.
  case mixed(String)
  /// The same series is named twice.
  case twice(String)
  /// A file in a series' directory in which git finds no patch.
  case noPatch(file: String, reason: String)
  /// A mail that git can read, and that has no diff.
  case noDiff(file: String)
  /// Patches of the series that are not there: `2/3`.
  case missing(patches: [String], path: String, messageID: String?)
  /// A cover letter without any of its patches.
  case onlyCover(String, messageID: String?)
  /// Two mails with the same Message-ID that are not the same mail.
  case sameID(String, String, String)
  /// More than a series may have; it is not read.
  case tooMuch(String, String)
  case leavesTree(file: String, path: String)
  case unreadable(String, reason: String)
  /// Text in UTF-16 without a patch, or which is damaged.
  case utf16(String)
  /// A git repository without a range of commits.
  case noRange(String)
  /// A range of commits without a git repository.
  case bareRange(String)
  case notARepository(String)
  /// A version that is not in the mails.
  case noVersion(String, Int, others: [Int])
  /// A version of what has only one.
  case noVersions(String)
  /// A git bundle without a repository that has what its commits are based on.
  case noRepository(String)
  /// Commits that cannot be read.
  case badRange(String, reason: String)
  /// A thread that b4 cannot fetch.
  case notFetched(String, messageID: String, reason: String)
  /// A link that names no mail.
  case noMessageID(String)
  /// A mail that is not in an archive.
  case noMail(String, reason: String)
}

extension IntakeError {
  /// Whether what was named is a series that cannot be read. Other series can be judged beside it.
  var isOfOneSeries: Bool {
    switch self {
    case .empty, .noPatch, .noDiff, .missing, .onlyCover, .tooMuch, .leavesTree, .unreadable, .utf16, .sameID: true
    case .noSuchPath, .noForm, .mixed, .twice, .noRange, .bareRange, .notARepository, .noVersion, .noVersions,
      .noRepository,
      .badRange, .notFetched, .noMessageID, .noMail:
      false
    }
  }

  /// What is wrong, in a word or two: for tables of many series.
  public var kind: String {
    switch self {
    case .missing: "patches are missing"
    case .onlyCover: "only a cover letter"
    case .empty: "no patches"
    case .noDiff: "a mail without a patch"
    case .noPatch: "git cannot read a mail or its diff"
    case .sameID: "two mails with one Message-ID"
    case .tooMuch: "too large"
    case .leavesTree: "it changes files outside of the tree"
    case .utf16: "UTF-16"
    case .noVersion: "the version is not there"
    case .noSuchPath, .noForm, .mixed, .twice, .unreadable, .noRange, .bareRange, .notARepository, .noVersions,
      .noRepository,
      .badRange, .notFetched, .noMessageID, .noMail:
      "another reason"
    }
  }
}

extension IntakeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSuchPath(let path):
      "\(path): no such file or directory. Name one of: \(SeriesForms.words)."
    case .noForm(let path):
      "\(path): not a form in which patchbench reads series. Name one of: \(SeriesForms.words)."
    case .empty(let path):
      "\(path): no patches in it. Name a thread, or what `git format-patch -o DIRECTORY BASE..BRANCH` writes."
    case .mixed(let path):
      "\(path): patches and directories of patches side by side. Move the patches into their own directory."
    case .twice(let path):
      "\(path): named twice. Name each series once."
    case .noDiff(let file):
      "\(Self.noPatch(file: file, reason: "git finds no patch in it"))"
    case .noPatch(let file, let reason):
      "\(file): \(reason). Remove it, or recreate it with `git format-patch`."
    case .missing(let patches, let path, let messageID):
      "\(path): \(Self.list(patches)) \(patches.count == 1 ? "is" : "are") missing. Add what is missing"
        + (messageID.map { " (`b4 mbox \(Self.quoted($0))` saves the whole thread)" } ?? "")
        + ". To judge the rest alone, remove the numbers from its subjects."
    case .onlyCover(let path, let messageID):
      "\(path): only a cover letter, without its patches. Add them, or name the whole thread"
        + (messageID.map { ": `b4 mbox \(Self.quoted($0))` saves it." } ?? ".")
    case .tooMuch(let file, let amount):
      "\(file): \(amount), which is too much for a series. Name a directory with the patches of one series."
    case .sameID(let one, let other, let id):
      "\(other): it has the Message-ID of \(one), <\(id)>, and is another mail. Remove one of them, or give it a "
        + "Message-ID of its own."
    case .leavesTree(let file, let path):
      "\(file): it changes \(path), which is outside the kernel's tree. Such a patch is not applied."
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)."
    case .utf16(let file):
      "\(file): the text is UTF-16, and there is no patch in it. Save it as UTF-8, or recreate it with `git format-patch`."
    case .noRange(let path):
      "\(path): a git repository. Name the commits as well: `\(path):BASE..TOPIC`."
    case .bareRange(let text):
      "\(text): a range of commits without its git repository. Name that as well: `REPOSITORY:\(text)`; for the current "
        + "directory, `.:\(text)`."
    case .notARepository(let path):
      "\(path): not a git repository."
    case .noVersion(let path, let number, let others):
      "\(path): v\(number) of the series is not in it"
        + (others.isEmpty
          ? "." : "; \(others.map { "v\($0)" }.joined(separator: ", ")) \(others.count == 1 ? "is" : "are").")
    case .noVersions(let text):
      "\(text): only mails can have several versions of a series. Name it without #vN."
    case .noRepository(let path):
      "\(path): a git bundle does not have the commit that it is based on. Name a repository that has it, too: "
        + "`~/src/linux:\(path)`."
    case .badRange(let text, let reason):
      "\(text): \(reason). Name commits as REPOSITORY:BASE..TOPIC."
    case .notFetched(let text, let messageID, let reason):
      "\(text): b4 cannot fetch it: \(reason). Save the thread where there is a network, with "
        + "`b4 mbox \(Self.quoted(messageID))`, and name the file that it writes."
    case .noMessageID(let text):
      "\(text): a link without a Message-ID. Name the link of a mail, such as https://lore.kernel.org/r/MESSAGE-ID."
    case .noMail(let text, let reason):
      "\(text): \(reason). Name a mail as ARCHIVE.git#MESSAGE-ID."
    }
  }

  /// `patch 2/4`, `patches 2/4 and 3/4`
  private static func list(_ patches: [String]) -> String {
    let most = 5
    var words = Array(patches.prefix(most))
    if patches.count > most { words.append("\(patches.count - most) more") }
    let last = words.removeLast()
    return words.isEmpty ? "patch \(last)" : "patches \(words.joined(separator: ", ")) and \(last)"
  }

  /// Quotes a word that a stranger wrote, for a command that the user may copy.
  private static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }
}
