// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// What a test asks and of whom: `forward/virtio_gpu-to-vgem/vm-file`.
public struct TestName: Sendable, Hashable {
  /// The question: `forward/*/vm-file`.
  public var question: String
  /// Of whom it is asked, such as a pair of drivers; empty if the question is asked once.
  public var subject: String

  /// Takes a test's name apart.
  public init(_ name: String) {
    let parts = name.split(separator: "/")
    guard parts.count > 2 else {
      question = name
      subject = ""
      return
    }
    subject = parts[1..<(parts.count - 1)].joined(separator: "/")
    question = "\(parts[0])/*/\(parts[parts.count - 1])"
  }
}

/// The answers to one question.
public struct QuestionAnswers: Codable, Sendable, Hashable {
  /// How the tests that ask it compare with the base, summed up.
  public enum State: String, Codable, Sendable, Hashable {
    /// As they must be, and as on the base.
    case fine
    /// Some are worse than on the base.
    case worse
    /// None is worse, and some that failed on the base do not fail any more.
    case fixed
    /// What fails on the base fails here, too.
    case failing
    /// None is worse, and some differ by design.
    case differs
    /// Some gave no answer that counts, and none of the above holds.
    case open
    /// It was not asked.
    case notAsked = "not-asked"
  }

  /// The weightiest answer.
  public var state: State
  /// The tests of which `state` holds.
  public var count: Int
  /// The tests that ask the question here.
  public var of: Int
}

/// All questions of a run, and each series' answers.
public struct Questions: Sendable, Hashable {
  /// One question.
  public struct Row: Sendable, Hashable {
    /// `forward/*/vm-file`
    public var key: String
    /// In words; empty if they are not known.
    public var words: String
    /// The tests that ask it, in the order of the plan.
    public var tests: [String]
    /// How many of them fail on the base.
    public var failingOnBase: Int
    /// In the order of the judgements.
    public var answers: [QuestionAnswers]
    /// The same of those tests only that fail on the base.
    public var ofFailing: [QuestionAnswers]
  }

  /// In the order of the plan.
  public var rows: [Row]

  /// - Parameters:
  ///   - base: the base's results.
  ///   - words: the question of each test.
  public init(_ judgements: [Judgement], base: GuestRun?, words: [String: String]) {
    var seen: Set<String> = []
    let names = (base?.tests.map(\.name) ?? []) + judgements.flatMap { $0.tests.map(\.name) }
    let asked = names.filter { seen.insert($0).inserted }.grouped { TestName($0).question }
    let onBase = Dictionary(base?.tests.map { ($0.name, $0.musts.isBad) } ?? [], uniquingKeysWith: { a, _ in a })
    let compared = judgements.map { judgement in
      Dictionary(judgement.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    rows = asked.map { key, asking in
      Row(
        key: key, words: asking.lazy.compactMap { words[$0] }.first ?? "", tests: asking,
        failingOnBase: asking.count { onBase[$0] == true },
        answers: compared.map { byName in QuestionAnswers(asking.compactMap { byName[$0] }) },
        ofFailing: compared.map { byName in
          QuestionAnswers(asking.filter { onBase[$0] == true }.compactMap { byName[$0] })
        })
    }
  }
}

extension QuestionAnswers {
  init(_ tests: [TestComparison]) {
    let states = tests.map(Self.state)
    let weight: [State] = [.worse, .open, .fixed, .failing, .differs, .fine]
    let state = weight.first(where: states.contains) ?? .notAsked
    self.init(state: state, count: states.count { $0 == state }, of: tests.count)
  }

  private static func state(_ test: TestComparison) -> State {
    if test.isWorse { return .worse }
    return switch test.change {
    case .fixed: .fixed
    case .differs: .differs
    case .flaky, .missing: .open
    case .same where test.isBad: .failing
    case .same where !test.series.isAnswer: .notAsked
    case .same, .new, .regressed: .fine
    }
  }
}
