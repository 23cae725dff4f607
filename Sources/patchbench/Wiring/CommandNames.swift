// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Verdicts

/// Recognizes a word that is not a command where a command's name must stand. The library only calls it unexpected,
/// together with every argument behind it.
enum CommandNames {
  /// - Parameter arguments: those of the program, without its name.
  /// - Returns: `nil` if they name a command, or none.
  static func failure(_ arguments: [String]) -> Failure? { failure(arguments[...], of: Patchbench.self, "patchbench") }

  private static func failure(
    _ arguments: ArraySlice<String>, of command: any ParsableCommand.Type, _ line: String
  ) -> Failure? {
    let commands = command.configuration.subcommands
    // `help` is the library's own.
    guard let word = arguments.first, !word.hasPrefix("-"), word != "help", !commands.isEmpty else { return nil }
    if let next = commands.first(where: { name(of: $0) == word }) {
      return failure(arguments.dropFirst(), of: next, "\(line) \(word)")
    }
    var advice = "`\(line) --help` lists all commands"
    if let meant = meant(by: word, of: commands.map(name)) {
      advice = "did you mean `\(meant)`? \(advice)"
    } else if line == "patchbench", FileManager.default.fileExists(atPath: word) {
      advice = "did you mean `patchbench run \(word)`? \(advice)"
    }
    return Failure("there is no command “\(word)”", advice: advice, status: ExitStatus.usage)
  }

  private static func name(of command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? "\(command)".lowercased()
  }

  /// Returns the name that was probably meant: one with a slip of the keyboard, or one that the word begins.
  static func meant(by word: String, of names: [String]) -> String? {
    let near = names.map { (name: $0, slips: slips(from: Array(word), to: Array($0))) }.min { $0.slips < $1.slips }
    if let near, near.slips <= (near.name.count < 5 ? 1 : 2) { return near.name }
    let begun = names.filter { word.count > 1 && $0.hasPrefix(word) }
    return begun.count == 1 ? begun[0] : nil
  }

  /// The number of characters to insert, remove, replace or exchange with their neighbour to get from one word to the
  /// other.
  private static func slips(from word: [Character], to name: [Character]) -> Int {
    var rows = [Array(0...name.count)]
    for i in 0..<word.count {
      var row = [i + 1]
      for j in 0..<name.count {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (word[i] == name[j] ? 0 : 1))
        if i > 0, j > 0, word[i] == name[j - 1], word[i - 1] == name[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[word.count][name.count]
  }
}
