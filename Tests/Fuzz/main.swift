// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

// Feeds damaged inputs to every parser of untrusted input: consoles, KTAP, patches, compiler output, sources.
//
//     swift run -c release patchbench-fuzz [--seconds 600] [--seed N] [--round N]
//
// Each round damages one fixture of the tests, one patch, or this program itself, and gives it to all parsers. If a
// parser traps, the program ends and prints the round's number on standard error; `--round` repeats that round alone. A
// parser whose time grows faster than its input is found by feeding it the same input eight times over.

struct Options {
  var seconds = 600.0
  var seed: UInt64 = 1
  var round: UInt64?

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { Self.usage() }
      switch (name, Double(value), UInt64(value)) {
      case ("--seconds", let seconds?, _) where seconds > 0: self.seconds = seconds
      case ("--seed", _, let seed?): self.seed = seed
      case ("--round", _, let round?): self.round = round
      default: Self.usage()
      }
    }
  }

  static func usage() -> Never {
    FileHandle.standardError.write(Data("usage: patchbench-fuzz [--seconds N] [--seed N] [--round N]\n".utf8))
    exit(2)
  }
}

/// The current round, for the signal handler.
nonisolated(unsafe) var currentRound: UInt64 = 0

/// Prints the round's number in a signal handler, which must not allocate.
func sayRoundOnTrap() {
  for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
    signal(number) { number in
      var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
      withUnsafeMutableBytes(of: &digits) { space in
        var rest = currentRound
        var at = space.count
        repeat {
          at -= 1
          space[at] = UInt8(rest % 10) + 48
          rest /= 10
        } while rest > 0 && at > 0
        write(2, "trapped in round ", 17)
        write(2, space.baseAddress! + at, space.count - at)
        write(2, "\n", 1)
      }
      signal(number, SIG_DFL)
      raise(number)
    }
  }
}

/// Returns real inputs of every kind from the checkout in which this is run.
func corpus() -> [[UInt8]] {
  var files: [[UInt8]] = []
  for root in ["Tests", "Patches", "Kernels"] {
    guard let walk = FileManager.default.enumerator(atPath: root) else { continue }
    for name in walk.allObjects.compactMap({ $0 as? String }).sorted() {
      let kinds = [".log", ".txt", ".patch", ".config", ".md", ".swift"]
      guard kinds.contains(where: name.hasSuffix), let data = FileManager.default.contents(atPath: "\(root)/\(name)"),
        data.count < 200_000
      else { continue }
      files.append(Array(data))
    }
  }
  if let own = FileManager.default.contents(atPath: "/proc/self/exe") { files.append(Array(own.prefix(65536))) }
  return files
}

/// Returns CPU time, because the machine may be busy otherwise.
func seconds(_ body: () -> Void) -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
  let begun = now()
  body()
  return now() - begun
}

let options = Options(CommandLine.arguments)
let inputs = corpus()
guard inputs.count > 50 else {
  FileHandle.standardError.write(Data("patchbench-fuzz: no fixtures here; run it in the checkout\n".utf8))
  exit(2)
}
sayRoundOnTrap()
let began = ContinuousClock.now
var found = 0
var bytesRead = 0
var round = options.round ?? 0
while options.round != nil || (ContinuousClock.now - began) / .seconds(1) < options.seconds {
  currentRound = round
  var damage = Damage(seed: options.seed, round: round)
  let input = damage.damaged(inputs[damage.below(inputs.count)], with: inputs[damage.below(inputs.count)])
  for target in Target.allCases {
    var complaint: String?
    let once = seconds { complaint = target.read(input) }
    bytesRead += input.count
    // Only occasionally, because it costs as much as eight rounds. Below a few milliseconds the clock is too coarse.
    if complaint == nil, round % 64 == 0, once > 0.002 {
      let eight = Array(repeatElement(input, count: 8).joined())
      let longer = seconds { _ = target.read(eight) }
      let again = longer > once * 24 ? seconds { _ = target.read(eight) } : longer
      if again > once * 24 { complaint = "eight times the input takes \(Int(again / once)) times as long" }
    }
    if let complaint {
      found += 1
      print("round \(round), \(target.rawValue): \(complaint)")
    }
  }
  if options.round != nil { break }
  round += 1
}
var usage = rusage()
getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
print(
  "\(round) rounds, seed \(options.seed), \(bytesRead / 1_000_000) MB read by \(Target.allCases.count) readers, "
    + "\(usage.ru_utime.tv_sec) s of CPU time: \(found) complaints")
exit(found == 0 ? 0 : 1)
