// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// The files that lead to one buffer, and where each mapping of it is linked, on the base and with a series.
///
/// The facts are those of the tests `forward/PAIR/vm-file`, which reads `/proc/self/maps`, and `invalidate/PAIR/unbind`,
/// which touches each mapping after the exporter's device was unbound.
struct AliasPicture {
  /// One way to the buffer: the exporter's chardev, the dma-buf, the importer's chardev.
  struct Alias {
    /// `chardev`, `dma-buf`, `forwarded`
    var name: String
    var base: Link
    var series: Link

    /// The way in words.
    var words: String {
      switch name {
      case "chardev": "exporter's chardev"
      case "memfd": "the memfd"
      case "forwarded": "importer's chardev"
      default: name
      }
    }
  }

  /// What a mapping is linked to.
  struct Link: Equatable {
    /// `/dmabuf:`; `nil` if it is not known.
    var file: String?
    /// `0x100000000`
    var offset: String?
    /// Whether it was unmapped when the device was unbound; `nil` if that was not tried.
    var wasUnmapped: Bool?

    var place: String {
      guard let file else { return "not known" }
      return offset.map { "\(file) at \($0)" } ?? file
    }

    var fate: String? { wasUnmapped.map { $0 ? "✓ unmapped by the unbind" : "✗ still mapped after the unbind" } }
  }

  /// `virtio_gpu-to-vgem`
  var pair: String
  var aliases: [Alias]

  /// Draws the pair whose links the series changes most visibly.
  /// - Returns: `nil` if the series changes none.
  init?(_ judgement: Judgement) {
    let byName = Dictionary(judgement.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let linked = judgement.tests.filter { TestName($0.name).question == "forward/*/vm-file" }
    let pictures = linked.map { test in
      let pair = TestName(test.name).subject
      return (pair: pair, aliases: Self.aliases(test, unbind: byName["invalidate/\(pair)/unbind"]))
    }
    let changed = pictures.filter { $0.aliases.contains { $0.base != $0.series } }
    // A picture that also shows what the unbind did says more.
    let best = changed.first { $0.aliases.contains { $0.series.wasUnmapped != nil } } ?? changed.first
    guard let best else { return nil }
    pair = best.pair
    aliases = best.aliases
  }

  private static func aliases(_ test: TestComparison, unbind: TestComparison?) -> [Alias] {
    let names = test.checks.compactMap { check in
      check.name.hasSuffix(": vm_file") ? String(check.name.dropLast(": vm_file".count)) : nil
    }
    return names.map { name in
      Alias(name: name, base: link(name, test, unbind) { $0.base }, series: link(name, test, unbind) { $0.series })
    }
  }

  private static func link(
    _ name: String, _ test: TestComparison, _ unbind: TestComparison?, side: (CheckComparison) -> Check?
  ) -> Link {
    func check(_ test: TestComparison?, _ start: String) -> Check? {
      test?.checks.first { $0.name.hasPrefix(start) }.flatMap(side)
    }
    return Link(
      file: check(test, "\(name): vm_file").map(seen), offset: check(test, "\(name): vm_pgoff").map(seen),
      wasUnmapped: check(unbind, "\(name): faults on touch after unbind").map(\.passed))
  }

  /// Returns what a check saw: `0x0` of `0x0, expected 0x100000000`.
  private static func seen(_ check: Check) -> String {
    check.detail.firstRange(of: ", expected ").map { String(check.detail[..<$0.lowerBound]) } ?? check.detail
  }

  /// The picture in words, one sentence an alias.
  var sentences: [String] {
    aliases.map { alias in
      let parts = [("on the base", alias.base), ("with the series", alias.series)].map { side, link in
        "\(side): \(link.place)" + (link.fate.map { ", \($0.dropFirst(2))" } ?? "")
      }
      return "\(alias.words) (\(alias.name)): \(parts.joined(separator: "; "))"
    }
  }
}
