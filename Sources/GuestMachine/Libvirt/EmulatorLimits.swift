// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc
import SystemPackage

/// What the QEMU of one guest may use of the host, enforced by resource limits of its process. These work everywhere,
/// whereas cgroups are rarely available in a container. A guest has fixed memory and a fixed number of processors, so
/// it stays far below all limits; an emulator that its guest has taken over might not. Exceeding a limit makes QEMU
/// fail and exit: that machine dies, and no other guest is affected.
///
/// These limits do not bound the processor time at any moment (one thread per guest processor, and a few more), nor
/// what the host's kernel holds for the process.
struct EmulatorLimits: Sendable, Hashable {
  /// In bytes, of all its mappings: the guest's memory, 1 GiB for translated code, 256 MiB for the GPU's buffers,
  /// threads' stacks, and what the C library reserves for each thread. A guest of 512 MiB maps 2 GiB.
  var memory: Int
  /// In bytes, of any file that it writes. The largest is a dump of the guest's memory. Otherwise it writes only its
  /// error messages, which a guest can provoke.
  var file: Int
  /// In seconds, of all its threads: four times what a guest uses with the longest possible run time limit. It also
  /// ends a guest whose patchbench was killed, if nothing else does.
  var processorTime = 24 * 3600
  var openFiles = 1024
  /// Processes and threads of the whole account, over all guests; `nil` for an ordinary user's account, which also has
  /// other processes.
  var processes: Int?
  private var account: GuestAccount

  /// - Parameter account: the account that QEMU runs as; `nil` for the current user.
  init(_ spec: MachineSpec, account: GuestAccount?) {
    self.account = account ?? GuestAccount(user: getuid(), group: getgid())
    memory = spec.memory << 20 + 3 << 30
    file = spec.memory << 20 + 1 << 30
    processes = account == nil ? nil : 4096
  }

  /// Imposes the limits permanently: an unprivileged process cannot raise a lowered limit, and QEMU's seccomp filter
  /// does not let it try.
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
