// SPDX-License-Identifier: Apache-2.0

/// Lines of a config fragment that are meant for some versions of the kernel only:
///
///     # since 6.4: CONFIG_DRM_VIRTIO_GPU_KMS=y
///     # before 7.0: CONFIG_PREEMPT_VOLUNTARY=y
///     # before 7.0: # CONFIG_PREEMPT_LAZY is not set
///
/// Kconfig itself takes them for comments.
public enum VersionedSettings {
  /// Returns a fragment with the lines that are meant for `version` as settings, and the others as they are. No line
  /// moves.
  /// - Throws: `KConfigError` for a line that begins like these and cannot be read.
  public static func resolve(
    _ text: String, for version: KernelVersion, file: String
  ) throws(KConfigError) -> String {
    var lines: [Substring] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard let condition = Condition(line) else {
        lines.append(line)
        continue
      }
      guard let setting = condition.setting, let bound = condition.version else {
        throw KConfigError(file: file, line: lines.count + 1, text: String(line))
      }
      let holds = condition.word == "since" ? version >= bound : version < bound
      lines.append(holds ? setting : line)
    }
    return lines.joined(separator: "\n")
  }

  private struct Condition {
    var word: Substring
    var version: KernelVersion?
    var setting: Substring?

    /// `nil` for a line that is no condition: a sentence may begin with these words.
    init?(_ line: Substring) {
      let words = line.split(separator: " ", maxSplits: 3)
      guard words.count >= 3, words[0] == "#", ["since", "before"].contains(words[1]),
        words[2].first?.isNumber == true, words[2].hasSuffix(":")
      else { return nil }
      word = words[1]
      // Whole, because a slip such as 6.4.x would silently mean something else.
      let number = words[2].dropLast()
      version = KernelVersion(number).flatMap { $0.description == number ? $0 : nil }
      let rest = words.count == 4 ? words[3] : ""
      setting = rest.hasPrefix("CONFIG_") || rest.hasPrefix("# CONFIG_") ? rest : nil
    }
  }
}
