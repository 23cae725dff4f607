internal import Glibc
internal import GuestProtocol

/// Counts how often functions of the kernel run, by the kernel's own function profiler
/// (`kernel/trace/ftrace.c`, CONFIG_FUNCTION_PROFILER). It stops only at those that it is told.
struct CodeCounter {
  private static let folder = Tracefs.folder
  /// From a function to how often it had run when it was last looked.
  private var before: [String: Int] = [:]
  /// One file for each processor.
  private let files: [String]

  typealias Failure = Tracefs.Failure

  /// - Throws: ``Failure``
  init(_ request: TraceRequest) throws(Failure) {
    do {
      try Tracefs.mount()
      let filter = "\(Self.folder)/set_ftrace_filter"
      let file = try OpenFile(filter, flags: O_WRONLY | O_TRUNC)
      // One number a call: the kernel reads no more than one word of each.
      let taken = request.functions.allSatisfy { function in
        file.write(function.number.map { "\($0)\n" } ?? "\(function.name):mod:\(TestDriver.name)\n")
      }
      file.close()
      if !taken { throw Failure(reason: "the function tracer does not take what it is told") }
      // A number that leads elsewhere would count another function for this one.
      let stops = Set(try readText(filter).split(separator: "\n").map { Self.name($0) })
      let wanted = Set(request.functions.filter { $0.number != nil }.map(\.name))
      // The driver may not be loaded, or have a function only within others: that one is then not seen to run.
      let driver = Set(request.functions.filter { $0.number == nil }.map(\.name))
      guard stops.subtracting(driver) == wanted.subtracting(driver) else {
        let wrong = stops.subtracting(driver).symmetricDifference(wanted.subtracting(driver)).sorted().prefix(3).joined(
          separator: ", ")
        throw Failure(reason: "the function tracer stops elsewhere: \(wrong)")
      }
      try writeText("1", to: "\(Self.folder)/function_profile_enabled")
      files = names(in: "\(Self.folder)/trace_stat").filter { $0.hasPrefix("function") }
        .map { "\(Self.folder)/trace_stat/\($0)" }
      if files.isEmpty { throw Failure(reason: "the function profiler tells nothing") }
      // One that counts everything, as 6.1's does without the graph tracer, would slow the guest down ten times.
      if let other = try counts().keys.first(where: { !wanted.contains($0) && !driver.contains($0) }) {
        try writeText("0", to: "\(Self.folder)/function_profile_enabled")
        throw Failure(reason: "the function profiler counts more than it is told, \(other) for one")
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(reason: "\(error)")
    }
  }

  /// `dma_buf_mmap` in `dma_buf_mmap (1) R`.
  private static func name(_ line: Substring) -> String { String(line.prefix { $0 != " " }) }

  /// What ran since this was last asked, by name.
  mutating func take() throws(CallFailed) -> [(function: String, count: Int)] {
    let now = try counts()
    let ran = now.compactMap { name, count in
      let more = count - (before[name] ?? 0)
      return more > 0 ? (function: name, count: more) : nil
    }
    before = now
    return ran.sorted { $0.function < $1.function }
  }

  /// All that has been counted.
  private func counts() throws(CallFailed) -> [String: Int] {
    var sum: [String: Int] = [:]
    for file in files {
      for (name, count) in Self.counts(in: try readBytes(file)) { sum[name, default: 0] += count }
    }
    return sum
  }

  /// Lines like `  dma_buf_mmap                12`, below two of heading. Byte by byte, as ``LineCounter`` reads.
  static func counts(in text: [UInt8]) -> [(String, Int)] {
    let space = UInt8(ascii: " ")
    return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let name = line.drop { $0 == space }.prefix { $0 != space }
      var count: Int?
      for byte in line[name.endIndex...].drop(while: { $0 == space }) {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else {
          if byte != space { count = nil }
          break
        }
        count = (count ?? 0) &* 10 &+ Int(byte - UInt8(ascii: "0"))
      }
      return count.map { (String(decoding: name, as: UTF8.self), $0) }
    }
  }
}
