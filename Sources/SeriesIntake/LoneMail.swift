// SPDX-License-Identifier: Apache-2.0

public import SystemPackage
public import Toolbox

/// One mail without its series: a patch, or a cover letter.
public struct LoneMail: Sendable, Hashable {
  /// Without its brackets; `nil` if the mail has none.
  public var messageID: String?
  /// As `git patch-id --stable` gives it; `nil` for a mail without a diff.
  public var patchID: String?

  init(messageID: String?, patchID: String?) {
    self.messageID = messageID
    self.patchID = patchID
  }

  /// - Parameters:
  ///   - file: the mail.
  ///   - place: a directory for this only, created here.
  ///   - cage: the cage in which git reads it; `nil` if that is disabled.
  /// - Returns: `nil` if the file has no mail.
  /// - Throws: ``IntakeError`` if it cannot be read, ``ToolError`` if a tool cannot be run.
  public init?(_ file: FilePath, in place: FilePath, cage: Cage?) async throws {
    let split = try await SplitMails([MailFile(file)], in: place, cage)
    guard let mail = split.mails.first else { return nil }
    messageID = mail.headers.messageID
    let mails = place.appending("1")
    if let read = try await MailReader(place: mails, cage: cage).readAny([mail]).first?.read, !read.paths.isEmpty {
      patchID = try await PatchIDs.of([read.diff], in: mails, cage: cage)[read.diff]
    }
  }
}
