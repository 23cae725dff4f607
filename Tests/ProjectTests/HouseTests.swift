// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Rules for the whole project: its licenses, and limits on file and folder sizes.
@Suite("The project") struct HouseTests {
  /// A source file, by its path from the checkout.
  private struct File {
    var path: String
    var text: String
    var kind: String { String(path.split(separator: "/").last!.split(separator: ".").last!) }
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
  }

  private static let home = URL(filePath: #filePath).appending(path: "../../..").standardized

  /// Returns all files below some folders, without build products.
  private static func files(_ folders: [String]) throws -> [File] {
    try folders.flatMap { folder in
      let root = home.appending(path: folder)
      let names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
      let own = names.sorted().filter { !$0.hasPrefix(".build") && !$0.contains("/.build/") }
      return own.compactMap { name -> File? in
        let file = root.appending(path: name)
        guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
        return File(path: "\(folder)/\(name)", text: String(decoding: data, as: UTF8.self))
      }
    }
  }

  private static let sources = ["Sources", "Tests", "GuestTests/Sources", "GuestTests/Tests", "GuestTests/Driver"]

  private static func isSource(_ file: File) -> Bool {
    if file.path.contains("/Fixtures/") || file.path.contains("/Snapshots/") { return false }
    return ["swift", "c", "h", "modulemap", "sh", "Kbuild", "Makefile"].contains(file.kind)
  }

  @Test("each source file names its license")
  func licenses() throws {
    var wrong: [String] = []
    var seen = 0
    var all = try Self.files(Self.sources).filter(Self.isSource)
    for name in ["Package.swift", "GuestTests/Package.swift", "setup.sh", "test.sh", ".ci/run"] {
      all.append(File(path: name, text: try String(contentsOf: Self.home.appending(path: name), encoding: .utf8)))
    }
    for file in all {
      let isDriver = file.path.hasPrefix("GuestTests/Driver/")
      // User space includes them, from the module's folder or through a link to it.
      let isShared = file.path.hasSuffix("_uapi.h")
      let license = isShared ? "GPL-2.0-only OR Apache-2.0" : isDriver ? "GPL-2.0-only" : "Apache-2.0"
      let first = file.text.split(separator: "\n", maxSplits: 2).prefix(2).map(String.init)
      let words = "SPDX-License-Identifier: \(license)"
      // Only the end of the comment may follow.
      if !first.contains(where: { $0.replacing(" */", with: "").hasSuffix(words) }) { wrong.append(file.path) }
      seen += 1
    }
    #expect(wrong.isEmpty)
    #expect(seen > 400)
  }

  @Test("the named licenses are in the tree", arguments: ["Apache-2.0", "GPL-2.0-only"])
  func texts(_ name: String) throws {
    let text = try String(contentsOf: Self.home.appending(path: "LICENSES/\(name).txt"), encoding: .utf8)
    #expect(text.contains(name == "Apache-2.0" ? "Apache License" : "GNU GENERAL PUBLIC LICENSE"))
  }

  @Test("no file has more than 400 lines, and no folder more than 15 source files")
  func sizes() throws {
    let sources = try Self.files(Self.sources).filter(Self.isSource)
    let swift = sources.filter { $0.kind == "swift" }
    let long = swift.filter { $0.text.count { $0 == "\n" } > 400 }.map(\.path)
    #expect(long.isEmpty)
    let folders = Dictionary(grouping: swift, by: \.folder).filter { $0.key.contains("Sources") }
    let crowded = folders.filter { $0.value.count > 15 }.map { "\($0.key): \($0.value.count)" }.sorted()
    #expect(crowded.isEmpty)
  }

  @Test("README has at most 120 lines, and no link is broken")
  func readme() throws {
    let text = try String(contentsOf: Self.home.appending(path: "README.md"), encoding: .utf8)
    #expect(text.count { $0 == "\n" } <= 120)
    let pages = try Self.files(["docs"]).filter { $0.kind == "md" } + [File(path: "README.md", text: text)]
    #expect(pages.count > 5)
    for page in pages {
      let folder = Self.home.appending(path: page.folder)
      for link in page.text.matches(of: /\]\((?<path>[^)#:]+)(#[^)]*)?\)/).map({ String($0.output.path) }) {
        let target = folder.appending(path: link).standardized
        #expect(FileManager.default.fileExists(atPath: target.path), "\(page.path) links to \(link)")
      }
    }
  }
}
