// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// git, kept away from everything on the machine that could change what it does.
public enum Git {
  /// A git command with no configuration of the user's or the system's, no hooks, no prompts, and blind to any
  /// repository above `directory`.
  public static func tool(_ arguments: [String], in directory: FilePath? = nil) -> Tool {
    var environment = Tool.plainEnvironment
    environment["GIT_CONFIG_NOSYSTEM"] = "1"
    environment["GIT_CONFIG_GLOBAL"] = "/dev/null"
    environment["GIT_TERMINAL_PROMPT"] = "0"
    environment["GIT_ATTR_NOSYSTEM"] = "1"
    // Without this, a tree below somebody's repository would be taken for a part of it, and `git apply` then
    // silently skips every path.
    let ceiling = directory.map { $0.removingLastComponent().string } ?? "/"
    environment["GIT_CEILING_DIRECTORIES"] = ceiling
    return Tool("git", ["-c", "core.hooksPath=/dev/null"] + arguments, in: directory, environment: environment)
  }
}
