// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Counts how often functions and instructions of the kernel run, and which way conditional instructions went, using
/// pbcount, the module that comes with the tests.
struct CodeCounter {
  /// Why nothing can be counted.
  struct NotCounted: Error, Hashable {
    var reason: String
  }

  /// What ran during a test.
  struct Counts {
    var functions: [(name: String, count: Int)] = []
    var probes: [(probe: Int, count: Int, held: Int?)] = []
    /// Probes that are no longer watched.
    var enough: [Int] = []
  }

  private static let module = "/pbcount.ko"
  /// Exists instead of the module, and says why there is none.
  private static let excuse = "/pbcount.txt"
  private static let device = "/dev/pbcount"

  /// A stop takes some microseconds of an emulated CPU. After this many stops, the places that have stopped most often
  /// say nothing new.
  private static let mostStops = 100_000

  /// One place at which the kernel stops, with everything that was requested for it.
  private struct Place {
    var key: Key
    var functions: [String] = []
    var probes: [Int] = []
    var ran = 0
    var held = 0
    var isDropped = false
  }

  /// A section of the loaded test driver.
  private struct Section: Hashable {
    var address: UInt64
    /// The inode of its file. It changes each time the driver is loaded, even if the address is the same.
    var inode: UInt64
  }

  private let file: OpenFile
  private let request: TraceRequest
  private var places: [Place] = []
  /// Maps pbcount's numbers to those of ``places``. Places in the test driver are added again after it was reloaded.
  private var numbers: [Int] = []
  /// The test driver's sections at the time its places were added.
  private var driver: [String: Section] = [:]
  private var stops = 0
  private var space: [pbcount_runs] = []
  /// What the kernel does not allow to be watched.
  private(set) var refused: (probes: [(probe: Int, reason: String)], functions: [String]) = ([], [])

  /// - Throws: ``NotCounted`` if nothing can be counted at all.
  init(_ request: TraceRequest) throws(NotCounted) {
    self.request = request
    if access(Self.module, F_OK) != 0 {
      let words = (try? readText(Self.excuse))?.split(separator: "\n").first.map(String.init)
      throw NotCounted(reason: "no pbcount: \(words ?? "it was not given to this guest")")
    }
    if cguest_load_module(Self.module) != 0, errno != EEXIST {
      throw NotCounted(reason: "no pbcount: the kernel does not load it: \(errnoName(errno))")
    }
    do { file = try OpenFile(Self.device) } catch { throw NotCounted(reason: "no pbcount: \(error)") }
    for section in Set(
      (request.probes.map { $0.place } + request.functions.map { $0.place }).compactMap { $0.driverSection })
    {
      driver[section] = Self.find(section)
    }
    var known: [Key: Int] = [:]
    for (number, probe) in request.probes.enumerated() {
      if let section = probe.place.driverSection, driver[section] == nil {
        refused.probes.append((number, "the test driver is not loaded"))
      } else if let place = place(Key(place: probe.place, test: probe.test), &known) {
        places[place].probes.append(number)
      } else {
        refused.probes.append((number, "the kernel lets nobody stop there (\(errnoName(errno)))"))
      }
    }
    for function in request.functions {
      if let place = place(Key(place: function.place), &known) {
        places[place].functions.append(function.name)
      } else {
        refused.functions.append(function.name)
      }
    }
  }

  private struct Key: Hashable {
    var place: TraceRequest.Place
    var test: TraceRequest.Probe.Test?
  }

  /// - Returns: its number; `nil`, with errno set, if the kernel does not stop there.
  private mutating func place(_ key: Key, _ known: inout [Key: Int]) -> Int? {
    if let number = known[key] { return number }
    places.append(Place(key: key))
    if !add(places.count - 1) {
      places.removeLast()
      return nil
    }
    known[key] = places.count - 1
    return places.count - 1
  }

  /// Makes the kernel stop at a place.
  private mutating func add(_ number: Int) -> Bool {
    let key = places[number].key
    var args = pbcount_place()
    args.address = key.place.address
    if let section = key.place.driverSection {
      guard let start = driver[section] else { return false }
      args.address &+= start.address
    }
    if let test = key.test {
      args.table = test.table
      args.count = UInt8(test.bits.count)
      if let register = test.register {
        args.source = UInt8(register.number + 1)
        args.width = UInt8(register.width)
      }
      withUnsafeMutableBytes(of: &args.bits) { $0.copyBytes(from: test.bits.map { UInt8($0) }) }
    }
    if cguest_pbcount_add(file.number, &args) != 0 { return false }
    numbers.append(number)
    return true
  }

  /// - Returns: `nil` if the test driver is not loaded.
  private static func find(_ name: String) -> Section? {
    let path = "/sys/module/\(TestDriver.name)/sections/\(name)"
    var status = stat()
    guard stat(path, &status) == 0, let text = try? readText(path),
      let address = UInt64(text.dropFirst(2).prefix { $0.isHexDigit }, radix: 16)
    else { return nil }
    return Section(address: address, inode: UInt64(status.st_ino))
  }

  /// Moves what was watched in a test driver that is gone to the one that is loaded now.
  private mutating func follow() {
    for (section, start) in driver {
      guard let now = Self.find(section), now != start else { continue }
      driver[section] = now
      for number in places.indices where places[number].key.place.driverSection == section && !places[number].isDropped
      {
        _ = add(number)
      }
    }
  }

  /// Returns what ran since the last call.
  /// - Throws: ``NotCounted`` if the kernel does not report it.
  mutating func take() throws(NotCounted) -> Counts {
    var args = pbcount_take()
    if space.count < numbers.count { space = Array(repeating: pbcount_runs(), count: numbers.count) }
    args.room = UInt32(space.count)
    let answer = space.withUnsafeMutableBufferPointer { space in
      args.runs = UInt64(UInt(bitPattern: space.baseAddress))
      return cguest_pbcount_take(file.number, &args)
    }
    if answer != 0 { throw NotCounted(reason: "pbcount does not say what ran: \(errnoName(errno))") }
    var found = Counts()
    for runs in space.prefix(Int(args.count)) {
      let held = Int(runs.held)
      let ran = held + Int(runs.fell)
      let number = numbers[Int(runs.place)]
      places[number].ran += ran
      places[number].held += held
      stops += ran
      for name in places[number].functions { found.functions.append((name, ran)) }
      for probe in places[number].probes {
        found.probes.append((probe, ran, request.probes[probe].test == nil ? nil : held))
      }
    }
    found.functions.sort { $0.name < $1.name }
    found.probes.sort { $0.probe < $1.probe }
    if !request.all, stops > Self.mostStops {
      for number in places.indices where places[number].ran > Self.mostStops / places.count { drop(number, &found) }
    }
    follow()
    return found
  }

  /// Stops watching a place that has shown all it can. Function counts are always kept: they tell which tests run a
  /// function.
  private mutating func drop(_ number: Int, _ found: inout Counts) {
    let place = places[number]
    guard !place.isDropped, place.functions.isEmpty,
      place.probes.allSatisfy({ request.probes[$0].test == nil || place.held > 0 && place.held < place.ran })
    else { return }
    places[number].isDropped = true
    for (index, own) in numbers.enumerated() where own == number {
      if cguest_pbcount_drop(file.number, UInt32(index)) == 0 { found.enough += place.probes }
    }
  }
}
