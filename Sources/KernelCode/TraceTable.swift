// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// The addresses at which calls of a kernel's functions can be counted: the table that gcc and the linker built for the
/// function tracer, read from a `vmlinux`. A kprobe there is cheaper than elsewhere (CONFIG_KPROBES_ON_FTRACE).
///
/// On an architecture whose kprobes cannot use the tracer, the function's first instruction stands for it
/// (``InstructionSet/TraceSite``).
public struct TraceTable: Sendable, Hashable {
  /// A function in the kernel image.
  private struct Function: Hashable {
    var name: String
    var file: String?
    var address: UInt64
    var size: UInt64
  }

  private var functions: [Function] = []
  /// Sorted.
  private var sites: [UInt64] = []
  /// The code that the kernel frees before it starts init.
  private var initText: Range<UInt64>?
  private let site: InstructionSet.TraceSite

  /// - Parameters:
  ///   - bytes: a 64-bit ELF file, not relocatable.
  ///   - site: where its functions call the tracer.
  /// - Returns: `nil` if the bytes are not such a file, or if it has no such table because the configuration has no
  ///   function tracer.
  public init?(_ bytes: UnsafeRawBufferPointer, calls site: InstructionSet.TraceSite) {
    guard let elf = ELFFile(bytes) else { return nil }
    self.site = site
    var marks: [String: UInt64] = [:]
    var file: String?
    elf.forEachSymbol { name, symbol in
      switch symbol.type {
      case .file: file = name()
      case .function where symbol.size > 0:
        functions.append(
          Function(name: name(), file: symbol.isLocal ? file : nil, address: symbol.value, size: symbol.size))
      case .other where symbol.size == 0 && !symbol.isLocal:
        let text = name()
        if text.hasSuffix("_mcount_loc") || text.hasSuffix("inittext") {
          marks[text] = symbol.value
        }
      case .function, .other: break
      }
    }
    guard let start = marks["__start_mcount_loc"], let stop = marks["__stop_mcount_loc"], start < stop,
      let table = elf.bytes(start..<stop)
    else { return nil }
    if let start = marks["_sinittext"], let stop = marks["_einittext"], start < stop { initText = start..<stop }
    sites = stride(from: 0, to: table.count - 7, by: 8).map { table.loadUnaligned(fromByteOffset: $0, as: UInt64.self) }
    // The kernel skips the entries that the linker zeroed, and sorts the rest.
    sites.removeAll { $0 == 0 }
    sites.sort()
    functions.sort { ($0.address, $0.name) < ($1.address, $1.name) }
  }

  /// A function that can be traced.
  public struct Entry: Sendable, Hashable {
    /// The kernel's name for it, with the suffix of a copy: `f.isra.0`.
    public var name: String
    /// Where calls of it can be counted: the call to the tracer, or its first instruction.
    public var address: UInt64

    public init(name: String, address: UInt64) {
      self.name = name
      self.address = address
    }
  }

  /// The places at which executions of a source function can be seen: its own and those of the copies that gcc made.
  /// - Parameters:
  ///   - name: the name in the source.
  ///   - file: the C file's name without its directory. It tells functions with the same name apart.
  /// - Returns: empty if the function was inlined everywhere, cannot be traced, or only runs before the tests
  ///   (`__init`).
  public func entries(of name: String, in file: String) -> [Entry] {
    let named = functions.filter { $0.name == name || $0.name.hasPrefix(name + ".") && !$0.name.hasSuffix(".cold") }
    // A function of a header is listed under the files that include it, a global one under no file.
    let here = named.filter { $0.file == file }
    return (here.isEmpty ? named : here).compactMap { function in
      if initText?.contains(function.address) == true { return nil }
      let before: UInt64 = if case .entry(let bytes) = site { min(bytes, function.address) } else { 0 }
      guard let index = firstSite(from: function.address - before), sites[index] < function.address + function.size
      else { return nil }
      return Entry(name: function.name, address: site == .listed ? sites[index] : function.address)
    }
  }

  /// The start addresses of functions, by name and file. A name that several functions share is ambiguous.
  public struct Places: Sendable {
    fileprivate var addresses: [String: [(file: String?, address: UInt64)]]
    fileprivate var initText: Range<UInt64>?

    /// - Parameters:
    ///   - name: the object's name for it: `f.cold`.
    ///   - file: the C file's name without its directory.
    /// - Throws: ``NoPlace``
    public func address(of name: String, in file: String) throws(NoPlace) -> UInt64 {
      let named = addresses[name] ?? []
      let own = named.filter { $0.file == file }
      let found = own.isEmpty ? named.filter { $0.file == nil } : own
      guard let first = found.first else { throw NoPlace(reason: "\(name)() is not in the image") }
      if found.count > 1 { throw NoPlace(reason: "the image has \(found.count) functions called \(name)() of \(file)") }
      if initText?.contains(first.address) == true { throw NoPlace(reason: "it runs only while the kernel starts") }
      return first.address
    }
  }

  /// The reason why a function's address is not known.
  public struct NoPlace: Error, Sendable, Hashable {
    public var reason: String
  }

  public var places: Places {
    Places(
      addresses: Dictionary(grouping: functions, by: \.name).mapValues { $0.map { ($0.file, $0.address) } },
      initText: initText)
  }

  private func firstSite(from address: UInt64) -> Int? {
    var low = 0
    var high = sites.count
    while low < high {
      let middle = (low + high) / 2
      if sites[middle] < address { low = middle + 1 } else { high = middle }
    }
    return low < sites.count ? low : nil
  }
}
