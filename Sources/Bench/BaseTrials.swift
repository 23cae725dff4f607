import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import SystemPackage

/// The results of bases that were kept: what the unpatched kernel says is the same for every series, as long as
/// nothing that could change it does.
struct BaseTrials: Sendable {
  var cache: Cache
  /// A digest over the base's key, the guest binary, the emulator and the accelerator.
  var key: String

  private static let evidence = ["console.log", "results.ktap"]
  private var directory: FilePath { cache.root.appending("trials").appending(key) }

  /// The kept trial, marked as reused, with its evidence copied to `directory`.
  func reuse(evidence target: FilePath) throws -> Trial? {
    let manager = FileManager.default
    guard let data = manager.contents(atPath: directory.appending("trial.json").string),
      var trial = try? JSONDecoder().decode(Trial.self, from: data)
    else { return nil }
    for name in Self.evidence {
      let copy = target.appending(name).string
      if manager.fileExists(atPath: copy) { try manager.removeItem(atPath: copy) }
      try manager.copyItem(atPath: directory.appending(name).string, toPath: copy)
    }
    trial.reused = true
    return trial
  }

  /// Keeps a trial that can serve as a base again: one that came to its end with its evidence whole. Written beside
  /// its place and moved there, so that another run sees all of it or nothing.
  func keep(_ trial: Trial, evidence source: FilePath) throws {
    guard case .ran(let run) = trial.result, run.ending == .completed, run.anomalies.isEmpty,
      !run.tests.contains(where: { $0.status == .missing })
    else { return }
    let manager = FileManager.default
    let partial = cache.root.appending("work").appending("trial-\(UUID().uuidString)")
    try manager.createDirectory(atPath: partial.string, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: partial.string) }
    for name in Self.evidence {
      try manager.copyItem(atPath: source.appending(name).string, toPath: partial.appending(name).string)
    }
    try JSONEncoder().encode(trial).write(to: URL(filePath: partial.appending("trial.json").string))
    try? manager.removeItem(atPath: directory.string)
    // Another run may have put its own, equal one there in between; then ours is not needed.
    try? manager.moveItem(atPath: partial.string, toPath: directory.string)
  }
}
