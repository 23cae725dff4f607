// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

@Suite struct MessageLinkTests {
  @Test(arguments: [
    ("20261102.1-2-a@b.org", "20261102.1-2-a@b.org"), ("<a@b>", "a@b"), ("id:a@b", "a@b"),
    ("https://lore.kernel.org/all/a%2Fb@c/t.mbox.gz", "a/b@c"), ("https://lore.kernel.org/r/a@b", "a@b"),
    ("https:/lore.kernel.org/r/a@b", "a@b"), ("https://example.org/x", nil), ("a/b@c", nil), ("a b@c", nil),
    ("a@", nil), ("v3", nil),
  ]) func aMessageIDIsKnownByItsForm(_ text: String, _ id: String?) {
    #expect(MessageLink.messageID(text) == id)
  }

  @Test(arguments: ["https://lore.kernel.org/r/a@b", "https:/lore.kernel.org/r/a@b"])
  func aLinkIsWhole(_ text: String) {
    #expect(MessageLink.whole(text) == "https://lore.kernel.org/r/a@b")
  }

  @Test func aLinkWithoutAMailIsRefused() {
    let error = #expect(throws: IntakeError.self) { try SeriesForms.find(["https://lore.kernel.org/linux-mm/"]) }
    #expect(error == .noMessageID("https://lore.kernel.org/linux-mm/"))
  }

  private let thread =
    archived("[PATCH] one", id: "1") + archived("Re: [PATCH] one", id: "r", answers: "1", text: "Why?\n")
    + archived("[PATCH v2] one", id: "2", answers: "1", path: "b.c")

  private func read(_ text: String) async throws -> PatchSeries {
    let scratch = try Scratch()
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let source = try #require(try SeriesForms.find([text]).first)
    return try await source.read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
  }

  @Test("b4 fetches the thread of a link; the version of the named mail is taken, or the one that is asked for")
  func fetched() async throws {
    try await withArchive(of: thread) { link in
      let first = try await read(link + "/1@example.org/")
      #expect(first.patches.map(\.paths) == [["a.c"]])
      #expect(first.name == "1-example.org")
      #expect(try await read(link + "/2@example.org/t.mbox.gz").patches.map(\.paths) == [["b.c"]])
      #expect(try await read(link + "/1@example.org#v2").patches.map(\.paths) == [["b.c"]])
    }
  }

  @Test func aMailThatTheArchiveDoesNotHave() async throws {
    try await withArchive(of: thread) { link in
      let error = await #expect(throws: IntakeError.self) { _ = try await read(link + "/3@example.org/") }
      let words = error?.description ?? "no error"
      #expect(words.contains("cannot fetch it: That message-id is not known. Save"), "\(words)")
    }
  }

  /// Nobody listens on port 1.
  @Test func theNextStepIsSaidWithoutANetwork() async throws {
    let error = await #expect(throws: IntakeError.self) { _ = try await read("http://127.0.0.1:1/all/a'b@c/") }
    let words = try #require(error?.description)
    #expect(
      words.contains("b4 cannot fetch it: Failed to establish a new connection: [Errno 111] Connection refused. Save"),
      "\(words)")
    #expect(words.contains(#"`b4 mbox 'a'\''b@c'`"#), "\(words)")
  }

  /// Runs an archive like public-inbox's, on a port of this machine.
  /// - Parameters:
  ///   - thread: an mbox of the mails `1@example.org` and `2@example.org`.
  ///   - body: gets the link of the list.
  private func withArchive(of thread: String, _ body: (String) async throws -> Void) async throws {
    let scratch = try Scratch()
    let mbox = try scratch.write("thread", thread)
    let port = scratch.path.appending("port")
    let server = Task { try await Tool("python3", ["-c", Self.server, mbox.string, port.string]).run() }
    defer { server.cancel() }
    for _ in 0..<1200 where !FileManager.default.fileExists(atPath: port.string) {
      try await Task.sleep(for: .milliseconds(50))
    }
    let number = try String(contentsOfFile: port.string, encoding: .utf8)
    try await body("http://127.0.0.1:\(number)/list")
  }

  /// As lore.kernel.org answers: a redirect tells that a mail is there, and `t.mbox.gz` is its thread.
  private static let server = """
    import gzip, http.server, os, sys
    thread = gzip.compress(open(sys.argv[1], "rb").read())
    class Archive(http.server.BaseHTTPRequestHandler):
        def known(self):
            return self.path.split("/")[2].replace("%40", "@") in ("1@example.org", "2@example.org")
        def do_HEAD(self):
            self.send_response(302 if self.known() else 404)
            self.send_header("Location", f"http://{self.headers['Host']}{self.path}/")
            self.end_headers()
        def do_GET(self):
            whole = self.known() and self.path.endswith("/t.mbox.gz")
            self.send_response(200 if whole else 404)
            self.end_headers()
            if whole: self.wfile.write(thread)
    server = http.server.HTTPServer(("127.0.0.1", 0), Archive)
    open(sys.argv[2] + ".new", "w").write(str(server.server_port))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
    server.serve_forever()
    """
}
