// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

extension CodeChange {
  /// The files that are not compiled, each with the reason and the next step.
  var notCompiledReasons: [Reason] {
    notCompiled.map { file in
      let words =
        switch causes?[file] {
        case nil: "this configuration does not compile it"
        case .option(let option, let isNew):
          "\(option)\(isNew ? ", which the series adds," : "") is off, so it is not compiled: "
            + Self.advice([option], added: isNew ? [option] : [])
        case .architecture(let name):
          "it is code of another architecture (\(name)), which this profile does not compile"
        case .noMakefile: "no Makefile names it, so it is not compiled"
        case .notIncluded: "nothing that is compiled here includes it"
        }
      return Reason(file, "changed, but \(words)\(others(compiling: file))")
    }
  }

  /// `; the profiles i386, modules compile it: --profile i386`
  private func others(compiling file: String) -> String {
    guard let profiles = elsewhere?[file], let first = profiles.first else { return "" }
    let list = profiles.joined(separator: ", ")
    return profiles.count == 1
      ? "; the profile \(list) compiles it: --profile \(first)"
      : "; the profiles \(list) compile it: --profile \(first)"
  }

  /// How to have the lines compiled that depend on options.
  /// - Parameter fates: the lines of the change.
  func optionAdvice(_ fates: [LineFate]) -> [Reason] {
    let off = Set(fates.filter { $0.state == .notCompiled && $0.isDoubt }.compactMap { Self.option(in: $0.reason) })
    if off.isEmpty { return [] }
    let (list, added) = (off.sorted(), off.intersection(addedOptions ?? []))
    let options = "\(list.joined(separator: ", ")) \(list.count == 1 ? "is" : "are") off"
    return [Reason("\(options), so changed lines were never compiled: \(Self.advice(list, added: added))")]
  }

  /// - Parameter added: those of the options that the series adds. The base does not have them, so they cannot be in its
  ///   profile.
  private static func advice(_ options: [String], added: Set<String>) -> String {
    let own = options.filter { !added.contains($0) }.map { "\($0)=y" }
    let new = options.filter(added.contains).map { "--series-config \($0)=y" }
    return [
      own.isEmpty ? nil : "put \(own.joined(separator: ", ")) into a config fragment of the profile",
      new.isEmpty ? nil : "run it with \(new.joined(separator: " "))",
    ].compactMap { $0 }.joined(separator: ", and ")
  }

  /// Returns the option that has to be on for a condition to hold: CONFIG_X for `#if IS_ENABLED(CONFIG_X)`.
  /// - Returns: `nil` for a condition that is not that simple.
  static func option(in condition: String) -> String? {
    guard
      let match = condition.wholeMatch(
        of:
          /(?:#\s*(?:ifdef|if|elif)\s+)?(?:(?:IS_ENABLED|IS_BUILTIN|IS_REACHABLE|defined)\s*\(?\s*)?(CONFIG_[A-Za-z0-9_]+)\s*\)?/
      )
    else { return nil }
    return String(match.output.1)
  }
}

extension CodeChange {
  /// Why nothing was booted, for a series without a compiled change.
  /// - Parameter touched: all files that the series touches.
  func sameCodeReason(touched: [String]) -> Reason {
    let outside = Set(aside ?? [])
    if !touched.isEmpty, touched.allSatisfy(outside.contains) {
      let what =
        touched.allSatisfy { !$0.hasPrefix("tools/") } ? "documentation" : "documentation and programs under tools/"
      return Reason("it changes only \(what), no part of the kernel: there was nothing to boot")
    }
    if let moved, !moved.isEmpty {
      let list = moved.sorted { $0.key < $1.key }.prefix(3).map { "\($0.value) is now \($0.key)" }
      let more = moved.count > 3 ? ", …" : ""
      return Reason(
        "same functions, same code, under another file name (\(list.joined(separator: ", "))\(more)): there was nothing "
          + "to boot")
    }
    return Reason("no compiled change: there was nothing to boot")
  }
}
