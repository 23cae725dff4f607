// SPDX-License-Identifier: Apache-2.0

import Foundation
import Nights
import SystemPackage
import Toolbox

/// Sends a night's mails. Each is also kept in the night's directory, so that none is lost if the command fails.
struct NightMail {
  /// A program and its arguments, between spaces; no shell reads it. `-` is standard output.
  var command: String
  var directory: FilePath

  /// - Returns: whether each mail was taken.
  func send(_ mails: [OwnerMail]) async throws -> Bool {
    let words = command.split(separator: " ").map(String.init)
    var isSent = true
    for (index, mail) in mails.enumerated() {
      let file = directory.appending("mail-\(index + 1).eml")
      try DurableFile.write(Array(mail.text.utf8), to: file)
      if command == "-" {
        // One after the other, as in a mailbox.
        Output.result("From patchbench Thu Jan  1 00:00:00 1970\n\(mail.text)\n")
        continue
      }
      do {
        _ = try await Tool(words[0], Array(words.dropFirst())).output(input: Array(mail.text.utf8))
      } catch {
        if case .cancelled = error { throw error }
        isSent = false
        Output.note("patchbench: a mail to \(mail.owner) was not sent: \(error)")
        Output.note("  → it is in \(file)")
      }
    }
    return isSent
  }
}
