// SPDX-License-Identifier: Apache-2.0

extension Collection where Element: Sendable {
  /// What becomes of each element, in the elements' order, several at the same time.
  /// - Parameter limit: the most at once.
  /// - Throws: the first error of any; the others are cancelled then.
  public func concurrentMap<Value: Sendable>(
    limit: Int, _ transform: @escaping @Sendable (Element) async throws -> Value
  ) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      var values: [Value?] = Array(repeating: nil, count: count)
      for (number, element) in enumerated() {
        if number >= Swift.max(limit, 1), let (done, value) = try await group.next() { values[done] = value }
        group.addTask { (number, try await transform(element)) }
      }
      for try await (done, value) in group { values[done] = value }
      return values.map { $0! }
    }
  }
}
