// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GuestSuite

exit(GuestCommand(arguments: CommandLine.arguments, pid: getpid()).run())
