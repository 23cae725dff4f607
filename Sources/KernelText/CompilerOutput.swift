// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Reads what kbuild, gcc, clang, ld, modpost, objtool, kconfig and make print when a kernel does not build.
public enum CompilerOutput {
  /// Returns the first errors of a build log, at most `limit`, in order and without duplicates. Warnings are included
  /// only if they were made errors. `tree` is the absolute path that kbuild may put in front of a file.
  ///
  /// make only repeats what a tool said, so its own errors count only if no tool reported one.
  public static func diagnostics(in log: some Sequence<UInt8>, tree: String? = nil, limit: Int = 20) -> [Diagnostic] {
    var found = Collected(limit: limit)
    var makes = Collected(limit: limit)
    let prefix = tree.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
    var object: String?
    for line in lines(of: log) {
      if let named = objectOfFunction(line) {
        object = named
      } else if let diagnostic = diagnostic(line, tree: prefix, object: object) {
        found.add(diagnostic)
      } else if let diagnostic = makeError(line, tree: prefix) {
        makes.add(diagnostic)
      }
      if found.list.count >= limit { break }
    }
    if !found.list.isEmpty { return found.list }
    // If a recipe fails, every make above it fails too: the first error is nearest to the cause.
    let causes = makes.list.filter { !$0.message.hasPrefix("[") }
    return causes.isEmpty ? Array(makes.list.prefix(1)) : causes
  }

  /// Returns the warnings of a build log, at most `limit`, in order and without duplicates.
  public static func warnings(in log: some Sequence<UInt8>, tree: String? = nil, limit: Int = 1000) -> [Diagnostic] {
    var found = Collected(limit: limit)
    let prefix = tree.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
    for line in lines(of: log) {
      if let (file, number, rest) = place(line), rest.hasPrefix("warning: ") {
        let message = String(rest.dropFirst("warning: ".count))
        found.add(Diagnostic(file: relative(file, prefix), line: number, message: message))
      } else if line.hasPrefix("WARNING: modpost: ") {
        found.add(Diagnostic(file: nil, line: nil, message: String(line.dropFirst("WARNING: ".count))))
      } else if let tool = line.firstRange(of: ".o: warning: objtool: ") {
        // The offsets change whenever the function does.
        let message = line[tool.lowerBound...].dropFirst(".o: warning: ".count).replacing(/\+0x[0-9a-f]+/, with: "")
        let object = line[..<tool.lowerBound]
        let file = object == "vmlinux" ? nil : relative(object, prefix) + ".c"
        found.add(Diagnostic(file: file, line: nil, message: String(message)))
      }
      if found.list.count >= limit { break }
    }
    return found.list
  }

  /// Returns the warnings that a series adds to those of its base. Lines move, so warnings are told apart by file and
  /// text, and counted.
  /// - Parameter isAdded: whether a line of a file is the series' own.
  public static func added(
    _ warnings: [Diagnostic], to base: [Diagnostic], isAdded: (_ file: String, _ line: Int) -> Bool
  ) -> [Diagnostic] {
    struct Kind: Hashable {
      var file: String?
      var message: String
    }
    var known: [Kind: Int] = [:]
    for warning in base { known[Kind(file: warning.file, message: warning.message), default: 0] += 1 }
    var new: Set<Diagnostic> = []
    for (kind, all) in Dictionary(grouping: warnings, by: { Kind(file: $0.file, message: $0.message) }) {
      // Of several that are alike, those in the series' own lines are new.
      let own = all.filter { one in one.file.flatMap { file in one.line.map { isAdded(file, $0) } } ?? false }
      let others = all.filter { !own.contains($0) }
      new.formUnion((own + others).prefix(max(0, all.count - (known[kind] ?? 0))))
    }
    return warnings.filter(new.contains)
  }

  /// Returns the diagnostics with `patch` filled in: the last patch of the series that touches the file. Otherwise it
  /// is one whose file the message names, for example where a symbol is defined a second time.
  public static func blame(_ diagnostics: [Diagnostic], on patches: [Patch]) -> [Diagnostic] {
    diagnostics.map { diagnostic in
      var blamed = diagnostic
      let guilty =
        patches.last { patch in diagnostic.file.map(patch.paths.contains) ?? false }
        ?? patches.last { patch in patch.paths.contains { diagnostic.message.contains($0) } }
      blamed.patch = guilty?.file
      return blamed
    }
  }

  private struct Collected {
    let limit: Int
    var list: [Diagnostic] = []
    private var seen: Set<Diagnostic> = []

    init(limit: Int) { self.limit = limit }

    mutating func add(_ diagnostic: Diagnostic) {
      if list.count < limit, seen.insert(diagnostic).inserted { list.append(diagnostic) }
    }
  }

  /// Longer lines are cut: a macro's expansion can be a megabyte.
  private static let longestLine = 4096

  static func lines(of log: some Sequence<UInt8>) -> some Sequence<String> {
    Array(log).split(whereSeparator: { $0 == .lineFeed || $0 == .carriageReturn }).lazy.map {
      String(decoding: $0.prefix(longestLine), as: UTF8.self)
    }
  }

  // MARK: - One line

  private static func diagnostic(_ line: String, tree: String?, object: String?) -> Diagnostic? {
    if let error = placedError(line, tree: tree) ?? linkerError(line, tree: tree, object: object) { return error }
    if line.hasPrefix("ERROR: modpost: ") {
      return Diagnostic(file: nil, line: nil, message: String(line.dropFirst("ERROR: modpost: ".count)))
    }
    if let tool = line.firstRange(of: "error: objtool: ") {
      return Diagnostic(file: nil, line: nil, message: String(line[tool.lowerBound...].dropFirst("error: ".count)))
    }
    // A tool that was killed prints only this: `gcc: fatal error: Killed signal terminated program cc1`.
    for start in ["gcc: ", "cc1: ", "clang: ", "as: ", "collect2: "] where line.hasPrefix(start) {
      let rest = line.dropFirst(start.count)
      // Both only summarize earlier messages.
      if rest.hasPrefix("all warnings being") || rest.hasPrefix("some warnings being") { return nil }
      if let message = afterSeverity(rest), !message.hasPrefix("ld returned") {
        return Diagnostic(file: nil, line: nil, message: message)
      }
    }
    return nil
  }

  /// Parses gcc's `file:line:column: error: message`, the assembler's `file:line: Error: message`, and kconfig's
  /// `file:line: message`.
  private static func placedError(_ line: String, tree: String?) -> Diagnostic? {
    guard let (file, number, rest) = place(line) else { return nil }
    if let message = afterSeverity(rest) {
      return Diagnostic(file: relative(file, tree), line: number, message: message)
    }
    if rest.hasPrefix("undefined reference to ") || rest.hasPrefix("multiple definition of ") {
      return Diagnostic(file: relative(file, tree), line: number, message: String(rest))
    }
    let name = file.split(separator: "/").last ?? file
    if name.hasPrefix("Kconfig"), !rest.hasPrefix("warning: ") {
      return Diagnostic(file: relative(file, tree), line: number, message: String(rest))
    }
    // make's own syntax errors: `drivers/x/Makefile:3: *** missing separator.  Stop.`
    if rest.hasPrefix("*** "), name.hasPrefix("Makefile") || name == "Kbuild", !rest.hasPrefix("*** [") {
      return Diagnostic(file: relative(file, tree), line: number, message: String(rest.dropFirst(4)))
    }
    return nil
  }

  private static func afterSeverity(_ text: some StringProtocol) -> String? {
    for severity in ["error: ", "fatal error: ", "Error: ", "internal compiler error: "]
    where text.hasPrefix(severity) {
      return String(text.dropFirst(severity.count))
    }
    return nil
  }

  /// Strips `file:line:` or `file:line:column:` from the start of a line.
  private static func place(_ line: String) -> (file: Substring, line: Int, rest: Substring)? {
    guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return nil }
    let file = line[..<colon]
    guard !file.contains(" ") else { return nil }
    var rest = line[colon...].dropFirst()
    guard let number = takeNumber(&rest) else { return nil }
    _ = takeNumber(&rest)
    return (file, number, rest.drop { $0 == " " })
  }

  private static func takeNumber(_ rest: inout Substring) -> Int? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), rest[digits.endIndex...].first == ":" else { return nil }
    rest = rest[digits.endIndex...].dropFirst()
    return number
  }

  /// Returns `drivers/x.o` from ``ld: drivers/x.o: in function `f':``, which gives the directory of the file on the
  /// next line.
  private static func objectOfFunction(_ line: String) -> String? {
    guard let words = line.firstRange(of: ".o: in function ") else { return nil }
    return line[..<words.lowerBound].split(separator: " ").last.map { $0 + ".o" }
  }

  /// Parses ``x.c:(.text+0x12): undefined reference to `g'``. The linker names an object, or a file without its
  /// directory. Patches touch the source next to the object.
  private static func linkerError(_ line: String, tree: String?, object: String?) -> Diagnostic? {
    for words in ["undefined reference to ", "multiple definition of ", "undefined symbol: ", "duplicate symbol: "] {
      guard let found = line.firstRange(of: words) else { continue }
      let place = (line[..<found.lowerBound].split(separator: " ").last ?? "").prefix { $0 != ":" }
      let message = withoutAddresses(line[found.lowerBound...], tree: tree)
      return Diagnostic(file: source(place, beside: object, tree), line: nil, message: message)
    }
    return nil
  }

  /// ld also says where else a symbol is defined, with an address that changes from build to build: ``multiple
  /// definition of `f'; drivers/x.o:x.c:(.text+0x80): first defined here``
  private static func withoutAddresses(_ message: Substring, tree: String?) -> String {
    guard let echo = message.firstRange(of: "; ") else { return String(message) }
    let words = message[..<echo.lowerBound]
    guard message.hasSuffix(": first defined here"),
      let other = source(message[echo.upperBound...].prefix { $0 != ":" }, beside: nil, tree)
    else { return String(words) }
    return "\(words), first defined in \(other)"
  }

  private static func source(_ file: Substring, beside object: String?, _ tree: String?) -> String? {
    if !file.contains("/"), let object, let slash = object.lastIndex(of: "/") {
      return relative(object[...slash], tree) + file
    }
    if file.hasSuffix(".c") || file.hasSuffix(".S") || file.hasSuffix(".h") {
      return relative(file, tree)
    }
    if file.hasSuffix(".o"), file.contains("/") { return relative(file.dropLast(2), tree) + ".c" }
    return nil
  }

  /// Parses `make[3]: *** No rule to make target 'x.o', needed by 'built-in.a'.  Stop.`, and as a last resort
  /// `make[3]: *** [scripts/Makefile.build:229: drivers/x.o] Error 1`.
  private static func makeError(_ line: String, tree: String?) -> Diagnostic? {
    guard line.hasPrefix("make"), let stars = line.firstRange(of: ": *** ") else { return nil }
    let message = line[stars.upperBound...]
    guard !message.hasPrefix("Waiting for unfinished jobs") else { return nil }
    return Diagnostic(file: nil, line: nil, message: String(message))
  }

  static func relative(_ file: Substring, _ tree: String?) -> String {
    var path = file
    if let tree, path.hasPrefix(tree) { path = path.dropFirst(tree.count) }
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    return String(path)
  }
}
