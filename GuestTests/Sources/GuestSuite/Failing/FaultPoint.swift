// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import Glibc

/// Has one allocation, or one access to user memory, of this task fail: the first, the second, … of what it does next
/// (`Documentation/fault-injection/fault-injection.rst`, fail-nth). Nobody else's fail.
struct FaultPoint {
  /// What may fail. One kind at a time: now and then an object needs a page for more of its like (a refill of its slab),
  /// which would be one place more, and whatever comes behind it would be passed over by who counts.
  enum Kind: String, CaseIterable {
    /// Objects of the slab allocator, and accesses to user memory.
    case objects
    /// Pages, and accesses to user memory.
    case pages
  }

  private let file: OpenFile

  /// For ``Kind/objects``, to begin with.
  /// - Throws: ``Skip`` where the kernel cannot do it.
  init() throws {
    do {
      file = try OpenFile("/proc/thread-self/fail-nth")
    } catch {
      throw error.code == ENOENT
        ? Skip(reason: "this kernel fails nothing on demand (CONFIG_FAULT_INJECTION)") : error as any Error
    }
    // Each once, so that no later choice takes memory for what the kernel keeps of these files' names.
    for kind in [Kind.pages, .objects] { try choose(kind) }
  }

  func choose(_ kind: Kind) throws {
    // Those that may sleep as well, which are nearly all; single pages and those of user space as well. And not a word
    // of each in the log: it would be a stack a time.
    for (name, value) in [
      ("failslab/ignore-gfp-wait", "N"), ("failslab/verbose", "0"), ("fail_page_alloc/ignore-gfp-wait", "N"),
      ("fail_page_alloc/ignore-gfp-highmem", "N"), ("fail_page_alloc/verbose", "0"), ("fail_usercopy/verbose", "0"),
      // With a filter only of caches that are marked, and none is; no allocation is of the 16th order.
      ("failslab/cache-filter", kind == .objects ? "N" : "Y"),
      ("fail_page_alloc/min-order", kind == .pages ? "0" : "16"),
    ] {
      try writeText(value, to: "/sys/kernel/debug/\(name)")
    }
  }

  func close() { file.close() }

  /// Runs a body in which the nth such place fails; with 0 for a number, none.
  /// - Returns: whether the body came that far.
  func failing(_ number: Int, _ body: () -> Int32) throws -> (code: Int32, fired: Bool) {
    if cguest_fail_nth(file.number, UInt32(number)) != 0 { throw CallFailed("ask for a failure") }
    let code = body()
    let fired = cguest_fail_nothing(file.number) != 0 && number > 0
    return (code, fired)
  }
}

/// The errno of a call that answered with something below 0; 0 of one that succeeded.
func code(_ answer: Int32) -> Int32 { answer < 0 ? errno : 0 }
