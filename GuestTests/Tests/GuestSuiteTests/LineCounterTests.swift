import GuestProtocol
import Testing

@testable import GuestSuite

@Suite("What a histogram says")
struct LineCounterTests {
  private typealias Entry = LineCounter.Entry

  @Test("the numbers of each entry stand behind its colons, and those that found no place are told")
  func entries() {
    let text = """
      # event histogram
      #
      # trigger info: hist:keys=__probe_ip,flags:vals=hitcount:sort=hitcount:size=2048 [active]
      #

      { __probe_ip: 18446744071589617962, flags:        582 } hitcount:          3
      { __probe_ip: 18446744071589617962, flags:        518 } hitcount:         12

      Totals:
          Hits: 15
          Entries: 2
          Dropped: 7

      """
    let (entries, dropped) = LineCounter.parse(Array(text.utf8))
    let address: UInt64 = 18_446_744_071_589_617_962
    #expect(
      entries == [
        Entry(key: Entry.Key(address: address, flags: 582), count: 3),
        Entry(key: Entry.Key(address: address, flags: 518), count: 12),
      ])
    #expect(dropped == 7)
  }

  @Test("without flags, and with nothing")
  func plain() {
    let text = """
      # trigger info: hist:keys=__probe_ip:vals=hitcount:sort=hitcount:size=2048 [active]

      { __probe_ip: 18446744071589617962 } hitcount:       1200

      Totals:
          Hits: 1200
          Entries: 1
          Dropped: 0

      """
    let (entries, dropped) = LineCounter.parse(Array(text.utf8))
    #expect(entries == [Entry(key: Entry.Key(address: 18_446_744_071_589_617_962), count: 1200)])
    #expect(dropped == 0)
    #expect(LineCounter.parse([]).entries.isEmpty)
  }
}
