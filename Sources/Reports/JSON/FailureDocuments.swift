// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// A patch that git rejected.
struct ApplyFailureDocument: Encodable {
  var patch: String
  @ExplicitNull var file: String?
  @ExplicitNull var hunk: Int?
  var message: String
  @ExplicitNull var diagnosis: DiagnosisDocument?

  /// Why git rejected it, and what would take it.
  struct DiagnosisDocument: Encodable {
    var contained: Bool
    @ExplicitNull var strip: Int?
    @ExplicitNull var madeFrom: String?
    var takers: [String]
    @ExplicitNull var mismatch: MismatchDocument?
    @ExplicitNull var baseCommit: String?
    var kernels: [String]
    var triedKernels: [String]
    var warnings: [String]
  }

  /// The lines that a hunk expects, and those that the kernel has.
  struct MismatchDocument: Encodable {
    var file: String
    var line: Int
    var expected: [String]
    var found: [String]
  }

  init(_ failure: ApplyFailure) {
    patch = failure.patch.file
    file = failure.file
    hunk = failure.hunk
    message = failure.message
    diagnosis = failure.diagnosis.map { diagnosis in
      DiagnosisDocument(
        contained: diagnosis.isContained, strip: diagnosis.strip, madeFrom: diagnosis.madeFrom,
        takers: diagnosis.takers,
        mismatch: diagnosis.mismatch.map {
          MismatchDocument(file: $0.file, line: $0.line, expected: $0.expected, found: $0.found)
        }, baseCommit: diagnosis.baseCommit, kernels: diagnosis.kernels, triedKernels: diagnosis.triedKernels,
        warnings: diagnosis.warnings)
    }
  }
}

/// A build that ended with an error.
struct BuildFailureDocument: Encodable {
  var diagnostics: [DiagnosticDocument]
  var tail: [String]
  @ExplicitNull var after: PlaceDocument?

  struct PlaceDocument: Encodable {
    var number: Int
    var count: Int
    var subject: String
    var patch: String
  }

  init(_ failure: BuildFailure) {
    diagnostics = failure.diagnostics.map(DiagnosticDocument.init)
    tail = failure.tail
    after = failure.after.map {
      PlaceDocument(number: $0.number, count: $0.count, subject: $0.subject, patch: $0.patch)
    }
  }
}

/// An error or a warning of the build.
struct DiagnosticDocument: Encodable {
  @ExplicitNull var file: String?
  @ExplicitNull var line: Int?
  var message: String
  @ExplicitNull var patch: String?
  @ExplicitNull var tool: String?

  init(_ diagnostic: Diagnostic) {
    tool = diagnostic.tool
    file = diagnostic.file
    line = diagnostic.line
    message = diagnostic.message
    patch = diagnostic.patch
  }
}
