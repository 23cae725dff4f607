// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Parses the English output of `git apply --verbose` for a patch that does not apply.
public enum GitApply {
  /// The refused part, as far as git named it.
  public struct Refusal: Sendable, Hashable {
    /// The file in the tree, if git named one.
    public var file: String?
    /// The number of the hunk in that file's part of the patch, from 1.
    public var hunk: Int?
    /// git's message, without its `error: `.
    public var message: String

    public init(file: String?, hunk: Int?, message: String) {
      self.file = file
      self.hunk = hunk
      self.message = message
    }
  }

  /// Returns the first refusal in `output`, or `nil` if git reported no error. `patch` is the text that git was given.
  public static func refusal(in output: some Sequence<UInt8>, patch: some Sequence<UInt8>) -> Refusal? {
    var fatal: Refusal?
    var searching = false
    for line in Array(output).split(separator: .lineFeed) {
      let text = String(decoding: line, as: UTF8.self)
      // A hunk that is not found is printed in full, and its text can look like anything.
      if text.hasPrefix("error: while searching for:") { searching = true }
      if searching, !text.hasPrefix("error: patch failed: ") { continue }
      if text.hasPrefix("error: ") { return refusal(text.dropFirst("error: ".count), patch: patch) }
      if fatal == nil, text.hasPrefix("fatal: ") {
        fatal = refusal(text.dropFirst("fatal: ".count), patch: patch)
      }
    }
    return fatal
  }

  /// Returns the first refusal as a model value.
  public static func failure(
    in output: some Sequence<UInt8>, patch text: some Sequence<UInt8>, of patch: Patch
  ) -> ApplyFailure {
    let refusal = refusal(in: output, patch: text) ?? Refusal(file: nil, hunk: nil, message: "git gave no reason")
    return ApplyFailure(patch: patch, file: refusal.file, hunk: refusal.hunk, message: refusal.message)
  }

  /// Sorts git's message.
  public static func kind(of message: String) -> ApplyRefusal {
    let words: [(String, ApplyRefusal)] = [
      ("patch failed: ", .context), (": patch does not apply", .context), (": No such file or directory", .missingFile),
      (": does not exist in index", .missingFile), (": already exists in ", .existingFile),
      ("corrupt patch at ", .damaged), ("patch fragment without header", .damaged), ("No valid patches", .damaged),
      ("unrecognized input", .damaged), ("cannot apply binary patch", .damaged),
    ]
    return words.first { message.contains($0.0) }?.1 ?? .other
  }

  /// Returns git's own warnings, the first ones, without the word.
  public static func warnings(in output: some Sequence<UInt8>) -> [String] {
    var found: [String] = []
    var searching = false
    for line in Array(output).split(separator: .lineFeed) where found.count < 5 {
      let text = String(decoding: line.prefix(500), as: UTF8.self)
      if text.hasPrefix("error: ") { searching = text.hasPrefix("error: while searching for:") }
      if !searching, text.hasPrefix("warning: ") { found.append(String(text.dropFirst("warning: ".count))) }
    }
    return found
  }

  /// Returns the largest fuzz in the output of patch(1): 2 for `Hunk #1 succeeded at 147 with fuzz 2.`
  public static func fuzz(in output: String) -> Int {
    output.split(separator: "\n").filter { $0.hasPrefix("Hunk #") }.compactMap { line in
      line.firstRange(of: " with fuzz ").flatMap { Int(line[$0.upperBound...].prefix { $0.isNumber }) }
    }.max() ?? 0
  }

  private static func refusal(_ message: Substring, patch: some Sequence<UInt8>) -> Refusal {
    var refusal = Refusal(file: nil, hunk: nil, message: String(message))
    if message.hasPrefix("patch failed: ") {
      // `drivers/dma-buf/dma-buf.c:123`, where 123 is the line in the hunk's header.
      let place = message.dropFirst("patch failed: ".count)
      if let colon = place.lastIndex(of: ":"), let line = Int(place[colon...].dropFirst()) {
        let file = String(place[..<colon])
        refusal.file = file
        refusal.hunk = PatchHunks(patch).number(of: line, in: file)
      }
    } else if message.hasPrefix("corrupt patch at "), let line = lastNumber(message) {
      let place = PatchHunks(patch).place(ofLine: line)
      refusal.file = place?.file
      refusal.hunk = place?.hunk
    } else if let quoted = message.firstRange(of: "invalid path '"), message.hasSuffix("'") {
      refusal.file = String(message[quoted.upperBound...].dropLast())
    } else if let quoted = message.firstRange(of: "affected file '") {
      refusal.file = String(message[quoted.upperBound...].prefix { $0 != "'" })
    } else {
      refusal.file = fileAhead(of: message)
    }
    return refusal
  }

  /// Returns `X` from `X: No such file or directory` and similar messages.
  private static func fileAhead(of message: Substring) -> String? {
    let reasons = [
      ": No such file or directory", ": does not exist in index", ": already exists in working directory",
      ": already exists in index", ": does not match index", ": patch does not apply", ": wrong type",
      ": is beyond a symbolic link", ": has type ", ": cannot apply ", ": not a directory", ": depends on old contents",
      ": removal patch leaves file contents",
    ]
    return reasons.lazy.compactMap { message.firstRange(of: $0) }.first.map { String(message[..<$0.lowerBound]) }
  }

  private static func lastNumber(_ message: Substring) -> Int? {
    message.split(whereSeparator: { !($0.isASCII && $0.isNumber) }).last.flatMap { Int($0) }
  }
}

/// The positions of a patch's hunks.
struct PatchHunks {
  private struct Hunk {
    var file: String
    /// The hunk's number in its file's part, from 1.
    var number: Int
    var oldStart: Int
    /// The line of its header in the patch, from 1.
    var line: Int
  }

  private var hunks: [Hunk] = []

  init(_ patch: some Sequence<UInt8>) {
    var names: [String] = []
    var number = 0
    // The lines left in the current hunk, by its header. Within them, a line like `--- a/x` is a removed `-- a/x`.
    var old = 0
    var new = 0
    let lines = Array(patch).split(separator: .lineFeed, omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      if old > 0 || new > 0 {
        switch bytes.first {
        case UInt8(ascii: "-"): old -= 1
        case UInt8(ascii: "+"): new -= 1
        case UInt8(ascii: "\\"): break
        case UInt8(ascii: " "), nil, .carriageReturn:
          old -= 1
          new -= 1
        default:
          // The patch is damaged here: resynchronize at the next header.
          old = 0
          new = 0
        }
        if old > 0 || new > 0 || bytes.first != UInt8(ascii: "d") { continue }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if text.hasPrefix("diff --git ") {
        names = []
        number = 0
      } else if text.hasPrefix("--- ") || text.hasPrefix("+++ ") {
        if text.hasPrefix("--- ") {
          names = []
          number = 0
        }
        if let name = Self.name(text.dropFirst(4)) { names.append(name) }
      } else if text.hasPrefix("@@ -"), let header = Header(text) {
        number += 1
        old = header.oldCount
        new = header.newCount
        // A file that is created or renamed is also known by its other name.
        for name in Set(names) {
          hunks.append(Hunk(file: name, number: number, oldStart: header.oldStart, line: index + 1))
        }
      }
    }
  }

  /// Returns the number of the hunk whose header starts at `line` of the old file.
  func number(of line: Int, in file: String) -> Int? {
    hunks.first { $0.file == file && $0.oldStart == line }?.number
  }

  /// Returns the hunk that contains line `line` of the patch.
  func place(ofLine line: Int) -> (file: String, hunk: Int)? {
    hunks.last { $0.line <= line }.map { ($0.file, $0.number) }
  }

  /// Returns `drivers/x.c` from `a/drivers/x.c`, without a time after a tab; `nil` for `/dev/null`.
  private static func name(_ text: Substring) -> String? {
    let path = text.prefix { $0 != "\t" && $0 != "\r" && $0 != "\r\n" }
    guard path != "/dev/null" else { return nil }
    guard let slash = path.firstIndex(of: "/") else { return String(path) }
    return String(path[slash...].dropFirst())
  }

  private struct Header {
    var oldStart: Int
    var oldCount: Int
    var newCount: Int

    /// `@@ -123,7 +123,9 @@ function`
    init?(_ text: String) {
      let words = text.split(separator: " ", maxSplits: 3)
      guard words.count >= 3, words[1].first == "-", words[2].first == "+" else { return nil }
      let old = words[1].dropFirst().split(separator: ",").map { Int($0) }
      let new = words[2].dropFirst().split(separator: ",").map { Int($0) }
      guard let start = old.first ?? nil, !old.contains(nil), !new.contains(nil), !new.isEmpty else { return nil }
      oldStart = start
      oldCount = old.count > 1 ? old[1]! : 1
      newCount = new.count > 1 ? new[1]! : 1
    }
  }
}
