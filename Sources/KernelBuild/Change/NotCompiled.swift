// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelCode
import KernelText
import SystemPackage

extension SeriesTree {
  /// Finds out why files are not compiled.
  /// - Parameters:
  ///   - files: relative to the tree's root.
  ///   - touched: all files that the series touches.
  /// - Returns: by file; those for which it cannot be told are left out.
  func causes(of files: [String], touched: Set<String>) -> [String: NotCompiledCause]? {
    if files.isEmpty { return nil }
    let options = enabledOptions
    let added = addedOptions(touched)
    var found: [String: NotCompiledCause] = [:]
    for path in files {
      if let cause = cause(of: path, options, added) { found[path] = cause }
    }
    return found
  }

  private func cause(of path: String, _ enabled: Set<String>, _ added: Set<String>) -> NotCompiledCause? {
    let parts = path.split(separator: "/").map(String.init)
    let own = base.profile.toolchain.sourceDirectory
    if parts.count > 2, parts[0] == "arch", parts[1] != own { return .architecture(parts[1]) }
    if path.hasSuffix(".h") { return .notIncluded }
    // A removed file has no rule.
    guard file(path) != nil else { return nil }
    var member = "\(parts[parts.count - 1].dropLast(2)).o"
    var directory = parts.dropLast()
    var isNamed = false
    // The Makefile of its own directory, or of one above, names the object; those further up name the directories.
    while !directory.isEmpty {
      let place = directory.joined(separator: "/")
      let lists = ["Kbuild", "Makefile"].lazy.compactMap { contents("\(place)/\($0)") }.map { ObjectRules($0) }
      if let options = lists.compactMap({ $0.options(of: member) }).first {
        isNamed = true
        if let off = options.first(where: { !enabled.contains($0) }) { return .option(off, isNew: added.contains(off)) }
        member = "\(directory.removeLast())/"
      } else if isNamed {
        // The parent names it in a way that is not read here.
        return nil
      } else {
        member = "\(directory.removeLast())/\(member)"
      }
    }
    return isNamed ? nil : .noMakefile
  }

  /// The options that are `y` in this tree's configuration, or `m` if modules are made.
  private var enabledOptions: Set<String> {
    let text = contents(".config") ?? []
    let settings = (try? KConfig.parse(text, file: ".config")) ?? []
    let values: [KConfigSetting.Value] = base.profile.image == .modules ? [.yes, .module] : [.yes]
    return Set(settings.filter { values.contains($0.value) }.map(\.symbol))
  }

  /// The options that the series defines and the base does not.
  func addedOptions(_ touched: Set<String>) -> Set<String> {
    definedOptions(touched) { contents($0) }.subtracting(
      definedOptions(touched) { regularContents(base.tree.pushing(FilePath($0))) })
  }

  private func definedOptions(_ touched: Set<String>, _ text: (String) -> [UInt8]?) -> Set<String> {
    touched.filter { FilePath($0).lastComponent?.string.hasPrefix("Kconfig") ?? false }
      .reduce(into: []) { $0.formUnion(KconfigOptions.defined(in: text($1) ?? [])) }
  }
}
