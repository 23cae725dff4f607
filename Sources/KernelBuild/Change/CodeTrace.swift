// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import GuestProtocol
public import KernelCode
import SystemPackage
import Toolbox

/// Which functions of a series' kernel should be counted.
public struct CodeTrace: Sendable, Hashable {
  /// The request for the guest.
  public var request: TraceRequest
  /// Functions worth counting that the kernel cannot count.
  var untraceable: [String]
  /// Why nothing can be counted.
  var failure: String?
  /// By index of the request's probes: the numbers that lines refer to them by.
  var numbers: [Int] = []
  /// The refused probes among these numbers, with the reason.
  var refused: [Int: String] = [:]

  /// Combines what the guest counted with what it could not be asked to count.
  /// - Parameter counted: `nil` if it reported no function.
  public func execution(of counted: Execution?) -> Execution {
    var found = counted ?? Execution()
    func numbered<Value>(_ values: [Int: Value]?) -> [Int: Value] {
      let known = (values ?? [:]).filter { numbers.indices.contains($0.key) }
      return Dictionary(uniqueKeysWithValues: known.map { (numbers[$0.key], $0.value) })
    }
    found.probes = numbered(found.probes)
    if let enough = found.enough { found.enough = Set(enough.filter(numbers.indices.contains).map { numbers[$0] }) }
    found.refused = refused.merging(numbered(found.refused)) { first, _ in first }
    return Execution(failure: failure).adding(found).adding(Execution(untraceable: untraceable))
  }
}

/// The maximum number of functions probed in a guest: a header that everything includes changes thousands.
private let mostFunctions = 400

extension SeriesTree {
  /// Finds the functions of a change in the kernel that was built.
  /// - Throws: file system errors.
  public func trace(of examined: ExaminedChange) async throws -> CodeTrace {
    guard let file = file("vmlinux") else {
      return CodeTrace(request: TraceRequest([]), untraceable: [], failure: "the build left no vmlinux")
    }
    return try await Blocking.run {
      Result {
        let data = try Data(contentsOf: URL(filePath: file.string), options: .mappedIfSafe)
        let table = data.withUnsafeBytes { TraceTable($0, calls: self.base.profile.instructions.traceSite) }
        guard let table else {
          return CodeTrace(
            request: TraceRequest([]), untraceable: [],
            failure: "the configuration has no function tracer (CONFIG_FUNCTION_TRACER, CONFIG_DYNAMIC_FTRACE)")
        }
        let module = self.file("\(DriverPlace.directory)/pbtest.ko")
          .flatMap { try? Data(contentsOf: URL(filePath: $0.string), options: .mappedIfSafe) }
        let driver = module.flatMap { $0.withUnsafeBytes { ObjectCode($0)?.functions } } ?? []
        var trace = CodeTrace(examined.change, table, driver: driver)
        trace.look(at: examined.probes, in: table.places, driver: driver)
        return trace
      }
    }.get()
  }
}

extension BaseBuild {
  /// Finds functions and instructions in the base's own kernel.
  /// - Returns: `nil` if its configuration has no function tracer.
  /// - Throws: file system errors.
  public func trace(
    _ functions: [CodeChange.Function], probes: [LinePlan.Probe] = []
  ) async throws -> CodeTrace? {
    let file = tree.appending("vmlinux")
    return try await Blocking.run {
      Result {
        let data = try Data(contentsOf: URL(filePath: file.string), options: .mappedIfSafe)
        return data.withUnsafeBytes { TraceTable($0, calls: profile.instructions.traceSite) }.map { table in
          var trace = CodeTrace(CodeChange(functions: functions), table, driver: [])
          trace.look(at: probes, in: table.places, driver: [])
          return trace
        }
      }
    }.get()
  }
}

extension CodeTrace {
  /// Takes the functions of the changed pieces first, then those that only follow from them.
  /// - Parameter driver: the functions of the test driver, if this tree has its own.
  init(_ change: CodeChange, _ table: TraceTable, driver: [ObjectCode.Function]) {
    var files: [String: String] = [:]
    for function in change.functions { files[function.name] = function.file }
    var names: [String] = []
    var seen: Set<String> = []
    let own = change.pieces.filter { $0.carriers.contains($0.name) }.map(\.name)
    for name in own + change.pieces.flatMap(\.carriers) + change.functions.map(\.name) where seen.insert(name).inserted
    {
      if files[name] == nil { files[name] = change.pieces.first { $0.carriers.contains(name) }?.file }
      names.append(name)
    }
    var functions: [TraceRequest.Function] = []
    untraceable = []
    for name in names.prefix(mostFunctions) {
      if files[name]?.hasPrefix(DriverPlace.directory + "/") == true {
        // The driver may have the function only inlined into others.
        let own = driver.filter { $0.name == name }
        if own.isEmpty { untraceable.append(name) }
        for function in own {
          functions.append(
            TraceRequest.Function(TraceRequest.Place(function.offset, driverSection: function.section), name: name))
        }
        continue
      }
      let base = files[name].map { String($0.split(separator: "/").last ?? "") } ?? ""
      let entries = table.entries(of: name, in: base)
      if entries.isEmpty { untraceable.append(name) }
      for entry in entries {
        functions.append(TraceRequest.Function(TraceRequest.Place(entry.address), name: entry.name))
      }
    }
    // What is not requested is not known not to run.
    untraceable += names.dropFirst(mostFunctions)
    request = TraceRequest(functions)
  }
}

extension CodeTrace {
  /// Adds the probes whose places in the image are known.
  /// - Parameters:
  ///   - driver: the functions of the test driver, if this tree has its own.
  mutating func look(
    at probes: [LinePlan.Probe], in places: TraceTable.Places, driver: [ObjectCode.Function]
  ) {
    for (number, probe) in probes.enumerated() {
      // `drivers/dma-buf/dma-buf.o` is made from `dma-buf.c`, which distinguishes functions of the same name in
      // the symbol table.
      let test = probe.test.map(TraceRequest.Probe.Test.init)
      if probe.object.hasPrefix(DriverPlace.directory + "/") {
        let named = driver.filter { $0.name == probe.function }
        if named.count == 1 {
          request.probes.append(
            TraceRequest.Probe(
              TraceRequest.Place(named[0].offset + probe.offset, driverSection: named[0].section), test: test))
          numbers.append(number)
        } else {
          refused[number] = "\(probe.function)() is not in the test driver"
        }
        continue
      }
      let file = String(probe.object.split(separator: "/").last?.dropLast(2) ?? "") + ".c"
      do {
        let function = try places.address(of: probe.function, in: file)
        request.probes.append(TraceRequest.Probe(TraceRequest.Place(function + probe.offset), test: test))
        numbers.append(number)
      } catch {
        refused[number] = error.reason
      }
    }
  }
}

extension TraceRequest.Probe.Test {
  fileprivate init(_ test: BranchTest) {
    switch test.source {
    case .flags: self.init(bits: test.bits, table: test.table)
    case .register(let number, let width):
      self.init(Register(number, width: width), bits: test.bits, table: test.table)
    }
  }
}
