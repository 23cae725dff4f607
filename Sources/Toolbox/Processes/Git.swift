// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// git, isolated from everything on the machine that could change its behaviour.
public enum Git {
  /// Returns a git command without user or system configuration, hooks or prompts, that ignores any repository above
  /// `directory`.
  public static func tool(_ arguments: [String], in directory: FilePath? = nil) -> Tool {
    var environment = Tool.plainEnvironment
    environment["GIT_CONFIG_NOSYSTEM"] = "1"
    environment["GIT_CONFIG_GLOBAL"] = "/dev/null"
    environment["GIT_TERMINAL_PROMPT"] = "0"
    environment["GIT_ATTR_NOSYSTEM"] = "1"
    // Without this, a tree inside another repository would be treated as a part of it, and `git apply` would silently
    // skip every path.
    let ceiling = directory.map { $0.removingLastComponent().string } ?? "/"
    environment["GIT_CEILING_DIRECTORIES"] = ceiling
    return Tool("git", ["-c", "core.hooksPath=/dev/null"] + arguments, in: directory, environment: environment)
  }
}
