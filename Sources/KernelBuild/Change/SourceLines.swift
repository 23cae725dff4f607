// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelCode
public import KernelText
import SystemPackage
import Toolbox

/// How many objects are compiled again for one kernel's reports. A report names about ten; what breaks everything tells
/// no more by its hundredth.
private let mostObjects = 48
/// The kernel's own size of a function reaches up to the next symbol, an object's does not. No more than this lies between.
private let mostPadding = 64

extension SeriesTree {
  /// Finds the source lines of places in this tree's kernel.
  ///
  /// The kernel is built without debugging information, which would double its build. The few objects that reports name
  /// are compiled again, with line tables and else by the same commands; a function that comes out in another size than
  /// the running kernel had it is not told.
  /// - Parameters:
  ///   - touched: the files that the series touches.
  ///   - jobs: how many compilers run at once.
  /// - Returns: `drivers/dma-buf/dma-buf.c:165`; where code was inlined that of the inlined code first, then its caller's,
  ///   divided by blanks. Without those that cannot be told.
  /// - Throws: ``ToolError``, and what the file system says.
  public func sourceLines(
    of addresses: Set<CodeAddress>, touched: Set<String>, jobs: Int
  ) async throws -> [CodeAddress: String] {
    let recorded = try RecordedBuild(base.records, about: touched)
    let names = Set(addresses.map(\.function))
    let objects = await Blocking.run { candidates(recorded, touched: touched, names: names) }
    let makefile = CompilerMakefile(objects, to: .lines, directory: scratch.appending("lines")) { object in
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
    // Two functions of one name and size, of which either may be meant.
    return places.filter { !ambiguous.contains($0.key) }
  }

  /// The objects of the image that have functions of these names, those of the touched files first: a series may have
  /// brought them there.
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
    let tool = Tool("addr2line", ["-a", "-i", "-e", object.string, "-j", section, "--"] + words)
    // What it reads was compiled from the series, which can write any section that it likes.
    let text = try await wrap(tool, reading: [object], time: .seconds(60)).output()
    return SourcePlaces.parse(text, tree: base.tree.string)
  }
}

extension CodeAddress {
  /// Whether it can be a place in this function, by name and size.
  fileprivate func isIn(_ code: ObjectCode.Function) -> Bool {
    guard code.name == function, let own = Int(exactly: code.size) else { return false }
    return own <= size && size - own < mostPadding && offset < own
  }
}

/// What addr2line(1) says.
enum SourcePlaces {
  /// - Parameters:
  ///   - text: of `addr2line -a -i`: for each address a line with it, and as many with `FILE:LINE` as were inlined there.
  ///   - tree: what the files' names begin with.
  /// - Returns: what it does not know, `??:0`, is left out.
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
