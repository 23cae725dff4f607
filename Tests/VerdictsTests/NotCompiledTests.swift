// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import Verdicts

@Suite("What is not compiled has a reason and a next step")
struct NotCompiledTests {
  private func judged(_ change: CodeChange, paths: [String]) -> Judgement {
    let patch = Patch(subject: "s", author: "a", file: "0001.patch", paths: paths)
    return judge(
      PatchSeries(name: "s", patches: [patch]), trial: trial(.sameCode, change: change), base: nil)
  }

  @Test(arguments: [
    (nil, "a.c: changed, but this configuration does not compile it"),
    (
      NotCompiledCause.option("CONFIG_DMABUF_MAPLOG", isNew: true),
      "a.c: changed, but CONFIG_DMABUF_MAPLOG, which the series adds, is off, so it is not compiled: run it with "
        + "--series-config CONFIG_DMABUF_MAPLOG=y"
    ),
    (
      .option("CONFIG_GPU", isNew: false),
      "a.c: changed, but CONFIG_GPU is off, so it is not compiled: put CONFIG_GPU=y into a config fragment of the profile"
    ),
    (
      .architecture("arm64"),
      "a.c: changed, but it is code of another architecture (arm64), which this profile does not compile"
    ),
    (.noMakefile, "a.c: changed, but no Makefile names it, so it is not compiled"),
    (.notIncluded, "a.c: changed, but nothing that is compiled here includes it"),
  ])
  func causes(cause: NotCompiledCause?, words: String) {
    var change = CodeChange(notCompiled: ["a.c"])
    change.causes = cause.map { ["a.c": $0] }
    let judgement = judged(change, paths: ["a.c"])
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.reasons.map(\.description) == [words])
  }

  @Test(
    "another profile that compiles it is named",
    arguments: [
      (["modules"], "; the profile modules compiles it: --profile modules"),
      (["clang", "i386"], "; the profiles clang, i386 compile it: --profile clang"), ([], ""),
    ])
  func elsewhere(profiles: [String], words: String) {
    var change = CodeChange(notCompiled: ["a.c"])
    change.causes = ["a.c": .noMakefile]
    change.elsewhere = ["a.c": profiles, "b.c": ["nommu"]]
    #expect(
      judged(change, paths: ["a.c"]).reasons.map(\.description)
        == ["a.c: changed, but no Makefile names it, so it is not compiled\(words)"])
  }

  @Test("what is no part of the kernel does not make a verdict inconclusive")
  func aside() {
    var change = CodeChange()
    change.aside = ["Documentation/a.rst", "tools/testing/selftests/x/y.c"]
    let judgement = judged(change, paths: ["Documentation/a.rst"])
    #expect(judgement.verdict == .clean)
    #expect(
      judgement.reasons.map(\.description)
        == ["it changes only documentation, no part of the kernel: there was nothing to boot"])
    #expect(
      judged(change, paths: change.aside!).reasons.map(\.description)
        == [
          "it changes only documentation and programs under tools/, no part of the kernel: there was nothing to boot"
        ])
    #expect(
      judged(change, paths: ["mm/a.c", "Documentation/a.rst"]).reasons.map(\.description)
        == ["no compiled change: there was nothing to boot"])
  }

  @Test("a file under another name is the same code")
  func moved() {
    var change = CodeChange()
    change.moved = ["drivers/user-dma-buf.c": "drivers/udmabuf.c"]
    let judgement = judged(change, paths: ["drivers/udmabuf.c", "drivers/user-dma-buf.c", "drivers/Makefile"])
    #expect(judgement.verdict == .clean)
    #expect(
      judgement.reasons.map(\.description) == [
        "same functions, same code, under another file name (drivers/udmabuf.c is now drivers/user-dma-buf.c): there "
          + "was nothing to boot"
      ])
  }

  @Test(
    "the option that a condition needs",
    arguments: [
      ("#ifdef CONFIG_A", "CONFIG_A"), ("#if IS_ENABLED(CONFIG_A)", "CONFIG_A"), ("#if defined(CONFIG_A)", "CONFIG_A"),
      ("#if defined CONFIG_A", "CONFIG_A"), ("IS_ENABLED(CONFIG_A)", "CONFIG_A"),
      ("#elif defined(CONFIG_A)", "CONFIG_A"),
      ("#ifdef CONFIG_A, else", nil), ("#ifndef CONFIG_A", nil), ("#if !IS_ENABLED(CONFIG_A)", nil), ("#if 0", nil),
      ("#if defined(CONFIG_A) && X", nil), ("the compiler drops it in this configuration", nil),
    ])
  func option(condition: String, option: String?) {
    #expect(CodeChange.option(in: condition) == option)
  }

  @Test("the options that lines depend on are named once, those that the series adds apart")
  func advice() {
    var change = CodeChange()
    change.addedOptions = ["CONFIG_NEW"]
    let conditions = ["#ifdef CONFIG_B", "#ifdef CONFIG_A", "IS_ENABLED(CONFIG_NEW)", "#ifdef CONFIG_A", "#if 0"]
    let fates = conditions.enumerated().map {
      LineFate(
        ChangedLine(file: "a.c", number: $0.offset, text: "x", place: .notCompiled($0.element)), nil, accepted: [])
    }
    #expect(
      change.optionAdvice(fates).map(\.description) == [
        "CONFIG_A, CONFIG_B, CONFIG_NEW are off, so changed lines were never compiled: put CONFIG_A=y, CONFIG_B=y into a config fragment of the profile, and "
          + "run it with --series-config CONFIG_NEW=y"
      ])
    #expect(change.optionAdvice([]).isEmpty)
  }
}
