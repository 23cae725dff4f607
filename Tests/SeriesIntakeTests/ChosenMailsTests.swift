// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import SeriesIntake

@Suite struct ChosenMailsTests {
  private func mails(_ subjects: [String]) -> [RawMail] {
    subjects.enumerated().map { number, subject in
      RawMail(
        FilePath("/\(number)"), from: MailFile("/t"), number: number + 1,
        headers: MailHeaders("Subject: \(subject)\n".utf8))
    }
  }

  private func split(_ subjects: [String], isMailbox: Bool) -> SplitMails {
    SplitMails(mails: mails(subjects), isMailbox: isMailbox)
  }

  private static let cases: [(subjects: [String], directory: [String]?, mailbox: [String]?)] = [
    (["[PATCH 2/2] b", "[PATCH 1/2] a"], ["a", "b"], ["a", "b"]),
    (["[PATCH 0/1] c", "[PATCH 1/1] a"], ["a"], ["a"]),
    (["[PATCH] a", "[PATCH] b"], ["a", "b"], ["a", "b"]),
    (["[PATCH] a", "Re: [PATCH] a"], nil, nil),
    (["[PATCH] a", "[PATCH] a"], nil, nil),
    (["[PATCH 1/1] a", "[PATCH v2 1/1] b"], ["a", "b"], nil),
    (["[PATCH 1/1] a", "[PATCH v2 1/1] a"], nil, nil),
    (["[PATCH] a", "[PATCH v2] b"], ["a", "b"], nil),
    (["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH] c"], ["a", "b", "c"], nil),
    (["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH 1/1] c"], ["a", "b", "c"], nil),
  ]

  @Test(arguments: cases) func subjectsChooseIfTheyLeaveNoDoubt(
    _ subjects: [String], _ directory: [String]?, _ mailbox: [String]?
  ) {
    for (isMailbox, wanted) in [(false, directory), (true, mailbox)] {
      let chosen = ChosenMails.bySubjects(split(subjects, isMailbox: isMailbox))
      #expect(chosen?.patches.map(\.tag.title) == wanted)
    }
  }

  /// Without b4's help.
  @Test func theNumbersFindTheNewestVersion() {
    let all = mails([
      "Re: [PATCH v3 1/2] a", "[PATCH v2 2/2] b2", "[PATCH v2 0/2] c", "[PATCH 1/2] a1", "[PATCH v2 1/2] a2",
      "[PATCH 2/2] b1", "[PATCH v2 1/2] again", "other",
    ])
    #expect(ChosenMails.newest(all).patches.map(\.tag.title) == ["a2", "b2"])
    #expect(ChosenMails.newest(all).cover?.tag.title == "c")
    #expect(ChosenMails.newest(all, version: 1).patches.map(\.tag.title) == ["a1", "b1"])
    #expect(ChosenMails.newest(mails(["Re: x", "x"])).patches.map(\.tag.title) == ["x"])
  }

  @Test(arguments: [
    (["[PATCH 1/3] a", "[PATCH 3/3] c"], ["2/3"]), (["[PATCH 2/3] b"], ["1/3", "3/3"]), (["[PATCH] a", "x"], []),
    (["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH v2 2/2] x"], ["1/2"]),
    (["[PATCH 6/5] a"], ["1/5", "2/5", "3/5", "4/5", "5/5"]),
    (["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH 1/1] c"], []), (["[PATCH 1/0] a"], []),
    // A series that is partly sent again.
    (["[PATCH 1/2] a", "[PATCH v2 2/2] b"], []),
  ]) func gapsAreMissing(_ subjects: [String], _ missing: [String]) {
    #expect(ChosenMails(patches: mails(subjects)).missing == missing)
  }
}
