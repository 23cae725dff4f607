// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Toolbox

/// A program that reads source code and says what looks wrong in it. What it says of a series and does not say of the
/// base is told as a warning; no verdict depends on it.
public struct SourceCheck: Sendable, Hashable {
  /// What it is run on.
  enum Way: Sendable, Hashable {
    /// The touched sources, by kbuild, with these variables.
    case kbuild([String])
    /// The touched sources, which follow these words of a command. `JOBS` in its environment is how many processes may
    /// run at once.
    case sources([String])
    /// The patches, which follow these words of a command.
    case patches([String])
  }

  /// As in `kernel.yaml` and in reports.
  public var name: String
  /// The program that has to be installed.
  public var program: String
  /// The Debian package that provides it.
  public var package: String
  var way: Way

  /// - Throws: ``StageError`` if its program is not installed.
  func require() throws {
    if Tool.path(of: program) != nil { return }
    throw StageError.fault(
      .build, "\(program) is not installed, with which this profile checks sources (\(name))",
      advice: "`apt-get install \(package)` installs it")
  }

  /// All that a profile can name.
  public static let all = [moreWarnings, sparse, coccinelle, checkpatch]

  /// gcc's warnings that are off by default, and kernel-doc's (`scripts/Makefile.extrawarn`).
  static let moreWarnings = SourceCheck(name: "W=1", program: "gcc", package: "gcc", way: .kbuild(["W=1"]))

  /// Address spaces, lock contexts and endianness (`Documentation/dev-tools/sparse.rst`).
  static let sparse = SourceCheck(name: "sparse", program: "sparse", package: "sparse", way: .kbuild(["C=2"]))

  /// The kernel's own semantic patches (`Documentation/dev-tools/coccinelle.rst`), except for two that need an OCaml
  /// compiler, with which `make coccicheck` ends at the first of them. `C=2` makes coccicheck read one file.
  static let coccinelle = SourceCheck(
    name: "coccinelle", program: "spatch", package: "coccinelle",
    way: .sources([
      "/bin/sh", "-c",
      """
      export C=2 MODE=report srctree=. objtree=. LINUXINCLUDE=-I./include
      rules=$(grep -rLE '^@.*:ocaml' --include='*.cocci' scripts/coccinelle | sort)
      [ -n "$rules" ] || { echo "there are no rules under scripts/coccinelle"; exit 2; }
      for source; do
        echo "$rules" | xargs -P"$JOBS" -I{} env COCCI={} /bin/bash scripts/coccicheck "$source" || status=1
      done
      exit ${status:-0}
      """, "sh",
    ]))

  /// Style (`Documentation/dev-tools/checkpatch.rst`). It gets diffs without their mails, so it is not asked for
  /// sign-offs.
  static let checkpatch = SourceCheck(
    name: "checkpatch", program: "perl", package: "perl",
    way: .patches([
      "perl", "scripts/checkpatch.pl", "--terse", "--showfile", "--show-types", "--no-summary", "--no-signoff", "--",
    ]))
}
