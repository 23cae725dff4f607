// SPDX-License-Identifier: Apache-2.0

/// What the guest should count while its tests run: kernel functions and instructions, by address.
///
/// It is a file in the initramfs, because there may be thousands of them. The file has these lines:
/// - `f ADDRESS NAME`: a function
/// - `@ ADDRESS` or `@ ADDRESS BITS TABLE`: an instruction. `28,30` are bits of the flags register, `r3/64:5` is bit 5 of
///   general register 3, and `r3/32` is the whole of its lowest 32 bits.
/// - `all`: nothing is ever left out
///
/// An address in the test driver is written as `SECTION+ADDRESS`.
public struct TraceRequest: Sendable, Hashable {
  /// A location in memory.
  public struct Place: Sendable, Hashable {
    /// The address in the image, or the offset from the start of a section of the test driver.
    public var address: UInt64
    /// The section of the test driver, whose load address only the guest knows; `nil` for the image.
    public var driverSection: String?

    public init(_ address: UInt64, driverSection: String? = nil) {
      self.address = address
      self.driverSection = driverSection
    }
  }

  /// A function whose calls are counted.
  public struct Function: Sendable, Hashable {
    public var place: Place
    /// The name that the guest reports it by.
    public var name: String

    public init(_ place: Place, name: String) {
      self.place = place
      self.name = name
    }
  }

  /// An instruction whose runs are counted. Its number is its index among the probes, from 0.
  public struct Probe: Sendable, Hashable {
    /// Decides whether the condition of the instruction holds. The bits of a register form a number *n*, the first of
    /// them its lowest bit. The condition holds if bit *n* of the table is set.
    public struct Test: Sendable, Hashable {
      /// A general register, of which the lowest so many bits count.
      public struct Register: Sendable, Hashable {
        public var number: Int
        public var width: Int

        public init(_ number: Int, width: Int) {
          self.number = number
          self.width = width
        }
      }

      /// `nil` is the flags register.
      public var register: Register?
      /// At most five bit numbers. Without any, *n* is 0 if the register is zero, and otherwise 1.
      public var bits: [Int]
      public var table: UInt32

      public init(_ register: Register? = nil, bits: [Int], table: UInt32) {
        self.register = register
        self.bits = bits
        self.table = table
      }
    }

    public var place: Place
    /// `nil` if only runs are counted.
    public var test: Test?

    public init(_ place: Place, test: Test? = nil) {
      self.place = place
      self.test = test
    }
  }

  /// Where the guest finds the file.
  public static let path = "/patchbench.trace"

  public var functions: [Function]
  public var probes: [Probe]
  /// Count each run in each test, however long that takes. Otherwise, once all instructions together have run often,
  /// the guest stops watching those that it has seen often enough.
  public var all: Bool

  public init(_ functions: [Function] = [], probes: [Probe] = [], all: Bool = false) {
    self.functions = functions
    self.probes = probes
    self.all = all
  }

  /// Whether there is nothing to count.
  public var isEmpty: Bool { functions.isEmpty && probes.isEmpty }

  public var text: String {
    (all ? "all\n" : "") + functions.map { "f \($0.place.text) \($0.name)\n" }.joined()
      + probes.map { probe in
        guard let test = probe.test else { return "@ \(probe.place.text)\n" }
        return "@ \(probe.place.text) \(test.source) 0x\(String(test.table, radix: 16))\n"
      }.joined()
  }

  /// Parses the file; unknown lines are ignored.
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
    guard let table = UInt32(words[3].dropFirst(2), radix: 16), let test = Test(words[2], table: table) else {
      return nil
    }
    self.test = test
  }
}

extension TraceRequest.Probe.Test {
  /// `28,30`, `r3/64:5` or `r3/32`
  fileprivate var source: String {
    let numbers = bits.map(String.init).joined(separator: ",")
    guard let register else { return numbers }
    return "r\(register.number)/\(register.width)" + (bits.isEmpty ? "" : ":\(numbers)")
  }

  fileprivate init?(_ source: Substring, table: UInt32) {
    var numbers = source
    var register: Register?
    if source.hasPrefix("r") {
      let parts = source.dropFirst().split(separator: ":", maxSplits: 1)
      let words = parts.first?.split(separator: "/") ?? []
      guard words.count == 2, let number = Int(words[0]), let width = Int(words[1]), (0..<64).contains(number),
        (1...64).contains(width)
      else { return nil }
      register = Register(number, width: width)
      numbers = parts.count == 2 ? parts[1] : ""
    }
    let words = numbers.split(separator: ",")
    let bits = words.compactMap { Int($0) }.filter { (0..<64).contains($0) }
    guard bits.count == words.count, bits.count <= 5, register != nil || !bits.isEmpty else { return nil }
    self.init(register, bits: bits, table: table)
  }
}
