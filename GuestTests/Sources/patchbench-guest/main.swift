// SPDX-License-Identifier: Apache-2.0

internal import CLibc
internal import GuestSuite

exit(GuestCommand(arguments: GuestCommand.arguments, pid: getpid()).run())
