// SPDX-License-Identifier: Apache-2.0

extension Collection where Element: Sendable {
  /// Transforms the elements concurrently and returns the results in the elements' order.
  /// - Parameter limit: the most at the same time.
  /// - Throws: the first error; the other tasks are then cancelled.
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
