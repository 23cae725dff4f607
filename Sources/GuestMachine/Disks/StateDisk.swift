// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Toolbox

/// The small disk of each guest. Its PID 1 writes its results and the kernel log there too, in case the channels lose
/// them. The host never mounts it; ``StateReader`` reads it once the guest is gone.
enum StateDisk {
  /// Makes an empty disk. 16 MiB hold a hundred times the output of a guest that passes, and a full disk keeps what it
  /// has. The image is sparse, so it takes no space until something is written.
  static func make(_ image: FilePath) async throws(ToolError) {
    // No journal, no reserved blocks, few inodes: as cheap as possible for the guest to mount.
    _ = try await Tool("mke2fs", ["-q", "-F", "-t", "ext2", "-m", "0", "-N", "16", image.string, "16M"]).output()
  }
}
