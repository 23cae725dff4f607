// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Toolbox

/// The small disk of each guest, on which its PID 1 leaves what it tells and what its kernel logs, for the case that the
/// channels lose it. It is the guest's alone: the host never mounts it, and reads it by ``StateReader`` when the guest is
/// gone.
enum StateDisk {
  /// Makes an empty one. Sixteen mebibytes hold a hundred times what a guest that does well has to say, and a full one keeps
  /// what it has; they take no room before something is written there.
  static func make(_ image: FilePath) async throws(ToolError) {
    // No journal, no room set aside, few inodes: what costs a guest as little as can be to mount.
    _ = try await Tool("mke2fs", ["-q", "-F", "-t", "ext2", "-m", "0", "-N", "16", image.string, "16M"]).output()
  }
}
