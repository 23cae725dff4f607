// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelCode
public import KernelText
import SystemPackage
import Toolbox

/// The maximum number of objects compiled again for one kernel's reports. A report names about ten. If everything is
/// broken, the hundredth report adds nothing.
private let mostObjects = 48
/// The kernel's size of a function extends to the next symbol, an object's does not. The difference is at most this.
private let mostPadding = 64

extension SeriesTree {
  /// Finds the source lines of addresses in this tree's kernel.
  ///
  /// The kernel is built without debug information, which would double its build time. The few objects that reports
  /// name are compiled again, with line tables but otherwise by the same commands. A function is left out if its size
  /// differs from the running kernel's.
  /// - Parameters:
  ///   - touched: the files that the series touches.
  ///   - jobs: how many compilers run at once.
  /// - Returns: `drivers/dma-buf/dma-buf.c:165`; for inlined code, its line first and then its caller's, separated by
  ///   blanks. Addresses without a known line are left out.
  /// - Throws: ``ToolError``, and file system errors.
  public func sourceLines(
    of addresses: Set<CodeAddress>, touched: Set<String>, jobs: Int
  ) async throws -> [CodeAddress: String] {
    let recorded = try RecordedBuild(base.records, about: touched)
    let names = Set(addresses.map(\.function))
    let objects = await Blocking.run { candidates(recorded, touched: touched, names: names) }
    let makefile = CompilerMakefile(
      objects, to: .lines, ObjectReading(base.profile), directory: scratch.appending("lines")
    ) { object in
      RecordedBuild.command(of: object, in: base.tree)
    }
    try await makefile.run(jobs: jobs, environment: recordedEnvironment) {
      wrap($0, writing: [$1], compiled: .shared)
    }

    var places: [CodeAddress: String] = [:]
    var ambiguous: Set<CodeAddress> = []
    for object in makefile.sources.keys.sorted() {
      let output = makefile.output(object)
      guard let code = try? await Blocking.run({ Result { try Self.code(in: output, of: names) } }).get() else {
        continue
      }
      var sections: [String: [(address: CodeAddress, at: UInt64)]] = [:]
      for address in addresses {
        for function in code.functions where address.isIn(function) {
          sections[function.section, default: []].append((address, function.offset + UInt64(address.offset)))
        }
      }
      for (section, asked) in sections {
        let lines = try await lines(of: asked.map(\.at), section: section, in: output)
        for (address, at) in asked {
          guard let line = lines[at] else { continue }
          if let other = places.updateValue(line, forKey: address), other != line { ambiguous.insert(address) }
        }
      }
    }
    // Two functions have the same name and size, and either may be meant.
    return places.filter { !ambiguous.contains($0.key) }
  }

  /// The objects of the image that have functions of these names. Those of the touched files come first, because a
  /// series may have added the functions there.
  private func candidates(_ recorded: RecordedBuild, touched: Set<String>, names: Set<String>) -> [String] {
    let own = touched.filter { $0.hasSuffix(".c") }.flatMap { recorded.readers[$0] ?? [] }
    let first = Set(own).sorted().map { recorded.objects[$0] }.filter { $0.archive != nil }.map(\.path)
    let rest = recorded.objects.lazy.filter { $0.archive != nil }.map(\.path).filter { path in
      guard !first.contains(path) else { return false }
      return (try? Self.code(in: base.tree.pushing(FilePath(path)), of: names))?.functions.isEmpty == false
    }
    return Array((first + rest).prefix(mostObjects))
  }

  private static func code(in file: FilePath, of names: Set<String>) throws -> ObjectCode? {
    let data = try Data(contentsOf: URL(filePath: file.string), options: .mappedIfSafe)
    return data.withUnsafeBytes { ObjectCode($0, of: names) }
  }

  private func lines(of addresses: [UInt64], section: String, in object: FilePath) async throws -> [UInt64: String] {
    let words = Set(addresses).sorted().map { "0x" + String($0, radix: 16) }
    let tool = Tool(
      base.profile.toolchain.binutil("addr2line"), ["-a", "-i", "-e", object.string, "-j", section, "--"] + words)
    // The object was compiled from the series, which can write any section it likes.
    let text = try await wrap(tool, reading: [object], time: .seconds(60)).output()
    return SourcePlaces.parse(text, tree: base.tree.string)
  }
}

extension CodeAddress {
  /// Whether it can be in this function, by name and size.
  fileprivate func isIn(_ code: ObjectCode.Function) -> Bool {
    guard code.name == function, let own = Int(exactly: code.size) else { return false }
    return own <= size && size - own < mostPadding && offset < own
  }
}

/// Parses the output of addr2line(1).
enum SourcePlaces {
  /// - Parameters:
  ///   - text: from `addr2line -a -i`: for each address, a line with it, and one `FILE:LINE` per inlined level.
  ///   - tree: the prefix of the files' names.
  /// - Returns: the known lines; unknown ones, `??:0`, are left out.
  static func parse(_ text: String, tree: String) -> [UInt64: String] {
    var places: [UInt64: [Substring]] = [:]
    var current: UInt64?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("0x"), let address = UInt64(line.dropFirst(2), radix: 16) {
        current = address
        continue
      }
      // `mm/util.c:324 (discriminator 2)`
      let place = line.prefix { $0 != " " }
      guard let current, !place.hasPrefix("??"), !place.hasSuffix(":?"), !place.hasSuffix(":0") else { continue }
      places[current, default: []].append(plain(place, tree: tree))
    }
    return places.mapValues { $0.joined(separator: " ") }
  }

  private static func plain(_ place: Substring, tree: String) -> Substring {
    var rest = place.hasPrefix(tree + "/") ? place.dropFirst(tree.count + 1) : place
    while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
    return rest
  }
}
