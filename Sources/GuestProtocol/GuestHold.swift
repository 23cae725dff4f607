// SPDX-License-Identifier: Apache-2.0

/// How a guest that was started with `patchbench.hold` waits for its orders.
///
/// It prepares all that does not depend on them, says ``line`` on its results port, and reads one line of
/// ``GuestOptions/orders(_:)`` from a port of its own. Saved at that point, it goes on from there each time it is restored.
public enum GuestHold {
  /// What the guest writes on its results port, without the newline: a comment, which KTAP readers pass over.
  public static let line = "# patchbench: holding"
  /// The name by which the guest finds its orders port under /sys/class/virtio-ports.
  public static let ordersPort = "org.patchbench.orders.0"
  /// The most bytes of orders, newline included. Some hundred names of tests; half of what a FIFO holds, so that the
  /// host can leave them there before anybody reads.
  public static let longestOrders = 32 << 10
}
