public import BenchModel
import Foundation
public import GuestProtocol
import KernelCode
import SystemPackage
import Toolbox

/// Which functions of a series' kernel are to be counted.
public struct CodeTrace: Sendable, Hashable {
  /// For the guest.
  public var request: TraceRequest
  /// Functions that are worth counting and that the kernel cannot count.
  var untraceable: [String]
  /// Why nothing can be counted.
  var failure: String?

  /// What the guest counted, with what it could not be asked for.
  /// - Parameter counted: `nil` if it said nothing of any function.
  public func execution(of counted: Execution?) -> Execution {
    Execution(failure: failure).adding(counted ?? Execution()).adding(Execution(untraceable: untraceable))
  }
}

/// A guest stops at no more functions than this: a header that everything includes changes thousands.
private let mostFunctions = 400

extension SeriesTree {
  /// Finds the functions of a change in the kernel that was built.
  /// - Throws: what the file system says.
  public func trace(of change: CodeChange) async throws -> CodeTrace {
    guard let file = file("vmlinux") else {
      return CodeTrace(request: TraceRequest([]), untraceable: [], failure: "the build left no vmlinux")
    }
    return try await Blocking.run {
      Result {
        let data = try Data(contentsOf: URL(filePath: file.string), options: .mappedIfSafe)
        let table = data.withUnsafeBytes { TraceTable($0) }
        guard let table else {
          return CodeTrace(
            request: TraceRequest([]), untraceable: [],
            failure: "the configuration has no function tracer (CONFIG_FUNCTION_PROFILER, CONFIG_DYNAMIC_FTRACE)")
        }
        return CodeTrace(change, table)
      }
    }.get()
  }
}

extension CodeTrace {
  /// Those of the changed pieces first, then what is only a consequence.
  init(_ change: CodeChange, _ table: TraceTable) {
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
        functions.append(TraceRequest.Function(number: nil, name: name))
        continue
      }
      let base = files[name].map { String($0.split(separator: "/").last ?? "") } ?? ""
      let entries = table.entries(of: name, in: base)
      if entries.isEmpty { untraceable.append(name) }
      for entry in entries { functions.append(TraceRequest.Function(number: entry.number, name: entry.name)) }
    }
    // What is not asked for is not known not to run.
    untraceable += names.dropFirst(mostFunctions)
    request = TraceRequest(functions)
  }
}
