// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
public import Foundation
public import History
internal import Reports

/// A mail to the owner of a series, or of a matrix, about what changed in a night: RFC 5322, plain text.
public struct OwnerMail: Sendable, Hashable {
  /// `Name <address>`, as the matrix file has it.
  public var owner: String
  public var text: String

  /// - Parameters:
  ///   - owner: an address that ``MatrixFile`` has checked.
  ///   - subject: not escaped.
  ///   - reply: the Message-ID of the cover letter that it replies to; `nil` for none, or if it is none.
  ///   - date: when the night began; with `number`, it makes the mail's own Message-ID.
  ///   - body: lines of at most 72 columns, escaped.
  init(to owner: String, subject: String, reply: String?, date: Date, number: Int, body: [String]) {
    self.owner = owner
    let id = MailHead.messageID(reply)
    let isASCII = body.allSatisfy { $0.unicodeScalars.allSatisfy(\.isASCII) }
    let stamp = Int(date.timeIntervalSince1970)
    let head =
      // The one who sends it is the one who gets it: a night has no mailbox of its own.
      ["From: \(owner)", "To: \(owner)", "Date: \(Self.date(date))"]
      + ["Message-ID: <patchbench.\(stamp).\(number)@patchbench.invalid>"] + MailHead.subject(of: subject)
      + ["In-Reply-To", "References"].flatMap { field in id.map { ["\(field): \($0)"] } ?? [] }
      // Vacation notices do not answer it.
      + ["Auto-Submitted: auto-generated"]
      + (isASCII
        ? []
        : ["MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit"])
    text = (head + [""] + body).joined(separator: "\n") + "\n"
  }

  /// `Tue, 01 Dec 2026 08:00:00 +0000`
  static func date(_ date: Date) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
    return formatter.string(from: date)
  }
}

extension OwnerMail {
  /// Returns the mails of a night: one for each series that changed, as a reply to its cover letter, and one for all
  /// that is nobody's series: bases, and what is gone. Who has no owner is not told.
  /// - Parameters:
  ///   - owners: of the series, by name.
  ///   - owner: of the matrix.
  ///   - report: the path of the night's report.
  ///   - always: whether those are told, too, for whom nothing changed.
  public static func all(
    _ changes: Changes, owners: [String: String], owner: String?, night: Date, report: String, always: Bool
  ) -> [OwnerMail] {
    var mails: [OwnerMail] = []
    func add(_ to: String, _ subject: String, _ reply: String?, _ part: Changes) {
      let text = ChangesText.text(part, width: MailText.width)
      let body = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      mails.append(
        OwnerMail(
          to: to, subject: subject, reply: reply, date: night, number: mails.count + 1,
          // A path that is cut leads nowhere.
          body: body + ["The night's report:", "  \(visible(report))"]))
    }
    var told: Set<String> = []
    for trial in changes.trials where told.insert(trial.lineage).inserted {
      guard let to = owners[trial.name] ?? owner else { continue }
      let part = changes.only(trial.lineage)
      add(to, "patchbench: \(part.headline(of: trial.lineage) ?? trial.name)", trial.messageID, part)
    }
    let rest = changes.withoutSeries
    if let owner, !rest.isEmpty { add(owner, "patchbench: \(rest.restHeadline)", nil, rest) }
    if always {
      for to in Set(owners.values.map { $0 } + (owner.map { [$0] } ?? [])).sorted()
      where !mails.contains(where: { $0.owner == to }) {
        add(to, "patchbench: nothing changed", nil, Changes(since: changes.since))
      }
    }
    return mails
  }
}

extension Changes {
  /// The last trial of each series in what is told of series that are there.
  fileprivate var trials: [ToldTrial] {
    broken.map(\.now) + fixed.map(\.now) + new + flaky.map(\.trial) + slower.map(\.trial)
  }

  fileprivate func only(_ lineage: String) -> Changes {
    var part = Changes(since: since)
    part.broken = broken.filter { $0.now.lineage == lineage }
    part.fixed = fixed.filter { $0.now.lineage == lineage }
    part.new = new.filter { $0.lineage == lineage }
    part.flaky = flaky.filter { $0.trial.lineage == lineage }
    part.slower = slower.filter { $0.trial.lineage == lineage }
    return part
  }

  fileprivate var withoutSeries: Changes {
    var part = Changes(since: since)
    part.bases = bases
    part.gone = gone
    return part
  }

  /// What is told of one series, in a few words; the worst first.
  fileprivate func headline(of lineage: String) -> String? {
    if let worse = broken.first { return "\(worse.now.name) got worse: \(worse.now.verdict.rawValue)" }
    if let one = new.first { return "\(one.name): \(one.verdict.rawValue)" }
    if let better = fixed.first { return "\(better.now.name) got better: \(better.now.verdict.rawValue)" }
    if let test = flaky.first { return "\(test.trial.name): \(test.test) is flaky" }
    return slower.first.map { "\($0.trial.name) became slower" }
  }

  fileprivate var restHeadline: String {
    if let base = bases.first(where: { !$0.failing.isEmpty }) {
      return "the base \(base.cell.kernel) \(base.cell.profile) got worse"
    }
    return bases.isEmpty ? "\(gone.count) series gone" : "\(bases.count == 1 ? "a base" : "\(bases.count) bases") moved"
  }
}
