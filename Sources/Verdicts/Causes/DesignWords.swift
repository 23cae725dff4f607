// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

extension Design {
  /// The question of the thread "Changing vma->vm_file in dma_buf_mmap()" (September 2020) that a series answers in its
  /// own way where its answer to this differs.
  public var question: String {
    switch self {
    case .file: "Which file is a mapping linked to?"
    case .offset: "At which offset is it linked to that file?"
    case .addressSpace: "On which address space is it found?"
    case .reference: "Which file keeps the buffer for a mapping, and from when on?"
    case .flags: "May a mapping be made executable?"
    }
  }
}

extension Judgement {
  /// The tests in which the series answers a question of design in another way than the base, by question, whatever else
  /// these tests show.
  public var differences: [(design: Design, tests: [TestComparison])] {
    Design.allCases.compactMap { design in
      let differing = tests.filter { $0.differences.contains { $0.design == design } }
      return differing.isEmpty ? nil : (design, differing)
    }
  }
}
