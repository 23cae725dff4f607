// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import SystemPackage
import Yams

/// A series with a known answer.
public struct SeededSeries: Sendable {
  public var source: any SeriesSource
  public var expectation: Expectation

  /// Finds the seeded series for a kernel.
  ///
  ///     DIRECTORY/expect/NAME.yaml              its expected verdict
  ///     DIRECTORY/{faults,harmless}/NAME/       the series
  ///     DIRECTORY/{faults,harmless}-6.1/NAME/   the same for linux-6.1, if the code differs there
  ///
  /// - Parameter kernel: the name of a kernel. The part after the last dash is its version.
  /// - Throws: ``IntakeError`` if an expectation cannot be read or has no series, or if there are none.
  public static func find(in root: FilePath, kernel: String) throws(IntakeError) -> [SeededSeries] {
    let manager = FileManager.default
    let expectations = root.appending("expect")
    guard let names = try? manager.contentsOfDirectory(atPath: expectations.string) else {
      throw .noSuchPath(expectations.string)
    }
    let version = kernel.split(separator: "-").last.map(String.init) ?? kernel
    var found: [SeededSeries] = []
    for file in names.sorted() where file.hasSuffix(".yaml") {
      let path = expectations.appending(file)
      let name = String(file.dropLast(5))
      let written = try Written(path)
      guard written.kernels.contains(kernel) else { continue }
      let kind = written.isHarmless ? "harmless" : "faults"
      let places = ["\(kind)-\(version)", kind].map { root.appending($0).appending(name) }
      guard let place = places.first(where: { manager.fileExists(atPath: $0.string) }) else {
        throw .noSuchPath(places[1].string)
      }
      guard let source = try SeriesForms.find([place.string]).first else { throw .empty(place.string) }
      found.append(SeededSeries(source: source, expectation: try written.expectation(of: name, path)))
    }
    if found.isEmpty { throw .empty(root.string) }
    return found
  }

  /// Returns what must catch each fault, by the name of its series. Series that nothing needs to catch are left out.
  public static func witnesses(of series: [SeededSeries]) -> [String: [Witness]] {
    var found: [String: [Witness]] = [:]
    for one in series {
      if case .caught(let witnesses) = one.expectation.answer, !witnesses.isEmpty {
        found[one.expectation.series] = witnesses
      }
    }
    return found
  }

  /// Returns the reasons for keeping tests that no planted fault makes fail, from `DIRECTORY/silent.yaml`, which is
  /// optional.
  /// - Throws: ``IntakeError`` if it cannot be read.
  public static func silenceReasons(in root: FilePath) throws(IntakeError) -> [SilenceReason] {
    let path = root.appending("silent.yaml")
    if !FileManager.default.fileExists(atPath: path.string) { return [] }
    do {
      return try YAMLDecoder().decode([SilenceReason].self, from: Data(contentsOf: URL(filePath: path.string)))
    } catch { throw .unreadable(path.string, reason: "\(error)") }
  }

  /// The file's contents.
  private struct Written: Decodable {
    struct Seen: Decodable {
      var test: String?
      var report: String?
    }

    var fault: String
    var kernels: [String]
    var verdict: String?
    var witnesses: [Seen]?
    var told: [String]?

    enum CodingKeys: String, CodingKey {
      case fault = "class"
      case kernels
      case verdict
      case witnesses = "caught-by"
      case told = "told-by"
    }

    var isHarmless: Bool { verdict != nil }

    init(_ path: FilePath) throws(IntakeError) {
      do {
        self = try YAMLDecoder().decode(Written.self, from: String(contentsOfFile: path.string, encoding: .utf8))
      } catch { throw .unreadable(path.string, reason: "\(error)") }
    }

    func expectation(of name: String, _ path: FilePath) throws(IntakeError) -> Expectation {
      if let verdict {
        guard verdict == Verdict.clean.rawValue, witnesses == nil, told == nil else {
          throw .unreadable(
            path.string, reason: "a harmless series has the verdict “clean”, and neither caught-by nor told-by")
        }
        return Expectation(series: name, fault: fault, answer: .clean)
      }
      if let told {
        guard witnesses == nil, !told.isEmpty else {
          throw .unreadable(path.string, reason: "a difference by design has told-by, and no caught-by")
        }
        return Expectation(series: name, fault: fault, answer: .told(by: told))
      }
      var list: [Witness] = []
      for seen in witnesses ?? [] {
        switch (seen.test, seen.report) {
        case (let test?, nil): list.append(.test(test))
        case (nil, let report?): list.append(.report(report))
        default: throw .unreadable(path.string, reason: "each entry of caught-by must be one test or one report")
        }
      }
      return Expectation(series: name, fault: fault, answer: .caught(by: list))
    }
  }
}
