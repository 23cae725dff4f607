// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc
import SystemPackage

/// What the QEMU of one guest may use of the host, by resource limits of its process, which hold everywhere; cgroups are
/// seldom to be had in a container. A guest has a fixed memory and a fixed number of processors, so none comes near to any of
/// them; an emulator that its guest has taken over would. What is beyond a limit fails, and QEMU ends by it: that is a
/// machine that died, and of no other guest.
///
/// Not bounded by this are the processor time of a moment (a thread for each of the guest's processors, and a few more),
/// and what the host's kernel holds for the process.
struct EmulatorLimits: Sendable, Hashable {
  /// In bytes, of all that it has mapped: the guest's memory, a GiB for translated code, 256 MiB for the GPU's buffers,
  /// threads' stacks and what the C library sets aside for each thread. A guest of 512 MiB has 2 GiB.
  var memory: Int
  /// In bytes, of any file that it writes: a dump of the guest's memory is the longest. Else its own complaints, which a guest
  /// can provoke.
  var file: Int
  /// In seconds, of all its threads: four times what guests take whose time for the run is stretched as far as can be. A
  /// guest whose patchbench was killed ends by it, if nobody else ends it.
  var processorTime = 24 * 3600
  var openFiles = 1024
  /// Processes and threads of the whole account; `nil` where it is a user's own, who has others beside guests. Counted are
  /// those of all guests together.
  var processes: Int?
  private var account: GuestAccount

  /// - Parameter account: who QEMU is; `nil` for whoever this is.
  init(_ spec: MachineSpec, account: GuestAccount?) {
    self.account = account ?? GuestAccount(user: getuid(), group: getgid())
    memory = spec.memory << 20 + 3 << 30
    file = spec.memory << 20 + 1 << 30
    processes = account == nil ? nil : 4096
  }

  /// Imposes them for good: without privileges a process cannot raise what was lowered for it, and QEMU's filter of system
  /// calls does not let it try.
  /// - Throws: `Errno`
  func impose(on process: pid_t) throws {
    var list = [
      (RLIMIT_AS, memory), (RLIMIT_FSIZE, file), (RLIMIT_CPU, processorTime), (RLIMIT_NOFILE, openFiles),
      (RLIMIT_CORE, 0),
    ]
    if let processes { list.append((__RLIMIT_NPROC, processes)) }
    let limits = list.map { clibvirt_limit(resource: Int32($0.0.rawValue), most: UInt64($0.1)) }
    let failure = clibvirt_lower_limits(process, account.user, account.group, limits, Int32(limits.count))
    guard failure == 0 else { throw Errno(rawValue: failure) }
  }
}
