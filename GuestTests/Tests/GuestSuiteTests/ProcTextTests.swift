// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import GuestSuite

@Suite("Reading the kernel's texts")
struct ProcTextTests {
  @Test("a mapping of a chardev at a fake offset")
  func chardev() throws {
    let entry = try #require(
      MapsEntry(line: "7f5c3a200000-7f5c3a210000 rw-s 100004000 00:06 112                       /dev/dri/card0"))
    #expect(entry.start == 0x7f5c_3a20_0000)
    #expect(entry.end == 0x7f5c_3a21_0000)
    #expect(entry.offset == 0x1_0000_4000)
    #expect(entry.inode == 112)
    #expect(entry.path == "/dev/dri/card0")
  }

  @Test("a path with spaces is kept whole")
  func spaces() throws {
    let entry = try #require(MapsEntry(line: "1000-2000 rw-s 00000000 00:01 7    /memfd:patchbench (deleted)"))
    #expect(entry.path == "/memfd:patchbench (deleted)")
  }

  @Test("memory without a file has no path")
  func anonymous() throws {
    let entry = try #require(MapsEntry(line: "1000-2000 rw-p 00000000 00:00 0 "))
    #expect(entry.path.isEmpty)
  }

  @Test("other lines are not mappings", arguments: ["", "Size:  4 kB", "1000 rw-p 0 00:00 0", "1-2-3 rw-p 0 00:00 0"])
  func noMapping(line: String) {
    #expect(MapsEntry(line: line) == nil)
  }

  @Test("an address belongs to the mapping that holds it, its end excluded")
  func holding() {
    let text = "1000-2000 rw-p 00000000 00:00 0 \n2000-4000 rw-s 00001000 00:0c 9    /dmabuf:\n"
    #expect(MapsEntry.holding(0x1fff, in: text)?.path.isEmpty == true)
    #expect(MapsEntry.holding(0x2000, in: text)?.path == "/dmabuf:")
    #expect(MapsEntry.holding(0x4000, in: text) == nil)
  }

  @Test("smaps: the lines of one mapping, without its neighbours'")
  func smaps() throws {
    let text = """
      1000-2000 rw-p 00000000 00:00 0 [heap]
      Rss:                   8 kB
      VmFlags: rd wr
      2000-4000 rw-s 00001000 00:0c 9    /dmabuf:
      Size:                  8 kB
      Rss:                   0 kB
      VmFlags: rd wr sh pf de dd
      4000-5000 rw-s 00003000 00:0c 9    /dmabuf:
      Rss:                   4 kB
      """
    let entry = try #require(smapsEntry(0x2000, in: text))
    #expect(entry == ["Size": "8 kB", "Rss": "0 kB", "VmFlags": "rd wr sh pf de dd"])
    #expect(smapsEntry(0x4000, in: text)?["Rss"] == "4 kB")
    #expect(smapsEntry(0x3000, in: text) == nil)
  }

  @Test("maps: every mapping, and nothing but mappings")
  func all() {
    let text = "1000-2000 rw-p 00000000 00:00 0 \nSize: 4 kB\n2000-4000 rw-s 00001000 00:0c 9    /dmabuf:\n"
    #expect(MapsEntry.all(in: text).map(\.start) == [0x1000, 0x2000])
  }

  @Test("bufinfo: buffers, and nothing but buffers")
  func bufinfo() {
    let text = """

      Dma-buf Objects:
      size    \tflags   \tmode    \tcount   \texp_name\tino     \tname
      00065536\t00080002\t00080007\t00000006\tvirtio_gpu\t00000012\t<none>
      \twrite fence:drm_sched gfx seq 3 signalled
      \tAttached Devices:
      \tvgem
      Total 1 devices attached

      00004096\t00000002\t00080007\t00000001\tudmabuf\t00000101\tmine


      Total 2 objects, 69632 bytes
      """
    #expect(
      BufInfo.parse(text) == [
        BufInfo(inode: 12, count: 6, exporter: "virtio_gpu"), BufInfo(inode: 101, count: 1, exporter: "udmabuf"),
      ])
  }

  @Test("fdinfo: a number by its key")
  func fdinfo() {
    let text = "pos:\t0\nflags:\t02\nino:\t12\nsize:\t65536\ncount:\t6\nexp_name:\tvirtio_gpu\n"
    #expect(fdinfoNumber("count", in: text) == 6)
    #expect(fdinfoNumber("size", in: text) == 65536)
    #expect(fdinfoNumber("exp_name", in: text) == nil)
    #expect(fdinfoNumber("name", in: text) == nil)
  }

  @Test("mounts are told by their directories, in order")
  func mounts() {
    let text = "proc /proc proc rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n\ncut"
    #expect(LeftBehind.places(in: text) == ["/proc", "/tmp"])
  }
}
