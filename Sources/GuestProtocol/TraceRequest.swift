// SPDX-License-Identifier: Apache-2.0

/// What the guest is to count while its tests run: functions of the kernel, and instructions, by their addresses. It comes
/// as a file of the initramfs, for there may be thousands: one `f ADDRESS NAME` a line for a function, one `@ ADDRESS`, or
/// `@ ADDRESS BITS TABLE`, for an instruction; `SECTION+ADDRESS` is an address in the test driver. A line `all` says that
/// nothing is ever left out.
public struct TraceRequest: Sendable, Hashable {
  /// Where something is in memory.
  public struct Place: Sendable, Hashable {
    /// In the image; in a section of the test driver from its start.
    public var address: UInt64
    /// The section of the test driver that it is in, which only the guest knows the place of; `nil`: in the image.
    public var driverSection: String?

    public init(_ address: UInt64, driverSection: String? = nil) {
      self.address = address
      self.driverSection = driverSection
    }
  }

  /// A function whose calls are counted.
  public struct Function: Sendable, Hashable {
    public var place: Place
    /// By which the guest tells of it.
    public var name: String

    public init(_ place: Place, name: String) {
      self.place = place
      self.name = name
    }
  }

  /// An instruction whose runs are counted. Its number is its place among the probes, from 0.
  public struct Probe: Sendable, Hashable {
    /// What decides whether the condition of the instruction holds: bits of the flags register, the lowest first in the
    /// number *n* that they make, and a table whose bit *n* is set where it does.
    public struct Test: Sendable, Hashable {
      /// One to five of them.
      public var bits: [Int]
      public var table: UInt32

      public init(bits: [Int], table: UInt32) {
        self.bits = bits
        self.table = table
      }
    }

    public var place: Place
    /// `nil`: only runs are counted.
    public var test: Test?

    public init(_ place: Place, test: Test? = nil) {
      self.place = place
      self.test = test
    }
  }

  /// Where the guest finds it.
  public static let path = "/patchbench.trace"

  public var functions: [Function]
  public var probes: [Probe]
  /// Each run in each test is wanted, however long that takes. Else the guest looks no longer at an instruction of which
  /// it has seen enough, once all of them together have run often.
  public var all: Bool

  public init(_ functions: [Function] = [], probes: [Probe] = [], all: Bool = false) {
    self.functions = functions
    self.probes = probes
    self.all = all
  }

  /// Nothing is to be counted.
  public var isEmpty: Bool { functions.isEmpty && probes.isEmpty }

  public var text: String {
    (all ? "all\n" : "") + functions.map { "f \($0.place.text) \($0.name)\n" }.joined()
      + probes.map { probe in
        guard let test = probe.test else { return "@ \(probe.place.text)\n" }
        let bits = test.bits.map(String.init).joined(separator: ",")
        return "@ \(probe.place.text) \(bits) 0x\(String(test.table, radix: 16))\n"
      }.joined()
  }

  /// Reads the file back; what is no such line is passed over.
  public init(text: String) {
    self.init()
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      switch (words.first, words.count) {
      case ("all", 1): all = true
      case ("f", 3): if let place = Place(words[1]) { functions.append(Function(place, name: String(words[2]))) }
      case ("@", 2...): if let probe = Probe(words) { probes.append(probe) }
      default: break
      }
    }
  }
}

extension TraceRequest.Place {
  fileprivate var text: String { (driverSection.map { $0 + "+" } ?? "") + "0x" + String(address, radix: 16) }

  fileprivate init?(_ word: Substring) {
    let parts = word.split(separator: "+", maxSplits: 1)
    guard let last = parts.last, last.hasPrefix("0x"), let address = UInt64(last.dropFirst(2), radix: 16) else {
      return nil
    }
    self.init(address, driverSection: parts.count == 2 ? String(parts[0]) : nil)
  }
}

extension TraceRequest.Probe {
  fileprivate init?(_ words: [Substring]) {
    guard words.count == 2 || words.count == 4, let place = TraceRequest.Place(words[1]) else { return nil }
    self.init(place)
    guard words.count == 4 else { return }
    let bits = words[2].split(separator: ",").compactMap { Int($0) }.filter { (0..<64).contains($0) }
    guard let table = UInt32(words[3].dropFirst(2), radix: 16), (1...5).contains(bits.count) else { return nil }
    test = Test(bits: bits, table: table)
  }
}
