// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// What a reader can narrow a page down to: one verdict, one question, one pair. Each choice is a radio button, and a
/// rule of the page's style hides the rest, so no script is needed.
struct HTMLFilters {
  /// Those with at least two choices.
  var filters: [HTMLFilter]
  /// The rules of the style, in CSS. They are made of numbers and of our own words only.
  var rules: [String]

  /// - Parameters:
  ///   - shown: all series of the page.
  ///   - ran: those with a column in the tables, in the order of the columns.
  init(_ shown: [SeriesAnswer], _ ran: [SeriesAnswer], _ classes: HTMLClasses) {
    let verdicts = shown.map(\.judgement.verdict).grouped(by: \.self).map(\.key)
    let all: [(filter: HTMLFilter, hides: (Int) -> [String])] = [
      (
        HTMLFilter("verdict", "Verdict", verdicts.map(\.rawValue)),
        { place in
          let verdict = verdicts[place - 1]
          // The tables begin with a question and the base's answer.
          let columns = ran.indices.filter { ran[$0].judgement.verdict != verdict }
          return [".judged:not(.\(verdict.rawValue))"] + columns.map { ".grid tr > :nth-child(\($0 + 3))" }
        }
      ),
      (HTMLFilter("question", "Question", classes.questions), { [".asked:not(.q\($0))"] }),
      (HTMLFilter("pair", "Pair", classes.subjects), { [".asked:not(.p\($0))"] }),
    ].filter { $0.filter.options.count > 2 }
    filters = all.map(\.filter)
    rules = all.flatMap { filter, hides in
      filter.options.dropFirst().map { choice in
        let chosen = "main:has(#\(choice.choiceID):checked)"
        return hides(choice.place).map { "\(chosen) \($0)" }.joined(separator: ", ") + " { display: none; }"
      }
    }
  }
}

/// The radio buttons of one kind.
struct HTMLFilter {
  var group: String
  var legend: String
  /// The first is everything.
  var options: [HTMLChoice]

  /// - Parameters:
  ///   - group: the name of the buttons.
  ///   - words: the choices other than everything.
  init(_ group: String, _ legend: String, _ words: [String]) {
    self.group = group
    self.legend = legend
    options = (["all"] + words).enumerated().map { place, word in
      HTMLChoice(place: place, choiceID: "only-\(group)-\(place)", optionWord: visible(word), isAll: place == 0)
    }
  }
}

struct HTMLChoice {
  var place: Int
  var choiceID: String
  var optionWord: String
  var isAll: Bool
}

/// The numbers of the questions and pairs that a page has something to say about, as classes.
struct HTMLClasses {
  /// In the order of their first test; question `n` has the class `qn`, from 1 on.
  var questions: [String] = []
  /// Of whom they are asked, such as pairs of drivers; number `n` has the class `pn`.
  var subjects: [String] = []
  private var numbers: [String: (question: Int, subject: Int)] = [:]

  /// - Parameter tests: the names of the tests that the page shows one by one, in the order of the plan.
  init(_ tests: [String]) {
    for test in tests where numbers[test] == nil {
      let name = TestName(test)
      numbers[test] = (Self.number(name.question, &questions), Self.number(name.subject, &subjects))
    }
  }

  /// Returns the classes of what shows these tests.
  func text(_ tests: some Sequence<String>) -> String {
    let known = tests.compactMap { numbers[$0] }
    let questions = Set(known.map(\.question)).sorted().map { " q\($0)" }
    let subjects = Set(known.map(\.subject)).subtracting([0]).sorted().map { " p\($0)" }
    return "asked" + (questions + subjects).joined()
  }

  /// - Returns: 0 for an empty text.
  private static func number(_ text: String, _ list: inout [String]) -> Int {
    if text.isEmpty { return 0 }
    if let known = list.firstIndex(of: text) { return known + 1 }
    list.append(text)
    return list.count
  }
}
