// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Makes one allocation, or one access to user memory, of this task fail: the first, the second, … from now on
/// (`Documentation/fault-injection/fault-injection.rst`, fail-nth). Other tasks are not affected.
struct FaultPoint {
  /// What may fail. One kind at a time: occasionally an object needs a page for its slab. With both kinds that would be
  /// one more place, and counting the places would then skip whatever follows it.
  enum Kind: String, CaseIterable {
    /// Objects of the slab allocator, and accesses to user memory.
    case objects
    /// Pages, and accesses to user memory.
    case pages
  }

  private let file: OpenFile

  /// Starts with ``Kind/objects``.
  /// - Throws: ``Failure/skip(_:)`` if the kernel does not support it.
  init() throws(Failure) {
    do {
      file = try OpenFile("/proc/thread-self/fail-nth")
    } catch {
      throw error.code == ENOENT
        ? .skip("this kernel has no fault injection (CONFIG_FAULT_INJECTION)") : error
    }
    // Each once, so that the kernel has already allocated what it keeps of these files' names.
    for kind in [Kind.pages, .objects] { try choose(kind) }
  }

  /// - Parameter sparesWaiting: whether an allocation that may wait for memory, as nearly all may, never fails.
  func choose(_ kind: Kind, sparesWaiting: Bool = false) throws(Failure) {
    // Includes single pages, and those of user space. Nothing is logged: that would be a stack trace for each.
    let spares = sparesWaiting ? "Y" : "N"
    for (name, value) in [
      ("failslab/ignore-gfp-wait", spares), ("failslab/verbose", "0"), ("fail_page_alloc/ignore-gfp-wait", spares),
      ("fail_page_alloc/ignore-gfp-highmem", "N"), ("fail_page_alloc/verbose", "0"), ("fail_usercopy/verbose", "0"),
      // With this filter only marked caches fail, and none is marked. No allocation is of order 16.
      ("failslab/cache-filter", kind == .objects ? "N" : "Y"),
      ("fail_page_alloc/min-order", kind == .pages ? "0" : "16"),
    ] {
      try writeText(value, to: "/sys/kernel/debug/\(name)")
    }
  }

  func close() { file.close() }

  /// Runs a body in which the nth such place fails; none if the number is 0.
  /// - Returns: the body's errno, and whether the nth place was reached.
  func failing(_ number: Int, _ body: () -> Int32) throws(Failure) -> (code: Int32, fired: Bool) {
    if cguest_fail_nth(file.number, UInt32(number)) != 0 { throw .call("ask for a failure") }
    let code = body()
    let fired = cguest_fail_nothing(file.number) != 0 && number > 0
    return (code, fired)
  }
}

/// The errno of a call that returned a negative value; 0 if it succeeded.
func code(_ answer: Int32) -> Int32 { answer < 0 ? errno : 0 }
