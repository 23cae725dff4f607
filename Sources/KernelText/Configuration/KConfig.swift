// SPDX-License-Identifier: Apache-2.0

/// The value that a configuration requests for one symbol.
public struct KConfigSetting: Sendable, Hashable {
  /// `CONFIG_KASAN`
  public var symbol: String
  public var value: Value
  /// The fragment and line of the request: `drivers.config:12`.
  public var origin: String

  public enum Value: Sendable, Hashable, CustomStringConvertible {
    case yes
    case module
    /// `# CONFIG_X is not set`, or the equivalent `CONFIG_X=n`.
    case unset
    /// A number, or a string with its quotes, as written.
    case literal(String)

    public var description: String {
      switch self {
      case .yes: "y"
      case .module: "m"
      case .unset: "n"
      case .literal(let text): text
      }
    }
  }

  public init(symbol: String, value: Value, origin: String) {
    self.symbol = symbol
    self.value = value
    self.origin = origin
  }
}

/// A requested setting that the resolved configuration does not have.
public struct LostSymbol: Sendable, Hashable {
  public var requested: KConfigSetting
  /// The value in the resolved configuration; a symbol that is missing there is unset.
  public var resolved: KConfigSetting.Value

  public init(requested: KConfigSetting, resolved: KConfigSetting.Value) {
    self.requested = requested
    self.resolved = resolved
  }
}

/// A line that is not a setting.
public struct KConfigError: Error, Sendable, Hashable {
  public var file: String
  public var line: Int
  public var text: String

  public init(file: String, line: Int, text: String) {
    self.file = file
    self.line = line
    self.text = text
  }
}

/// Parses the kernel's configuration syntax, in fragments and in a resolved `.config`.
public enum KConfig {
  /// Returns the settings of one file, in order. Each line must be empty, a comment or a setting. kbuild ignores lines
  /// that it cannot parse, so a misspelled request would be lost silently.
  public static func parse(_ text: some Sequence<UInt8>, file: String) throws(KConfigError) -> [KConfigSetting] {
    var settings: [KConfigSetting] = []
    let lines = Array(text).split(separator: .lineFeed, omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      let line = trimmed(bytes)
      if line.isEmpty { continue }
      let origin = "\(file):\(index + 1)"
      if line.hasPrefix("#") {
        if let symbol = unsetSymbol(line) {
          settings.append(KConfigSetting(symbol: symbol, value: .unset, origin: origin))
        }
        continue
      }
      guard let setting = assignment(line, origin: origin) else {
        throw KConfigError(file: file, line: index + 1, text: line)
      }
      settings.append(setting)
    }
    return settings
  }

  /// Merges fragments, in order, into one request. Each symbol appears once, where it was first requested, with its
  /// last value.
  public static func merge(_ fragments: [[KConfigSetting]]) -> [KConfigSetting] {
    var merged: [KConfigSetting] = []
    var index: [String: Int] = [:]
    for setting in fragments.joined() {
      if let known = index[setting.symbol] {
        merged[known] = setting
      } else {
        index[setting.symbol] = merged.count
        merged.append(setting)
      }
    }
    return merged
  }

  /// Returns the requested settings that did not survive. The value must match exactly: a symbol that was requested as
  /// a module and is built in counts as lost, because a module may be requested in order to unload it.
  public static func lost(requested: [KConfigSetting], resolved: [KConfigSetting]) -> [LostSymbol] {
    let values = Dictionary(resolved.map { ($0.symbol, $0.value) }, uniquingKeysWith: { $1 })
    return merge([requested]).compactMap { setting in
      let value = values[setting.symbol] ?? .unset
      return agree(setting.value, value) ? nil : LostSymbol(requested: setting, resolved: value)
    }
  }

  /// kconfig writes numbers back as entered, except for the case and the `0x` of a hexadecimal one.
  private static func agree(_ a: KConfigSetting.Value, _ b: KConfigSetting.Value) -> Bool {
    if a == b { return true }
    guard case .literal(let a) = a, case .literal(let b) = b, let a = hexadecimal(a), let b = hexadecimal(b) else {
      return false
    }
    return a == b
  }

  private static func hexadecimal(_ text: String) -> UInt64? {
    text.hasPrefix("0x") || text.hasPrefix("0X") ? UInt64(text.dropFirst(2), radix: 16) : nil
  }

  // MARK: - One line

  private static func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
    var line = String(decoding: bytes, as: UTF8.self)[...]
    while let last = line.last, last.isWhitespace { line.removeLast() }
    return String(line)
  }

  private static func unsetSymbol(_ line: String) -> String? {
    guard line.hasPrefix("# CONFIG_"), line.hasSuffix(" is not set") else { return nil }
    let symbol = line.dropFirst(2).dropLast(" is not set".count)
    return isSymbol(symbol) ? String(symbol) : nil
  }

  private static func assignment(_ line: String, origin: String) -> KConfigSetting? {
    guard let equals = line.firstIndex(of: "="), isSymbol(line[..<equals]) else { return nil }
    let text = line[equals...].dropFirst()
    let value: KConfigSetting.Value
    switch text {
    case "y": value = .yes
    case "m": value = .module
    case "n": value = .unset
    default:
      guard isLiteral(text) else { return nil }
      value = .literal(String(text))
    }
    return KConfigSetting(symbol: String(line[..<equals]), value: value, origin: origin)
  }

  private static func isSymbol(_ text: some StringProtocol) -> Bool {
    text.hasPrefix("CONFIG_") && text.utf8.count > 7
      && text.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: "_") || isLetter($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// A decimal or hexadecimal number, or a string in quotes.
  private static func isLiteral(_ text: Substring) -> Bool {
    if text.hasPrefix("\"") { return isQuoted(text) }
    if hexadecimal(String(text)) != nil { return true }
    let digits = text.hasPrefix("-") ? text.dropFirst() : text
    return !digits.isEmpty && digits.utf8.allSatisfy(\.isDigit)
  }

  /// Returns whether the quotes close at the end and only there.
  private static func isQuoted(_ text: Substring) -> Bool {
    guard text.count >= 2, text.last == "\"" else { return false }
    var escaped = false
    for character in text.dropFirst().dropLast() {
      if escaped {
        escaped = false
      } else if character == "\\" {
        escaped = true
      } else if character == "\"" {
        return false
      }
    }
    return !escaped
  }
}
