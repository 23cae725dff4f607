// SPDX-License-Identifier: Apache-2.0

public import BenchModel

extension ApplyFailure {
  /// Why the patch does not apply, and what would take it: the most useful sentence first.
  public var words: [Reason] {
    let names = file.map { message.hasPrefix($0) } ?? false
    let parts = [names ? nil : file, hunk.map { "hunk \($0)" }].compactMap { $0 }.joined(separator: ", ")
    let place = parts.isEmpty ? message : "\(parts): \(message)"
    let what = patch.from.map { "this prerequisite, from \($0), does not apply" } ?? "does not apply"
    guard let diagnosis else { return [Reason("\(what): \(place)")] }
    var all: [Reason] = []
    if diagnosis.isContained {
      // A revert is the reverse of its commit, so it applies in reverse where the commit would apply.
      let cause =
        patch.subject.hasPrefix("Revert \"")
        ? "does not have what this patch reverts" : "already contains this patch"
      all.append(Reason("\(what): the kernel \(cause) (it applies in reverse)"))
      all.append(Reason("git: \(place)"))
    } else if let strip = diagnosis.strip {
      let why =
        strip == 0
        ? "its paths have no a/ and b/ (diff.noprefix)"
        : "its paths have \(strip - 1 == 1 ? "a directory" : "\(strip - 1) directories") too many"
      let next =
        strip == 0
        ? "recreate it with `git -c diff.noprefix=false format-patch`" : "recreate it at the root of the kernel's tree"
      all.append(Reason("\(what): \(why); `git apply -p\(strip)` takes it; \(next)"))
      all.append(Reason("git: \(place)"))
    } else {
      all.append(Reason("\(what): \(place)"))
    }
    if let difference = diagnosis.mismatch?.words { all.append(difference) }
    if !diagnosis.takers.isEmpty {
      let list = diagnosis.takers.map { "`\($0)`" }.joined(separator: " and ")
      all.append(
        Reason("\(list) would take it, but may put it in the wrong place: rebase the series and look at this hunk"))
    }
    if let kernel = diagnosis.madeFrom { all.append(Reason("it was made from the files of \(kernel)")) }
    if let commit = diagnosis.baseCommit { all.append(Reason("the series names its base: base-commit \(commit)")) }
    if !diagnosis.kernels.isEmpty {
      all.append(Reason("the series applies to \(diagnosis.kernels.joined(separator: ", "))"))
    } else if !diagnosis.triedKernels.isEmpty {
      all.append(Reason("the series does not apply to \(diagnosis.triedKernels.joined(separator: ", ")) either"))
    }
    all += diagnosis.warnings.map { Reason("git warns: \($0)") }
    return all
  }
}

extension HunkMismatch {
  /// `drivers/dma-buf/dma-buf.c:156`: the patch expects … here, the kernel has …
  var words: Reason? {
    guard let first else { return nil }
    if found.isEmpty {
      let text = expected.first { $0.contains { !$0.isWhitespace } } ?? ""
      return Reason(
        "\(file):\(line)", "the kernel has nothing like the lines that the patch expects, from \(Self.quoted(text)) on")
    }
    let (expected, found) = (Self.quoted(first.expected), Self.quoted(first.found))
    let hint = expected == found ? " (they differ in white space only)" : ""
    return Reason("\(file):\(first.line)", "the patch expects \(expected), the kernel has \(found)\(hint)")
  }

  private static func quoted(_ text: String?) -> String {
    guard let text else { return "the end of the file" }
    let plain = text.drop { $0 == " " || $0 == "\t" }
    return plain.isEmpty ? "an empty line" : "`\(plain.prefix(160))`"
  }
}
