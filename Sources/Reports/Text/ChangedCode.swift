// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The changed code of a series and how much of it ran, as the reports show it.
struct ChangedCode {
  struct Row {
    /// `dma_buf_mmap()`, `declarations`
    var what: String
    var file: String
    /// `12 times in 5 tests`
    var ran: String
    var state: Reached.State
  }

  var rows: [Row]
  /// Remarks to show with the rows.
  var remarks: [String]

  /// - Returns: `nil` if the change was not examined.
  init?(_ trial: Trial?) {
    guard let change = trial?.change else { return nil }
    remarks = []
    let run = trial?.run
    if change.isNothing { remarks.append("No compiled code differs from the base's.") }
    // For a guest that never reached a test, it means nothing that no test ran the code.
    let execution = run?.booted == true ? run?.execution : nil
    rows = execution.map { change.reached($0).map(Row.init) } ?? []
    if let failure = execution?.failure { remarks.append("Not counted: \(failure).") }
    if rows.isEmpty, !change.pieces.isEmpty {
      remarks.append("Changed: \(change.pieces.map { "\($0.words) in \($0.file)" }.joined(separator: ", ")).")
    }
    let named = Set(change.pieces.filter { $0.kind == .function }.map(\.name))
    let others = change.functions.filter { !named.contains($0.name) }
    if !others.isEmpty {
      let ran = others.count { (execution?.count($0.name) ?? 0) > 0 }
      let first = others.prefix(8).map { "\($0.name)()" }.joined(separator: ", ")
      remarks.append(
        "\(Words.counted(others.count, "other function")) compiled differently, \(ran) of them ran: "
          + first + (others.count > 8 ? ", …" : "") + ".")
    }
    if !change.unexamined.isEmpty {
      remarks.append(
        "Changed, but no function would show it: " + change.unexamined.prefix(8).joined(separator: ", ")
          + (change.unexamined.count > 8 ? ", …" : "") + ".")
    }
    for (new, old) in (change.moved ?? [:]).sorted(by: { $0.key < $1.key }).prefix(8) {
      remarks.append("\(new): was \(old).")
    }
    if let aside = change.aside, !aside.isEmpty {
      remarks.append(
        "No part of the kernel, neither built nor run: " + aside.prefix(8).joined(separator: ", ")
          + (aside.count > 8 ? ", …" : "") + ".")
    }
    for file in change.notCompiled { remarks.append("\(file): changed, but not compiled in this configuration.") }
  }
}

extension ChangedCode.Row {
  init(_ reached: Reached) {
    what = reached.piece.words
    file = reached.piece.file
    state = reached.state
    switch reached.state {
    case .ran:
      let carrier = reached.carrier == reached.piece.name ? "" : " (seen in \(reached.carrier ?? "")())"
      ran = "\(Words.counted(reached.runs, "time")) in \(Words.counted(reached.tests, "test"))" + carrier
    case .notReached: ran = "no test ran it"
    case .notCounted: ran = "cannot be counted"
    }
  }
}
