// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import SystemPackage

/// What libvirt starts instead of QEMU if patchbench is root: QEMU, with only the rights of the guests' account.
///
/// libvirt probes QEMU's capabilities as that account, but with root's right to open any file (`CAP_DAC_OVERRIDE`). The
/// result is valid only while it agrees with whether the account itself may open /dev/kvm. If only root may, the two
/// never agree, and libvirt probes again at every step (9.0: `qemuProcessQMPLaunch()`, `virQEMUCapsIsValid()`):
/// starting a guest then takes ten seconds or more, instead of half a second.
enum ModestEmulator {
  /// Writes the script, unless it is already as needed: to libvirt, a file with another timestamp is another QEMU.
  /// - Parameters:
  ///   - file: in a directory that the account may traverse.
  ///   - executable: QEMU's.
  /// - Returns: whether it can be started. It cannot if QEMU is not installed, or if the file system is mounted noexec.
  static func write(_ file: FilePath, for executable: String, environment: [String: String]) throws -> Bool {
    guard let emulator = find(executable, in: environment["PATH"] ?? "/usr/bin"), let text = text(emulator) else {
      return false
    }
    if (try? String(contentsOfFile: file.string, encoding: .utf8)) != text {
      try Data(text.utf8).write(to: URL(filePath: file.string), options: .atomic)
    }
    var status = stat()
    guard lstat(file.string, &status) == 0 else { throw Errno(rawValue: errno) }
    // Setting the mode that it already has would change its timestamp as well.
    if status.st_mode & 0o7777 != 0o755, chmod(file.string, 0o755) != 0 { throw Errno(rawValue: errno) }
    return access(file.string, X_OK) == 0
  }

  private static func find(_ executable: String, in path: String) -> FilePath? {
    path.split(separator: ":").map { FilePath(String($0)).appending(executable) }
      .first { $0.isAbsolute && access($0.string, X_OK) == 0 }
  }

  /// - Returns: `nil` if the emulator's path has characters that a shell would interpret.
  static func text(_ emulator: FilePath) -> String? {
    var status = stat()
    let isPlain = emulator.string.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
        || "/._-+".utf8.contains($0)
    }
    guard isPlain, stat(emulator.string, &status) == 0 else { return nil }
    return """
      #!/bin/sh
      # Written by patchbench. Another QEMU makes another file: \(status.st_ino) \(status.st_size) \(status.st_ctim.tv_sec)
      exec setpriv --ambient-caps -all --inh-caps -all \(emulator) "$@"

      """
  }
}
