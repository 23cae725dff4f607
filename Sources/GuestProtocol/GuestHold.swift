// SPDX-License-Identifier: Apache-2.0

/// How a guest started with `patchbench.hold` waits for its orders.
///
/// It prepares everything that does not depend on them, writes ``line`` to its results port, and reads one line
/// of ``GuestOptions/orders(_:)`` from a separate port. A guest saved at that point continues from there each
/// time it is restored.
public enum GuestHold {
  /// The line that the guest writes to its results port, without the newline: a comment, which KTAP readers skip.
  public static let line = "# patchbench: holding"
  /// The name under /sys/class/virtio-ports by which the guest finds its orders port.
  public static let ordersPort = "org.patchbench.orders.0"
  /// The maximum length of orders in bytes, including the newline. It holds a few hundred test names. It is half the
  /// capacity of a FIFO, so that the host can write the orders before there is a reader.
  public static let longestOrders = 32 << 10
}
