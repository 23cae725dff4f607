// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// Wall time of each step, and of some steps together.
struct SecondsDocument: Encodable {
  @ExplicitNull var apply: Double?
  @ExplicitNull var configure: Double?
  @ExplicitNull var compile: Double?
  @ExplicitNull var link: Double?
  @ExplicitNull var build: Double?
  @ExplicitNull var examine: Double?
  @ExplicitNull var start: Double?
  @ExplicitNull var boot: Double?
  @ExplicitNull var tests: Double?
  @ExplicitNull var collect: Double?
  @ExplicitNull var base: Double?
  @ExplicitNull var blame: Double?
  @ExplicitNull var total: Double?

  init(_ seconds: StageSeconds?) {
    let seconds = seconds?.known
    apply = Self.rounded(seconds?[.apply])
    configure = Self.rounded(seconds?[.configure])
    compile = Self.rounded(seconds?[.compile])
    link = Self.rounded(seconds?[.link])
    build = Self.rounded(seconds?.build)
    examine = Self.rounded(seconds?[.examine])
    start = Self.rounded(seconds?[.start])
    boot = Self.rounded(seconds?[.boot])
    tests = Self.rounded(seconds?[.tests])
    collect = Self.rounded(seconds?[.collect])
    base = Self.rounded(seconds?[.base])
    blame = Self.rounded(seconds?[.blame])
    total = Self.rounded(seconds?.total)
  }

  /// Rounds to milliseconds: microseconds carry no information.
  static func rounded(_ seconds: Double?) -> Double? { seconds.map { ($0 * 1000).rounded() / 1000 } }
}

/// How a series' image was built.
struct WorkDocument: Encodable {
  var method: BuildWork.Method
  var objects: Int
  var cached: Int
  var sharedPatches: Int

  init(_ work: BuildWork) {
    method = work.method
    objects = max(0, work.objects)
    cached = max(0, work.cached)
    sharedPatches = max(0, work.sharedPatches)
  }
}
