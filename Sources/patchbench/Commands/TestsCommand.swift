// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import Verdicts

struct TestsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tests",
    abstract: "List the tests that run in the guest, each with the question that it answers.",
    discussion: """
        patchbench tests                list all
        patchbench tests vma scale      list those whose name contains one of these words
        patchbench tests --json
      """)

  @Argument(help: ArgumentHelp("List only tests whose name contains this word. Default: all tests.", valueName: "word"))
  var words: [String] = []

  @Flag(help: "Print JSON on standard output.")
  var json = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let checkout = try common.checkout()
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    var listing = try await TestListing.read(from: checkout.guestBinary)
    if !words.isEmpty { listing.entries.removeAll { entry in !words.contains { entry.name.contains($0) } } }
    if listing.entries.isEmpty {
      throw Failure(
        "no test has “\(words.joined(separator: "” or “"))” in its name", advice: "`patchbench tests` lists all tests",
        status: ExitStatus.usage)
    }
    if json {
      Output.result(try JSONText.of(listing.entries))
    } else {
      let width = listing.entries.map(\.name.count).max() ?? 0
      let lines = listing.entries.map { entry in
        entry.name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + entry.question
      }
      Output.result(lines.joined(separator: "\n"))
      Output.note("\(listing.entries.count) tests")
    }
  }
}
