// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import SeriesIntake

@Suite struct GitBundleTests {
  @Test func aBundleIsASeries() async throws {
    let repository = try await SmallRepository()
    let bundle = repository.scratch.path.appending("x.dat")
    // The reader's repository has the base only.
    let reader = repository.scratch.path.appending("reader").string
    try await repository.git("clone", "-q", "--bare", "--branch", "v6.12", "--single-branch", ".", reader)
    try await repository.git("bundle", "create", "-q", bundle.string, "v6.12..my/topic")
    let series = try await repository.read("\(reader):\(bundle)")
    #expect(series.patches.map(\.subject) == ["first: é", "second"])
    #expect(series.name == "x")
    #expect(series.origin?.baseCommit == (try await repository.git("rev-parse", "v6.12")))
  }

  @Test func aBundleWithoutItsBaseIsRefused() async throws {
    let repository = try await SmallRepository()
    let bundle = repository.scratch.path.appending("x.dat").string
    try await repository.git("bundle", "create", "-q", bundle, "v6.12..my/topic")
    #expect(throws: IntakeError.noRepository(bundle)) { try SeriesForms.find([bundle]) }
    let base = try await repository.git("rev-parse", "v6.12")
    let stranger = repository.scratch.path.appending("stranger")
    try await repository.git("init", "-q", "--bare", stranger.string)
    let text = "\(stranger):\(bundle)"
    await #expect(
      throws: IntakeError.badRange(text, reason: "the bundle is based on commit \(base), which is not in \(stranger)")
    ) { _ = try await repository.read(text) }
  }

  @Test func aBundleOfSeveralBranchesOrOfEverythingIsRefused() async throws {
    let repository = try await SmallRepository()
    try await repository.git("branch", "other", "my/topic~")
    let bundle = repository.scratch.path.appending("x.dat").string
    for (arguments, words) in [
      (["v6.12..my/topic", "other"], "several branches: refs/heads/my/topic, refs/heads/other"),
      (["my/topic"], "a whole history"),
    ] {
      try? FileManager.default.removeItem(atPath: bundle)
      try await repository.git(["bundle", "create", "-q", bundle] + arguments)
      let error = await #expect(throws: IntakeError.self) {
        _ = try await repository.read("\(repository.path):\(bundle)")
      }
      #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
  }
}
