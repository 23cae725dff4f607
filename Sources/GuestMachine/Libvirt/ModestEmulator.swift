// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import SystemPackage

/// What libvirt starts in QEMU's place where patchbench is root: QEMU, with the rights of the guests' account and none
/// besides.
///
/// libvirt asks QEMU what it can do as that account, but with root's right to open any file (`CAP_DAC_OVERRIDE`), and what
/// it was told counts for as long as it agrees with whether the account may open /dev/kvm. Where root alone may, the two
/// never agree, and libvirt asks anew at every step (9.0: `qemuProcessQMPLaunch()`, `virQEMUCapsIsValid()`): a guest's start
/// then takes ten seconds and more, instead of half of one.
enum ModestEmulator {
  static let executable = Architecture.host.emulation.program

  /// Writes it, unless it is there as it has to be: libvirt takes a file with another time for another QEMU.
  /// - Parameter file: in a directory that the account may pass through.
  /// - Returns: whether it can be started. Not where QEMU is not installed, or the file system starts no programs.
  static func write(_ file: FilePath, environment: [String: String]) throws -> Bool {
    guard let emulator = find(in: environment["PATH"] ?? "/usr/bin"), let text = text(emulator) else { return false }
    if (try? String(contentsOfFile: file.string, encoding: .utf8)) != text {
      try Data(text.utf8).write(to: URL(filePath: file.string), options: .atomic)
    }
    var status = stat()
    guard lstat(file.string, &status) == 0 else { throw Errno(rawValue: errno) }
    // To give it the mode that it has would give it another time as well.
    if status.st_mode & 0o7777 != 0o755, chmod(file.string, 0o755) != 0 { throw Errno(rawValue: errno) }
    return access(file.string, X_OK) == 0
  }

  private static func find(in path: String) -> FilePath? {
    path.split(separator: ":").map { FilePath(String($0)).appending(executable) }
      .first { $0.isAbsolute && access($0.string, X_OK) == 0 }
  }

  /// - Returns: `nil` if the emulator's name is none that a shell would take as it is.
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
