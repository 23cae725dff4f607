// SPDX-License-Identifier: Apache-2.0

/// The `index` lines of a patch in git's format.
public enum IndexLines {
  /// Returns, by path, the abbreviated id of the blob that the patch was made from.
  /// - Returns: `nil` if the patch adds, removes, moves or copies a file, or has no such line for one.
  public static func blobs(in patch: some Sequence<UInt8>) -> [String: String]? {
    var found: [String: String] = [:]
    for file in files(in: patch) {
      guard let path = file.path, path == file.newPath, let id = file.id, id.contains(where: { $0 != "0" }) else {
        return nil
      }
      found[path] = id
    }
    return found.isEmpty ? nil : found
  }

  /// Returns, by path, the abbreviated ids of the blobs that a whole series was made from, as far as its patches tell.
  /// - Parameter patches: in their order. Only the first patch that touches a file was made from the base's.
  public static func origins(in patches: [some Sequence<UInt8>]) -> [String: String] {
    var found: [String: String] = [:]
    var touched: Set<String> = []
    for file in patches.flatMap({ files(in: $0) }) {
      // A new file has zeros.
      if let path = file.path, !touched.contains(path), let id = file.id, id.contains(where: { $0 != "0" }) {
        found[path] = id
      }
      touched.formUnion([file.path, file.newPath].compactMap { $0 })
    }
    return found
  }

  /// One file's part of a patch.
  private struct File {
    /// `nil` if git quotes the name, or if it cannot be told where one name ends and the other begins.
    var path: String?
    var newPath: String?
    /// The abbreviated id of the old blob.
    var id: String?
  }

  private static func files(in patch: some Sequence<UInt8>) -> [File] {
    var files: [File] = []
    // The lines of hunks begin with a blank, a plus or a minus.
    for bytes in Array(patch).split(separator: 0x0a) {
      if let line = rest(of: bytes, behind: "diff --git ") {
        // Both names are the same: `a/x.c b/x.c`.
        let name = line.dropFirst(2).prefix(max(0, (line.count - 5) / 2))
        let path = line == "a/\(name) b/\(name)" ? String(name) : nil
        files.append(File(path: path, newPath: path, id: nil))
      } else if files.isEmpty {
        continue
      } else if let name = rest(of: bytes, behind: "rename from ") ?? rest(of: bytes, behind: "copy from ") {
        files[files.count - 1].path = name
      } else if let name = rest(of: bytes, behind: "rename to ") ?? rest(of: bytes, behind: "copy to ") {
        files[files.count - 1].newPath = name
      } else if let line = rest(of: bytes, behind: "index "), files[files.count - 1].id == nil {
        let id = line.prefix { $0 != "." }
        guard (7...40).contains(id.utf8.count), id.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { continue }
        files[files.count - 1].id = String(id)
      }
    }
    return files
  }

  private static func rest(of line: ArraySlice<UInt8>, behind mark: String) -> String? {
    guard line.starts(with: mark.utf8) else { return nil }
    let rest = line.dropFirst(mark.utf8.count)
    return String(decoding: rest.last == 0x0d ? rest.dropLast() : rest, as: UTF8.self)
  }
}
