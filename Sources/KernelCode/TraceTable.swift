// SPDX-License-Identifier: Apache-2.0

/// Where calls of a kernel's functions can be counted: the table that gcc and the linker made for the function tracer, as a
/// built `vmlinux` has it. A kprobe at one of these places costs less than elsewhere (CONFIG_KPROBES_ON_FTRACE).
public struct TraceTable: Sendable, Hashable {
  /// A function of the kernel's image.
  private struct Function: Hashable {
    var name: String
    var file: String?
    var address: UInt64
    var size: UInt64
  }

  private var functions: [Function] = []
  /// Sorted.
  private var sites: [UInt64] = []
  /// What the kernel frees before it starts init.
  private var initText: Range<UInt64>?

  /// - Parameter bytes: an ELF file for x86-64, not relocatable.
  /// - Returns: `nil` if it is none, or has no such table: the configuration has no function tracer then.
  public init?(_ bytes: UnsafeRawBufferPointer) {
    guard let elf = ELFFile(bytes) else { return nil }
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
    // The kernel leaves out what the linker has emptied, and sorts.
    sites.removeAll { $0 == 0 }
    sites.sort()
    functions.sort { ($0.address, $0.name) < ($1.address, $1.name) }
  }

  /// One function that can be traced.
  public struct Entry: Sendable, Hashable {
    /// As the kernel names it, with the suffix of a copy: `f.isra.0`.
    public var name: String
    /// Of the call to the tracer, with which it begins.
    public var address: UInt64

    public init(name: String, address: UInt64) {
      self.name = name
      self.address = address
    }
  }

  /// The places at which runs of a source's function can be seen: its own and those of the copies that gcc made of it.
  /// - Parameters:
  ///   - name: as the source has it.
  ///   - file: the C file's name without its directory, by which functions of one name are told apart.
  /// - Returns: none if it was inlined everywhere, must not be traced, or runs only before there are tests (`__init`).
  public func entries(of name: String, in file: String) -> [Entry] {
    let named = functions.filter { $0.name == name || $0.name.hasPrefix(name + ".") && !$0.name.hasSuffix(".cold") }
    // Functions of a header are known under the files that include it, and global ones under none.
    let here = named.filter { $0.file == file }
    return (here.isEmpty ? named : here).compactMap { function in
      if initText?.contains(function.address) == true { return nil }
      guard let index = firstSite(from: function.address), sites[index] < function.address + function.size else {
        return nil
      }
      return Entry(name: function.name, address: sites[index])
    }
  }

  /// Where functions begin, by their own names and files: one of a name that several have cannot be told.
  public struct Places: Sendable {
    fileprivate var addresses: [String: [(file: String?, address: UInt64)]]
    fileprivate var initText: Range<UInt64>?

    /// - Parameters:
    ///   - name: as the object has it: `f.cold`.
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

  /// Why the place of a function is not known.
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
