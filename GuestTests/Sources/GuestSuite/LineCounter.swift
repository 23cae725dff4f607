internal import Glibc
internal import GuestProtocol

/// Counts how often instructions of the kernel run, and which way those went that depend on the processor's flags.
///
/// Each is a kprobe of one of two events, and a histogram of each event sums up by address (and flags) in the kernel
/// itself (`kernel/trace/trace_events_hist.c`, CONFIG_HIST_TRIGGERS). Nothing is written to the trace: what is read after
/// a test is two short files, whatever ran.
struct LineCounter {
  private static let group = "patchbench"

  /// One kprobe event with its histogram.
  private struct Event {
    var name: String
    var arguments: String
    var keys: String
    var folder: String { "\(Tracefs.folder)/events/\(LineCounter.group)/\(name)" }
  }

  private static let lines = Event(name: "line", arguments: "", keys: "__probe_ip")
  private static let ways = Event(name: "way", arguments: " flags=%flags", keys: "__probe_ip,flags")

  /// Entries of a histogram; a power of two, of which the kernel uses about half.
  private static let leastSize = 2048
  /// How many values of the flags come together at one address.
  private static let flagValues = 32

  private let request: TraceRequest
  private let start: UInt64
  private var events: [Event] = []
  /// From an address to the probes there, in the order of the request.
  private var probes: [UInt64: [Int]] = [:]
  /// What each entry of each histogram had when it was last read.
  private var before: [Entry.Key: Int] = [:]
  /// Instructions at which the kernel does not let anybody stop.
  private(set) var refused: [(probe: Int, reason: String)] = []

  /// One line of a histogram.
  struct Entry: Hashable {
    struct Key: Hashable {
      var address: UInt64
      /// `nil` where only runs are counted.
      var flags: UInt64?
    }
    var key: Key
    var count: Int
  }

  /// - Throws: ``Tracefs/Failure`` if nothing can be counted at all.
  init(_ request: TraceRequest) throws(Tracefs.Failure) {
    self.request = request
    guard let start = request.textStart else {
      throw Tracefs.Failure(reason: "nobody said where the kernel's code begins")
    }
    self.start = start
    try Tracefs.mount()
    do {
      // No trace is kept; the histograms are filled all the same.
      try writeText("0", to: "\(Tracefs.folder)/tracing_on")
      for event in [Self.lines, Self.ways] {
        let wanted = request.probes.indices.filter { (request.probes[$0].test != nil) == (event.keys != "__probe_ip") }
        try add(event, wanted)
      }
    } catch let failure as Tracefs.Failure {
      throw failure
    } catch {
      throw Tracefs.Failure(reason: "\(error)")
    }
  }

  private mutating func add(_ event: Event, _ wanted: [Int]) throws {
    if wanted.isEmpty { return }
    let file = try OpenFile("\(Tracefs.folder)/kprobe_events", flags: O_WRONLY | O_APPEND)
    defer { file.close() }
    var taken = 0
    var places: [Int: UInt64] = [:]
    for number in wanted {
      if let address = address(of: request.probes[number]) {
        places[number] = address
      } else {
        refused.append((number, "the test driver is not loaded"))
      }
    }
    // The same address may be asked for by several lines, and can be a probe of an event once.
    for (address, numbers) in Dictionary(grouping: places.keys.sorted(), by: { places[$0]! }).sorted(by: {
      $0.key < $1.key
    }) {
      let place = "\(TraceRequest.start)+0x" + String(address &- start, radix: 16)
      if file.write("p:\(Self.group)/\(event.name) \(place)\(event.arguments)\n") {
        taken += 1
        probes[address, default: []] += numbers
      } else {
        let reason = "the kernel lets nobody stop there (\(errnoName(errno)))"
        refused += numbers.map { ($0, reason) }
      }
    }
    if taken == 0 { return }
    let values = event.keys == "__probe_ip" ? 1 : Self.flagValues
    var size = Self.leastSize
    while size < taken * values * 2, size < 1 << 17 { size *= 2 }
    try writeText("hist:keys=\(event.keys):size=\(size)", to: "\(event.folder)/trigger")
    try writeText("1", to: "\(event.folder)/enable")
    events.append(event)
  }

  /// Where an instruction is now.
  /// - Returns: `nil` for one of the test driver where that is not loaded.
  private func address(of probe: TraceRequest.Probe) -> UInt64? {
    guard let section = probe.driverSection else { return probe.address }
    let text = try? readText("/sys/module/\(TestDriver.name)/sections/\(section)")
    let digits = text?.dropFirst(2).prefix { $0.isHexDigit }
    return digits.flatMap { UInt64($0, radix: 16) }.map { $0 &+ probe.address }
  }

  /// What ran since this was last asked.
  /// - Throws: ``Tracefs/Failure`` if a histogram was full, or cannot be read.
  mutating func take() throws(Tracefs.Failure) -> [(probe: Int, count: Int, held: Int?)] {
    var counts: [Int: (count: Int, held: Int?)] = [:]
    for event in events {
      let text: [UInt8]
      do { text = try readBytes("\(event.folder)/hist") } catch { throw Tracefs.Failure(reason: "\(error)") }
      let (entries, dropped) = Self.parse(text)
      if dropped > 0 { throw Tracefs.Failure(reason: "the histogram of \(event.name)s was full") }
      for entry in entries {
        let more = entry.count - (before[entry.key] ?? 0)
        if more <= 0 { continue }
        before[entry.key] = entry.count
        for probe in probes[entry.key.address] ?? []
        where (request.probes[probe].test == nil) == (entry.key.flags == nil) {
          var sum = counts[probe] ?? (0, request.probes[probe].test == nil ? nil : 0)
          sum.count += more
          if let flags = entry.key.flags, request.probes[probe].test?.holds(flags: flags) == true { sum.held! += more }
          counts[probe] = sum
        }
      }
    }
    return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value.count, $0.value.held) }
  }

  /// Lines like `{ __probe_ip: 18446744071579120000, flags:        582 } hitcount:          3`, and behind them
  /// `    Dropped: 0`. Byte by byte: it is read after each test, on an emulated processor, and words would take longer
  /// than what is counted.
  static func parse(_ text: some Collection<UInt8>) -> (entries: [Entry], dropped: Int) {
    var entries: [Entry] = []
    var dropped = 0
    /// The numbers of a line, which stand behind colons.
    var numbers: (first: UInt64, second: UInt64, third: UInt64) = (0, 0, 0)
    var count = 0
    var first: UInt8 = 0
    var colon = false
    var number: UInt64?
    func keep(_ number: UInt64) {
      switch count {
      case 0: numbers.first = number
      case 1: numbers.second = number
      default: numbers.third = number
      }
      count += 1
    }
    for byte in text {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9") where colon:
        number = (number ?? 0) &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: " ") where number == nil:
        break
      default:
        if let found = number { keep(found) }
        number = nil
        colon = byte == UInt8(ascii: ":")
        if byte == UInt8(ascii: "\n") {
          switch (first, count) {
          case (UInt8(ascii: "{"), 2):
            entries.append(Entry(key: Entry.Key(address: numbers.first), count: Int(clamping: numbers.second)))
          case (UInt8(ascii: "{"), 3):
            entries.append(
              Entry(key: Entry.Key(address: numbers.first, flags: numbers.second), count: Int(clamping: numbers.third)))
          case (UInt8(ascii: "D"), 1): dropped = Int(clamping: numbers.first)
          default: break
          }
          count = 0
          first = 0
        } else if first == 0 {
          first = byte
        }
      }
    }
    return (entries, dropped)
  }
}
