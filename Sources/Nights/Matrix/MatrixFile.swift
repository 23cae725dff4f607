// SPDX-License-Identifier: Apache-2.0

public import History
internal import Yams

/// What a night tries, as a file says it. `docs/nightly.md` has an example, and `matrix-file.schema.json` the form.
public struct MatrixFile: Sendable, Hashable {
  /// Who is told what changed; `nil` tells nobody.
  public var owner: String?
  /// How long a night may work, in seconds; `nil` is without end.
  public var budget: Double?
  /// How long its nights' files are kept; `nil` is for ever.
  public var keep: KeepLimits?
  /// Which kernels and profiles, by the group's name.
  public var groups: [String: Group]
  public var entries: [Entry]

  public struct Group: Sendable, Hashable {
    public var kernels: [String]
    public var profiles: [String]
    /// Where the file names it: its line, from 1.
    public var line: Int
  }

  /// Some series, and where they are tried.
  public struct Entry: Sendable, Hashable {
    public var source: Source
    /// The groups whose kernels and profiles they are tried with.
    public var groups: [String]
    /// The highest is tried first; 0 if the file does not say.
    public var priority: Int
    /// Who is told, instead of the matrix's owner.
    public var owner: String?
    /// Its line, from 1.
    public var line: Int
  }

  /// Where series come from.
  public enum Source: Sendable, Hashable {
    /// What `patchbench run` takes: directories, mailboxes, git ranges.
    case arguments([String])
    /// The threads of a public-inbox archive that began in the last days.
    case archive(String, days: Int)
  }
}

/// A matrix file is wrong. User error; exit status 2.
public struct MatrixFileError: Error, Sendable, Hashable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int
  public var reason: String

  public init(file: String, line: Int, reason: String) {
    self.file = file
    self.line = line
    self.reason = reason
  }

  public var description: String { "\(file):\(line): \(reason)" }
}

extension MatrixFile {
  /// Reads a time such as `6h`, `90m` or `1h30m`, in seconds.
  /// - Parameter file: where it stands, for errors.
  /// - Throws: ``MatrixFileError``
  public static func duration(_ text: String, file: String) throws(MatrixFileError) -> Double {
    try MatrixReader(file: file).duration(Node(text))
  }

  /// Reads a file's text.
  /// - Parameter file: its name, for errors.
  /// - Throws: ``MatrixFileError`` at the first thing that is wrong.
  public init(yaml: String, file: String) throws(MatrixFileError) {
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch let error as YamlError {
      let (line, reason) = error.place
      throw MatrixFileError(file: file, line: line, reason: "not YAML: \(reason)")
    } catch { throw MatrixFileError(file: file, line: 1, reason: "not YAML: \(error)") }
    guard let root else {
      throw MatrixFileError(file: file, line: 1, reason: "is empty; it needs “groups” and “series”")
    }
    let reader = MatrixReader(file: file)
    let top = try reader.keys(of: root, known: ["owner", "budget", "keep", "groups", "series"], in: "the matrix")
    owner = try top["owner"].map { node throws(MatrixFileError) in try reader.owner(node) }
    budget = try top["budget"].map { node throws(MatrixFileError) in try reader.duration(node) }
    keep = try top["keep"].map { node throws(MatrixFileError) in try reader.keep(node) }
    groups = [:]
    guard let named = top["groups"] else { throw reader.wrong(root, "needs “groups”: which kernels and profiles") }
    guard let mapping = named.mapping, !mapping.isEmpty else {
      throw reader.wrong(named, "“groups” needs a name for each group")
    }
    for (key, value) in mapping {
      let name = try reader.text(key, "a group's name")
      let parts = try reader.keys(of: value, known: ["kernels", "profiles"], in: "the group “\(name)”")
      groups[name] = Group(
        kernels: try reader.list(parts["kernels"], "kernels", in: value),
        profiles: try reader.list(parts["profiles"], "profiles", in: value), line: reader.line(key))
    }
    guard let series = top["series"] else { throw reader.wrong(root, "needs “series”: where they come from") }
    guard let sequence = series.sequence, !sequence.isEmpty else {
      throw reader.wrong(series, "“series” needs at least one entry")
    }
    entries = []
    for node in sequence { entries.append(try reader.entry(node, groups: groups)) }
  }
}

/// Reads the parts of a matrix file, and knows where each one stands.
private struct MatrixReader {
  var file: String

  func line(_ node: Node) -> Int { node.mark?.line ?? 1 }

  func wrong(_ node: Node, _ reason: String) -> MatrixFileError {
    MatrixFileError(file: file, line: line(node), reason: reason)
  }

  func keys(of node: Node, known: [String], in what: String) throws(MatrixFileError) -> [String: Node] {
    guard let mapping = node.mapping else { throw wrong(node, "\(what) must be a mapping") }
    var found: [String: Node] = [:]
    for (key, value) in mapping {
      let name = try text(key, "a key")
      guard known.contains(name) else {
        throw wrong(key, "unknown key “\(name)” in \(what); known keys: \(known.joined(separator: ", "))")
      }
      if found.updateValue(value, forKey: name) != nil { throw wrong(key, "“\(name)” is there twice") }
    }
    return found
  }

  func text(_ node: Node, _ what: String) throws(MatrixFileError) -> String {
    guard let text = node.scalar?.string, !text.isEmpty else { throw wrong(node, "\(what) must be a word") }
    return text
  }

  /// One word, or a list of them.
  func list(_ node: Node?, _ name: String, in parent: Node) throws(MatrixFileError) -> [String] {
    guard let node else { throw wrong(parent, "needs “\(name)”") }
    guard let sequence = node.sequence else { return [try text(node, "“\(name)”")] }
    if sequence.isEmpty { throw wrong(node, "“\(name)” is empty") }
    var found: [String] = []
    for one in sequence { found.append(try text(one, "each of “\(name)”")) }
    return found
  }

  func entry(_ node: Node, groups: [String: MatrixFile.Group]) throws(MatrixFileError) -> MatrixFile.Entry {
    let parts = try keys(
      of: node, known: ["from", "archive", "days", "groups", "priority", "owner"], in: "an entry of “series”")
    let names = try list(parts["groups"], "groups", in: node)
    for name in names where groups[name] == nil {
      throw wrong(
        parts["groups"]!, "there is no group “\(name)”; groups: \(groups.keys.sorted().joined(separator: ", "))")
    }
    let source: MatrixFile.Source
    switch (parts["from"], parts["archive"]) {
    case (_?, nil):
      if let days = parts["days"] { throw wrong(days, "“days” goes with “archive”") }
      source = .arguments(try list(parts["from"], "from", in: node))
    case (nil, let archive?):
      let days = try parts["days"].map { node throws(MatrixFileError) in try number(node, "“days”", least: 1) }
      source = .archive(try text(archive, "“archive”"), days: days ?? 1)
    default: throw wrong(node, "needs either “from” or “archive”")
    }
    return MatrixFile.Entry(
      source: source, groups: names,
      priority: try parts["priority"].map { node throws(MatrixFileError) in
        try number(node, "“priority”", least: Int.min)
      } ?? 0,
      owner: try parts["owner"].map { node throws(MatrixFileError) in try owner(node) }, line: line(node))
  }

  private func number(_ node: Node, _ what: String, least: Int) throws(MatrixFileError) -> Int {
    guard let number = Int(try text(node, what)), number >= least else {
      throw wrong(node, "\(what) must be a whole number" + (least > Int.min ? " of at least \(least)" : ""))
    }
    return number
  }

  /// `Name <address>`, or an address. It becomes a field of a mail, so it must not be able to begin another one.
  func owner(_ node: Node) throws(MatrixFileError) -> String {
    let text = try text(node, "“owner”")
    guard text.wholeMatch(of: /(?:[^<>\p{Cc}]{1,100} )?<[!-;=?A-~]+@[!-;=?A-~]+>|[!-;=?A-~]+@[!-;=?A-~]+/) != nil else {
      throw wrong(node, "“owner” must be an address, such as: A Maintainer <a@example.org>")
    }
    return text
  }

  func keep(_ node: Node) throws(MatrixFileError) -> KeepLimits {
    let parts = try keys(of: node, known: ["evidence", "size", "rows"], in: "“keep”")
    if parts.isEmpty { throw wrong(node, "“keep” needs “evidence”, “size” or “rows”") }
    func read<Value>(_ name: String, _ example: String, _ value: (String) -> Value?) throws(MatrixFileError) -> Value? {
      guard let node = parts[name] else { return nil }
      guard let found = value(try text(node, "“\(name)”")) else { throw wrong(node, "“\(name)” must be \(example)") }
      return found
    }
    return KeepLimits(
      evidence: try read("evidence", KeepLimits.ageWords, KeepLimits.age),
      size: try read("size", KeepLimits.sizeWords, KeepLimits.size),
      rows: try read("rows", KeepLimits.ageWords, KeepLimits.age))
  }

  /// `90m`, `6h`, or both: `1h30m`.
  func duration(_ node: Node) throws(MatrixFileError) -> Double {
    let text = try text(node, "“budget”")
    guard let match = text.wholeMatch(of: /(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?/),
      match.output.1 != nil || match.output.2 != nil
    else { throw wrong(node, "“budget” must be a time such as 6h, 90m or 1h30m") }
    let hours = match.output.1.flatMap { Double($0) } ?? 0
    return hours * 3600 + (match.output.2.flatMap { Double($0) } ?? 0) * 60
  }
}

extension YamlError {
  /// The line, from 1, and what is wrong.
  fileprivate var place: (line: Int, reason: String) {
    switch self {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      (mark.line, problem)
    case .duplicatedKeysInMapping(let keys, _): (1, "a key is there twice: \(keys)")
    default: (1, "\(self)")
    }
  }
}
