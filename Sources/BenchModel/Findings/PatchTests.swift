// SPDX-License-Identifier: Apache-2.0

/// What the tests say between the patches of a series: with its first patch, with its first two, ….
public struct PatchTests: Codable, Sendable, Hashable {
  /// Whether all tests were to run, or only a few that run what changed.
  public var isWhole: Bool
  /// One for each patch but the last, in order.
  public var steps: [Step]
  /// What is worse than on the base between two patches, and not with the whole series.
  public var breaks: [BisectionBreak]

  public init(isWhole: Bool, steps: [Step], breaks: [BisectionBreak]) {
    self.isWhole = isWhole
    self.steps = steps
    self.breaks = breaks
  }

  /// Whether the harness failed somewhere, so that another run may find out more.
  public var hasFault: Bool { steps.contains { if case .fault = $0.outcome { true } else { false } } }

  /// The series up to one of its patches.
  public struct Step: Codable, Sendable, Hashable {
    /// The number of the last patch, from 1.
    public var number: Int
    public var outcome: Outcome

    public init(number: Int, outcome: Outcome) {
      self.number = number
      self.outcome = outcome
    }
  }

  public enum Outcome: Codable, Sendable, Hashable {
    /// So many tests were to run.
    case ran(tests: Int)
    /// The compiled code is the base's.
    case sameCode
    /// The patch changes nothing that is compiled.
    case unchanged
    /// The patches after it change nothing that is compiled.
    case asWhole
    /// It was not tried, for this reason.
    case left(String)
    /// The kernel does not build or boot: `does not build: …`.
    case failed(String)
    /// The harness failed; the series is not to blame.
    case fault(String)
  }
}

/// A patch that makes something worse than on the base, and a later patch of the same series that cures it. `git bisect`
/// may stop between the two.
public struct BisectionBreak: Codable, Sendable, Hashable {
  /// The number of the first patch with which it is worse, from 1.
  public var number: Int
  /// The number of the last patch before that with which it is not worse; 0 is the base. If it is not the one before,
  /// the patches between give no answer.
  public var lastGood: Int
  /// The number of the last patch with which it is known to be worse.
  public var lastBad: Int
  /// The number of the first patch after that with which it is not worse.
  public var cure: Int
  public var symptom: Symptom

  public init(number: Int, lastGood: Int, lastBad: Int, cure: Int, symptom: Symptom) {
    self.number = number
    self.lastGood = lastGood
    self.lastBad = lastBad
    self.cure = cure
    self.symptom = symptom
  }

  /// What is worse.
  public struct Symptom: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
      case test
      /// A kernel report that the base does not have.
      case report
      /// The kernel does not build, boot, or run to the end of its tests.
      case kernel
    }

    public var kind: Kind
    /// The test, the report's title, or what the kernel does: `does not boot: …`.
    public var name: String
    /// The test that was running when the kernel reported it; `nil` for anything else.
    public var test: String?
    /// How many other tests are worse in the same way.
    public var alike: Int

    public init(kind: Kind, name: String, test: String? = nil, alike: Int = 0) {
      self.kind = kind
      self.name = name
      self.test = test
      self.alike = alike
    }
  }
}
