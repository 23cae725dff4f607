// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import SystemPackage
import Yams

/// A suite of guest tests: one directory under `GuestTests/Suites/`, described by its `suite.yaml`.
public struct SuiteDefinition: Sendable, Hashable {
  /// The suite that is used if none is named.
  public static let standard = "dma-buf"

  /// The directory's name.
  public var name: String
  /// The program of `GuestTests/Makefile` that is PID 1 of the guest.
  public var binary: String
  /// The directory of the sources of its kernel modules.
  public var modules: FilePath
  /// Config fragments, merged after those of the kernel's profile. Absolute paths.
  public var fragments: [FilePath]
  /// QEMU's names of the devices that its guests need, next to those that every guest has.
  public var devices: [String]
  /// The source paths that the tests are about.
  public var paths: [NamePattern]
  /// The functions that the base's guest counts, by source file. Tests that ran a changed one are the first to run with
  /// a series.
  public var functions: [String: Set<String>]
  /// What it means that tests and kernel reports got worse, in words.
  public var causes: [CauseRule] = []

  public init(
    name: String, binary: String, modules: FilePath, fragments: [FilePath], devices: [String], paths: [NamePattern],
    functions: [String: Set<String>] = [:]
  ) {
    self.name = name
    self.binary = binary
    self.modules = modules
    self.fragments = fragments
    self.devices = devices
    self.paths = paths
    self.functions = functions
  }

  /// Whether the tests are about any of these source paths.
  public func covers(_ changed: [String]) -> Bool {
    changed.contains { path in paths.contains { $0.matches(path) } }
  }
}

extension SuiteDefinition {
  private static let file = "suite.yaml"

  /// The names of all suites under `directory`, sorted.
  public static func names(in directory: FilePath) -> [String] { DefinitionFolder.names(in: directory, with: file) }

  /// Loads one suite's definition.
  /// - Throws: ``DefinitionError``
  public static func load(_ name: String, from directory: FilePath) throws(DefinitionError) -> SuiteDefinition {
    let known = names(in: directory)
    guard known.contains(name) else { throw .noSuchSuite(name, known: known) }
    let home = directory.appending(name)
    let path = home.appending(file)
    let yaml: SuiteYAML
    do {
      yaml = try YAMLDecoder().decode(SuiteYAML.self, from: Data(contentsOf: URL(filePath: path.string)))
    } catch { throw .unusable(file: path.string, reason: "cannot be read: \(error)") }
    func resolve(_ text: String) -> FilePath { home.pushing(FilePath(text)).lexicallyNormalized() }
    let device = yaml.devices?.first { !$0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") } }
    if let device { throw .unusable(file: path.string, reason: "devices: “\(device)” is not a device's name") }
    if yaml.binary.contains("/") || yaml.binary.isEmpty {
      throw .unusable(file: path.string, reason: "binary: needs the name of a product")
    }
    var suite = SuiteDefinition(
      name: name, binary: yaml.binary, modules: resolve(yaml.modules), fragments: (yaml.fragments ?? []).map(resolve),
      devices: yaml.devices ?? [], paths: yaml.paths.map(NamePattern.init),
      functions: try yaml.functions.map { text throws(DefinitionError) in try listedFunctions(resolve(text)) } ?? [:])
    suite.causes = try (yaml.causes ?? []).map { cause throws(DefinitionError) in try cause.rule(in: path) }
    return suite
  }

  private static func listedFunctions(_ path: FilePath) throws(DefinitionError) -> [String: Set<String>] {
    do {
      let list = try YAMLDecoder().decode([FunctionsYAML].self, from: Data(contentsOf: URL(filePath: path.string)))
      return list.reduce(into: [:]) { $0[$1.file, default: []].formUnion($1.functions.keys) }
    } catch { throw .unusable(file: path.string, reason: "cannot be read: \(error)") }
  }
}

/// The format of `suite.yaml`.
private struct SuiteYAML: Decodable {
  var binary: String
  var modules: String
  var fragments: [String]?
  var devices: [String]?
  var paths: [String]
  /// A file like `Patches/mutants/functions.yaml`, relative to this one.
  var functions: String?
  var causes: [CauseYAML]?
}

/// A ``CauseRule`` as `suite.yaml` has it.
private struct CauseYAML: Decodable {
  var kind: String
  var words: String
  var tests: [String]?
  var checks: [String]?
  var all: Bool?
  var reports: [String]?

  func rule(in file: FilePath) throws(DefinitionError) -> CauseRule {
    guard let kind = CauseKind(rawValue: kind) else {
      let known = CauseKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw .unusable(file: file.string, reason: "causes: “\(self.kind)” is no kind; the kinds are \(known)")
    }
    if tests == nil, reports == nil {
      throw .unusable(file: file.string, reason: "causes: “\(words)” names neither tests nor reports")
    }
    return CauseRule(
      kind: kind, words: words, tests: (tests ?? []).map(NamePattern.init),
      checks: (checks ?? []).map(NamePattern.init), needsAll: all ?? false,
      reports: (reports ?? []).map(NamePattern.init))
  }
}

/// The functions of one source file, each with the reason for listing it.
private struct FunctionsYAML: Decodable {
  var file: String
  var functions: [String: String]
}

/// A directory with one directory for each definition.
enum DefinitionFolder {
  /// The names of the directories that contain such a file, sorted.
  static func names(in directory: FilePath, with file: String) -> [String] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    return entries.filter {
      FileManager.default.fileExists(atPath: directory.appending($0).appending(file).string)
    }.sorted()
  }
}
