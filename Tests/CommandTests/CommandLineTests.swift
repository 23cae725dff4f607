// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing

@testable import patchbench

@Suite("Mistakes on the command line") struct CommandLineTests {
  private func message(_ arguments: [String]) throws -> String {
    do {
      _ = try Patchbench.parseAsRoot(arguments)
      return "none"
    } catch { return Patchbench.message(for: error) }
  }

  @Test(
    "a negative number is a value, and the message says what is allowed",
    arguments: [
      (["run", "x", "--repeat", "-1"], "--repeat must be at least 1."),
      (["run", "x", "--retries", "-1"], "--retries must be at least 0."),
      (["run", "x", "--jobs", "-1"], "--jobs must be at least 1."),
      (["run", "x", "--memory", "-1"], "--memory must be at least 1024 MiB, for one guest and its kernel."),
      (["run", "x", "--build-limit", "-1"], "--build-limit must be more than 0 minutes."),
      (["resume", "x", "--jobs", "-2"], "--jobs must be at least 1."),
      (["resume", "x", "--memory", "-2"], "--memory must be at least 1024 MiB, for one guest and its kernel."),
      (["mutants", "--count", "-1"], "--count must be at least 1."),
      (["mutants", "--seed", "-1"], "it must be a whole number of at least 0"),
      (["trial", "x", "--output", "y", "--jobs", "-1"], "--jobs must be at least 1."),
      (["cache", "prune", "--days", "-1"], "--days must be at least 0."),
      (["bench", "--pairs", "-1"], "--pairs must be at least 1."),
      (["bench", "--jobs", "-1"], "--jobs must be at least 1."),
      (["faults", "--kills", "-1"], "--kills must be at least 1."),
      (["archive", "x", "--jobs", "-1"], "--jobs must be at least 1."),
      (["bisect", "--resume", "x", "--jobs", "-1"], "--jobs must be at least 1."),
    ])
  func negative(arguments: [String], expected: String) throws {
    let message = try message(arguments)
    #expect(message.contains(expected))
    #expect(!message.contains("Missing value"))
  }

  @Test("a value that is really missing is said to be")
  func missing() throws {
    #expect(try message(["run", "x", "--repeat"]).contains("Missing value for '--repeat <n>'"))
  }

  @Test(
    "a word that is no command leads to the one that was meant",
    arguments: [
      (["rnu", "series"], "`run`"), (["runn", "--help"], "`run`"), (["resmue", "x"], "`resume`"),
      (["sefcheck"], "`selfcheck`"),
      (["mut"], "`mutants`"), (["cache", "prun"], "`prune`"),
    ])
  func slips(arguments: [String], meant: String) throws {
    let failure = try #require(CommandNames.failure(arguments))
    #expect(failure.message == "there is no command “\(arguments[arguments[0] == "cache" ? 1 : 0])”")
    #expect(failure.advice?.hasPrefix("did you mean \(meant)?") == true)
    #expect(failure.status == 2)
  }

  @Test(
    "a bisection names its range, or the one to continue",
    arguments: [
      (["--tree", "t", "--good", "a"], "Name both --good and --bad"), (["--good", "a", "--bad", "b"], "--tree"),
      (["--tree", "t", "--kernel", "k", "--good", "a", "--bad", "b"], "Name either --tree"),
      (["--resume", "x", "--good", "a"], "--resume continues with the same range"),
      (["--resume", "x", "--output", "y"], "--resume continues with the same range"),
      (["--tree", "t", "--good", "a", "--bad", "b"], "none"), (["--resume", "x"], "none"),
    ])
  func bisection(arguments: [String], expected: String) throws {
    #expect(try message(["bisect"] + arguments).contains(expected))
  }

  @Test("a series without a command was meant for run")
  func path() throws {
    #expect(CommandNames.failure(["/tmp"])?.advice?.hasPrefix("did you mean `patchbench run /tmp`?") == true)
    #expect(CommandNames.failure(["nothing-like-it"])?.advice == "`patchbench --help` lists all commands")
  }

  @Test(
    "commands, options and help are not mistakes",
    arguments: [
      [], ["run", "rnu"], ["--help"], ["help", "run"], ["cache"], ["cache", "prune"], ["cache", "--json"],
      ["cache", "show"],
    ])
  func right(arguments: [String]) { #expect(CommandNames.failure(arguments) == nil) }

  @Test("progress is for people unless it is asked for as JSON")
  func progress() throws {
    for line in [["run", "x"], ["resume", "x"], ["selfcheck"], ["mutants"]] {
      defer { Output.form = .text }
      #expect(try message(line + ["--progress", "json"]) == "none")
      #expect(try message(line + ["--progress", "json", "--quiet"]).contains("takes neither --quiet nor --verbose"))
      #expect(try message(line + ["--progress", "json", "--verbose"]).contains("takes neither --quiet nor --verbose"))
      #expect(try message(line + ["--progress", "xml"]).contains("xml"))
    }
    #expect(try RunCommand.parse(["x"]).common.progress == .text)
  }

  @Test("status lines overwrite each other, and are removed")
  func block() {
    var block = StatusBlock()
    #expect(block.clear() == "")
    #expect(block.show(["a", "b"], height: 24) == "\r\u{1b}[Ka\n\u{1b}[Kb\u{1b}[J")
    #expect(block.show(["c"], height: 24) == "\r\u{1b}[1A\u{1b}[Kc\u{1b}[J")
    #expect(block.show(["1", "2", "3", "4"], height: 4) == "\r\u{1b}[K1\n\u{1b}[K2\n\u{1b}[Kand 2 more\u{1b}[J")
    #expect(block.clear() == "\r\u{1b}[2A\u{1b}[J")
    #expect(block.show([], height: 24) == "")
    _ = block.show(["a", "b"], height: 24)
    block.forget()
    #expect(block.show(["c"], height: 24) == "\r\u{1b}[Kc\u{1b}[J")
  }
}
