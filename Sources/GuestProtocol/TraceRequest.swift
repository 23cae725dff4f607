/// What the guest is to count while its tests run: functions of the kernel, by their numbers in the table of the function
/// tracer. It comes as a file of the initramfs, for there may be hundreds: one `NUMBER NAME` a line.
public struct TraceRequest: Sendable, Hashable {
  public struct Function: Sendable, Hashable {
    /// From 1, in the order of `available_filter_functions`.
    public var number: Int
    /// By which the guest sees that the number leads where it should.
    public var name: String

    public init(number: Int, name: String) {
      self.number = number
      self.name = name
    }
  }

  /// Where the guest finds it.
  public static let path = "/patchbench.trace"

  public var functions: [Function]

  public init(_ functions: [Function]) { self.functions = functions }

  public var text: String { functions.map { "\($0.number) \($0.name)\n" }.joined() }

  /// Reads the file back; what is no such line is passed over.
  public init(text: String) {
    functions = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 2, let number = Int(words[0]), number > 0 else { return nil }
      return Function(number: number, name: String(words[1]))
    }
  }
}
