/// What the guest is to count while its tests run: functions of the kernel, by their numbers in the table of the function
/// tracer, and instructions, by their addresses. It comes as a file of the initramfs, for there may be hundreds: one
/// `NUMBER NAME` a line, with `-` for the number of what is in the test driver; one `@ ADDRESS`, or
/// `@ ADDRESS BITS TABLE`, for an instruction, with `SECTION+ADDRESS` for one of the test driver; and `_stext ADDRESS`, from which those count.
public struct TraceRequest: Sendable, Hashable {
  public struct Function: Sendable, Hashable {
    /// From 1, in the order of `available_filter_functions`; `nil` for a function of the test driver, which is no part of
    /// the image and is found by its name.
    public var number: Int?
    /// By which the guest sees that the number leads where it should.
    public var name: String

    public init(number: Int?, name: String) {
      self.number = number
      self.name = name
    }
  }

  /// An instruction whose runs are counted. Its number is its place among the probes, from 0.
  public struct Probe: Sendable, Hashable {
    /// What decides whether the condition of the instruction holds: bits of the flags register, the lowest first in the
    /// number *n* that they make, and a table whose bit *n* is set where it does.
    public struct Test: Sendable, Hashable {
      public var bits: [Int]
      public var table: UInt32

      public init(bits: [Int], table: UInt32) {
        self.bits = bits
        self.table = table
      }

      /// Whether the condition holds.
      public func holds(flags: UInt64) -> Bool {
        let number = bits.enumerated().reduce(0) { $0 | Int(flags >> UInt64($1.element) & 1) << $1.offset }
        return table >> UInt32(number) & 1 == 1
      }
    }

    /// In the image; in a section of the test driver from its start.
    public var address: UInt64
    /// The section of the test driver that it is in, which only the guest knows the place of; `nil`: in the image.
    public var driverSection: String?
    /// `nil`: only runs are counted.
    public var test: Test?

    public init(address: UInt64, driverSection: String? = nil, test: Test? = nil) {
      self.address = address
      self.driverSection = driverSection
      self.test = test
    }
  }

  /// Where the guest finds it.
  public static let path = "/patchbench.trace"

  public var functions: [Function]
  public var probes: [Probe]
  /// The address of ``start`` in the image. The kernel takes an event's probes by a symbol and an offset: by addresses
  /// alone it takes them all for one (`trace_kprobe_has_same_kprobe()`).
  public var textStart: UInt64?

  /// The symbol from which the offsets of instructions count.
  public static let start = "_stext"

  public init(_ functions: [Function], probes: [Probe] = [], textStart: UInt64? = nil) {
    self.functions = functions
    self.probes = probes
    self.textStart = textStart
  }

  /// Nothing is to be counted.
  public var isEmpty: Bool { functions.isEmpty && probes.isEmpty }

  public var text: String {
    functions.map { "\($0.number.map(String.init) ?? "-") \($0.name)\n" }.joined()
      + (textStart.map { "\(Self.start) 0x\(String($0, radix: 16))\n" } ?? "")
      + probes.map { probe in
        let section = probe.driverSection.map { $0 + "+" } ?? ""
        let address = "@ \(section)0x\(String(probe.address, radix: 16))"
        guard let test = probe.test else { return address + "\n" }
        return "\(address) \(test.bits.map(String.init).joined(separator: ",")) 0x\(String(test.table, radix: 16))\n"
      }.joined()
  }

  /// Reads the file back; what is no such line is passed over.
  public init(text: String) {
    self.init([])
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "@" {
        if let probe = Probe(words) { probes.append(probe) }
      } else if words.count == 2, words[0] == Self.start {
        textStart = UInt64(words[1].dropFirst(2), radix: 16)
      } else if words.count == 2, words[0] == "-" {
        functions.append(Function(number: nil, name: String(words[1])))
      } else if words.count == 2, let number = Int(words[0]), number > 0 {
        functions.append(Function(number: number, name: String(words[1])))
      }
    }
  }
}

extension TraceRequest.Probe {
  fileprivate init?(_ words: [Substring]) {
    func number<N: FixedWidthInteger>(_ word: Substring) -> N? { N(word.dropFirst(2), radix: 16) }
    guard words.count == 2 || words.count == 4 else { return nil }
    let place = words[1].split(separator: "+", maxSplits: 1)
    guard let last = place.last, let address: UInt64 = number(last) else { return nil }
    self.init(address: address, driverSection: place.count == 2 ? String(place[0]) : nil)
    guard words.count == 4 else { return }
    let bits = words[2].split(separator: ",").compactMap { Int($0) }.filter { (0..<64).contains($0) }
    guard let table: UInt32 = number(words[3]), (1...5).contains(bits.count) else { return nil }
    test = Test(bits: bits, table: table)
  }
}
