/// What the guest is to count while its tests run: functions of the kernel, by their numbers in the table of the function
/// tracer. It comes as a file of the initramfs, for there may be hundreds: one `NUMBER NAME` a line, with
/// `-` for the number of what is in the test driver.
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

  /// Where the guest finds it.
  public static let path = "/patchbench.trace"

  public var functions: [Function]

  public init(_ functions: [Function]) { self.functions = functions }

  public var text: String { functions.map { "\($0.number.map(String.init) ?? "-") \($0.name)\n" }.joined() }

  /// Reads the file back; what is no such line is passed over.
  public init(text: String) {
    functions = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 2 else { return nil }
      if words[0] == "-" { return Function(number: nil, name: String(words[1])) }
      guard let number = Int(words[0]), number > 0 else { return nil }
      return Function(number: number, name: String(words[1]))
    }
  }
}
