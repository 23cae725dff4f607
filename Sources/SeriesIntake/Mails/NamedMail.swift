// SPDX-License-Identifier: Apache-2.0

/// The series that one mail of a thread belongs to. A thread may have more: a rival series that somebody sent in reply,
/// or an RFC and what became of it.
struct NamedMail {
  private let mails: [RawMail]
  private let byID: [String: RawMail]
  /// The named patch or cover letter. If the named mail is a reply, it is the one that was answered.
  private let patch: RawMail

  /// - Returns: `nil` if no patch of the thread was named.
  init?(_ id: String, in mails: [RawMail]) {
    self.mails = mails
    byID = Dictionary(mails.compactMap { mail in mail.headers.messageID.map { ($0, mail) } }) { first, _ in first }
    guard var mail = byID[id] else { return nil }
    for _ in mails where mail.tag.isReply {
      guard let parent = Self.parent(of: mail, byID) else { return nil }
      mail = parent
    }
    if mail.tag.isReply { return nil }
    patch = mail
  }

  /// The mails without the patches of other series of the same version. Replies stay, and so do other versions: a version
  /// that is sent again in part takes the rest from the one before.
  var withoutRivals: [RawMail] {
    let own = root(of: patch)
    return mails.filter { $0.tag.isReply || $0.tag.version != patch.tag.version || root(of: $0) == own }
  }

  /// Returns the first mail of a series: its cover letter, or the patch that the others answer.
  private func root(of mail: RawMail) -> RawMail {
    var mail = mail
    for _ in mails {
      // A cover letter begins a series, whatever it answers.
      guard mail.tag.number != 0, let parent = Self.parent(of: mail, byID), Self.isSent(mail, with: parent) else {
        break
      }
      mail = parent
    }
    return mail
  }

  /// Whether a mail and the one that it answers are of one series.
  private static func isSent(_ mail: RawMail, with parent: RawMail) -> Bool {
    guard !parent.tag.isReply, parent.headers.sender == mail.headers.sender, parent.tag.version == mail.tag.version,
      parent.tag.isRFC == mail.tag.isRFC
    else { return false }
    // A cover letter may have no number.
    return parent.tag.count == mail.tag.count || parent.tag.count == nil
  }

  private static func parent(of mail: RawMail, _ byID: [String: RawMail]) -> RawMail? {
    mail.headers.parents.lazy.compactMap { byID[$0] }.first { $0.file != mail.file }
  }
}

extension Sequence<RawMail> {
  /// Those that answer a mail of somebody else among them. Without a number, such a mail is no patch of that series,
  /// whatever its subject: people reply with a diff, in all languages.
  var answers: Set<RawMail> {
    let senders = Dictionary(compactMap { mail in mail.headers.messageID.map { ($0, mail.headers.sender) } }) { $1 }
    return Set(
      filter { mail in
        mail.tag.number == nil
          && mail.headers.parents.contains { senders[$0].map { $0 != mail.headers.sender } ?? false }
      })
  }
}
