// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// A list file that is malformed. User error.
public struct MutantListError: Error, Sendable, Hashable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int
  public var reason: String

  public var description: String { "\(file):\(line): \(reason)" }
}

/// The functions whose mutants are judged, each with the reason for listing it.
public struct FunctionList: Sendable, Hashable {
  /// One file of the kernel.
  public struct File: Sendable, Hashable {
    public var path: String
    /// Maps each function's name to the reason.
    public var functions: [String: String]
  }

  public var files: [File]

  /// Reads:
  ///
  ///     - file: drivers/dma-buf/dma-buf.c
  ///       functions:
  ///         dma_buf_mmap: forwards an importer's mmap
  ///
  /// - Parameter name: the file's name, for errors.
  public init(yaml: String, name: String) throws(MutantListError) {
    let reader = ListReader(name: name)
    files = []
    for entry in try reader.entries(of: yaml) {
      let fields = try reader.fields(of: entry, known: ["file", "functions"])
      guard let functions = fields["functions"]?.mapping, !functions.isEmpty else {
        throw reader.error(entry, "“functions”, with a reason for each, is missing")
      }
      var file = File(path: try reader.text("file", in: fields, of: entry), functions: [:])
      for (key, value) in functions {
        guard let function = key.string, let reason = value.string, !reason.isEmpty else {
          throw reader.error(key, "a function needs a reason")
        }
        if file.functions.updateValue(reason, forKey: function) != nil {
          throw reader.error(key, "\(function) is listed twice")
        }
      }
      if files.contains(where: { $0.path == file.path }) { throw reader.error(entry, "\(file.path) is listed twice") }
      files.append(file)
    }
  }
}

/// Arguments that mutants behave as the original code does.
public struct EquivalentMutants: Sendable, Hashable {
  /// One argument. It is identified by its change and its text, because lines move.
  public struct Argument: Sendable, Hashable {
    public var file: String
    public var function: String
    public var `operator`: MutationOperator
    public var before: String
    public var after: String
    public var why: String
    /// Its line in the list file, from 1.
    public var line: Int
  }

  public var arguments: [Argument]

  /// An empty list.
  public init() { arguments = [] }

  /// Reads:
  ///
  ///     - file: drivers/dma-buf/dma-buf.c
  ///       function: dma_buf_mmap
  ///       operator: relational
  ///       before: if (pgoff + vma_pages(vma) < pgoff)
  ///       after: if (pgoff + vma_pages(vma) <= pgoff)
  ///       why: a mapping has at least one page
  ///
  /// - Parameter name: the file's name, for errors.
  public init(yaml: String, name: String) throws(MutantListError) {
    let reader = ListReader(name: name)
    arguments = []
    for entry in try reader.entries(of: yaml) {
      let fields = try reader.fields(of: entry, known: ["file", "function", "operator", "before", "after", "why"])
      let word = try reader.text("operator", in: fields, of: entry)
      guard let what = MutationOperator(rawValue: word) else {
        throw reader.error(fields["operator"] ?? entry, "unknown operator “\(word)”")
      }
      let argument = Argument(
        file: try reader.text("file", in: fields, of: entry),
        function: try reader.text("function", in: fields, of: entry), operator: what,
        before: collapsed(try reader.text("before", in: fields, of: entry)),
        after: collapsed(try reader.text("after", in: fields, of: entry)),
        why: collapsed(try reader.text("why", in: fields, of: entry)), line: reader.line(of: entry))
      if let other = arguments.first(where: { $0.covers(argument) }) {
        throw reader.error(entry, "repeats line \(other.line)")
      }
      arguments.append(argument)
    }
  }

  /// Returns why a mutant is equivalent; `nil` if there is no argument.
  public func reason(for mutant: Mutant) -> String? {
    arguments.first {
      $0.file == mutant.file && $0.function == mutant.function && $0.operator == mutant.operator
        && $0.before == mutant.before && $0.after == mutant.after
    }?.why
  }
}

extension EquivalentMutants.Argument {
  fileprivate func covers(_ other: Self) -> Bool {
    (file, function, `operator`, before, after) == (
      other.file, other.function, other.operator, other.before, other.after
    )
  }
}

/// Reads a list of mappings, and reports the lines of errors.
struct ListReader {
  var name: String

  func line(of node: Node) -> Int { node.mark?.line ?? 1 }

  func error(_ node: Node, _ reason: String) -> MutantListError {
    MutantListError(file: name, line: line(of: node), reason: reason)
  }

  func entries(of yaml: String) throws(MutantListError) -> [Node] {
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch let error as YamlError {
      let line =
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: 1
        }
      throw MutantListError(file: name, line: line, reason: "invalid YAML: \(collapsed("\(error)"))")
    } catch { throw MutantListError(file: name, line: 1, reason: "invalid YAML: \(error)") }
    // The file contains only comments.
    guard let root, root.null == nil else { return [] }
    guard let list = root.sequence else { throw error(root, "must be a list") }
    return Array(list)
  }

  func fields(of entry: Node, known: Set<String>) throws(MutantListError) -> [String: Node] {
    guard let mapping = entry.mapping else { throw error(entry, "each entry must be a mapping") }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      guard let word = key.string, known.contains(word) else {
        throw error(key, "unknown field “\(key.string ?? "")”; known: \(known.sorted().joined(separator: ", "))")
      }
      fields[word] = value
    }
    return fields
  }

  /// Returns a list of strings; empty if the field is missing.
  func texts(_ field: String, in fields: [String: Node]) throws(MutantListError) -> Set<String> {
    guard let node = fields[field] else { return [] }
    guard let list = node.sequence else { throw error(node, "“\(field)” must be a list") }
    var texts: Set<String> = []
    for item in list {
      guard let text = item.string, !collapsed(text).isEmpty else { throw error(item, "“\(field)” must hold strings") }
      texts.insert(collapsed(text))
    }
    return texts
  }

  func text(_ field: String, in fields: [String: Node], of entry: Node) throws(MutantListError) -> String {
    guard let node = fields[field] else { throw error(entry, "“\(field)” is missing") }
    guard let text = node.string, !collapsed(text).isEmpty else { throw error(node, "“\(field)” must be a string") }
    return text
  }
}
