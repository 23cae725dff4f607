// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// Measures and removes files below a directory, and never leaves it: no symbolic link is followed. One that lies in a
/// directory that is removed goes as a file.
///
/// Its calls block, so call them in `Blocking.run`.
public struct OwnTree: Sendable, Hashable {
  /// The way to the directory itself is the caller's, and may have links.
  public var root: FilePath

  public init(_ root: FilePath) { self.root = root }

  /// Returns the space that a file, or a directory and all below it, takes, in bytes, in blocks as `du(1)` counts.
  /// - Parameter names: its place below the root, name by name; each must be one name, no path.
  /// - Returns: `nil` if it is not there.
  /// - Throws: ``OwnTreeError``
  public func bytes(of names: [String]) throws(OwnTreeError) -> Int64? {
    guard let name = names.last, let above = try enter(names.dropLast()) else { return nil }
    defer { close(above) }
    guard let status = try status(above, name, path(names)) else { return nil }
    guard status.st_mode & S_IFMT == S_IFDIR else { return Int64(status.st_blocks) * 512 }
    guard let place = try step(above, name, path(names)) else { return nil }
    defer { close(place) }
    return try sum(place, path(names))
  }

  /// Removes a file, or a directory and all below it. What is not there needs no removing.
  /// - Parameters:
  ///   - names: as for ``bytes(of:)``; at least one.
  ///   - order: names in it that go first and last; the others go between them.
  /// - Throws: ``OwnTreeError``
  public func remove(
    _ names: [String], order: (first: [String], last: [String]) = ([], [])
  ) throws(OwnTreeError) {
    guard let name = names.last, let above = try enter(names.dropLast()) else { return }
    defer { close(above) }
    guard let status = try status(above, name, path(names)) else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else { return try remove(above, Array(name.utf8CString), 0, path(names)) }
    guard let place = try step(above, name, path(names)) else { return }
    do {
      defer { close(place) }
      try empty(place, path(names), order)
    }
    try remove(above, Array(name.utf8CString), AT_REMOVEDIR, path(names))
  }

  /// Whether a way leads to a directory, or to nothing, without a symbolic link. The answer may already be outdated.
  public func hasNoLink(_ names: [String]) -> Bool {
    do {
      if let place = try enter(names) { close(place) }
      return true
    } catch { return !error.isLink }
  }

  private func path(_ names: some Sequence<String>) -> FilePath {
    // Only for messages.
    FilePath(([root.string] + names).joined(separator: "/"))
  }

  // MARK: - Steps

  private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

  /// Opens a directory, name by name.
  private func enter(_ names: some Sequence<String>) throws(OwnTreeError) -> Int32? {
    var place = Glibc.open(root.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if place < 0 { return try missing(root) }
    var passed: [String] = []
    for name in names {
      passed.append(name)
      let above = place
      defer { close(above) }
      guard let next = try step(above, name, path(passed)) else { return nil }
      place = next
    }
    return place
  }

  /// Opens a directory in a directory.
  private func step(_ above: Int32, _ name: String, _ path: FilePath) throws(OwnTreeError) -> Int32? {
    try Self.check(name, path)
    return try open(above, Array(name.utf8CString), path)
  }

  private func open(_ above: Int32, _ name: [CChar], _ path: FilePath) throws(OwnTreeError) -> Int32? {
    let place = openat(above, name, Self.flags)
    return place < 0 ? try missing(path) : place
  }

  static func text(_ name: [CChar]) -> String {
    String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// - Returns: `nil` if nothing has that name.
  /// - Throws: ``OwnTreeError`` if it is a symbolic link.
  private func status(_ above: Int32, _ name: String, _ path: FilePath) throws(OwnTreeError) -> stat? {
    try Self.check(name, path)
    var status = stat()
    if fstatat(above, name, &status, AT_SYMLINK_NOFOLLOW) != 0 {
      if errno == ENOENT { return nil }
      throw OwnTreeError(path: path.string, error: Errno(rawValue: errno))
    }
    if status.st_mode & S_IFMT == S_IFLNK {
      throw OwnTreeError(path: path.string, error: .tooManySymbolicLinkLevels)
    }
    return status
  }

  private static func check(_ name: String, _ path: FilePath) throws(OwnTreeError) {
    if name.isEmpty || name == "." || name == ".." || name.contains(where: { $0 == "/" || $0 == "\0" }) {
      throw OwnTreeError(path: path.string, error: .invalidArgument)
    }
  }

  private func missing(_ path: FilePath) throws(OwnTreeError) -> Int32? {
    if errno == ENOENT { return nil }
    throw OwnTreeError(path: path.string, error: Errno(rawValue: errno))
  }

  /// Returns the names in a directory as they are: a name may be no UTF-8.
  private func names(_ place: Int32, _ path: FilePath) throws(OwnTreeError) -> [[CChar]] {
    // closedir(3) closes what it was given.
    let copy = openat(place, ".", Self.flags)
    guard copy >= 0, let stream = fdopendir(copy) else {
      throw OwnTreeError(path: path.string, error: Errno(rawValue: errno))
    }
    defer { closedir(stream) }
    var found: [[CChar]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
      }
      if ![".", ".."].contains(Self.text(name)) { found.append(name) }
    }
    return found
  }

  private func sum(_ place: Int32, _ path: FilePath) throws(OwnTreeError) -> Int64 {
    var status = stat()
    var bytes: Int64 = fstat(place, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
    for name in try names(place, path) {
      guard fstatat(place, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        let path = path.appending(Self.text(name))
        guard let below = try open(place, name, path) else { continue }
        defer { close(below) }
        bytes += try sum(below, path)
      } else {
        bytes += Int64(status.st_blocks) * 512
      }
    }
    return bytes
  }

  private func empty(
    _ place: Int32, _ path: FilePath, _ order: (first: [String], last: [String]) = ([], [])
  ) throws(OwnTreeError) {
    for name in Self.arranged(try names(place, path), order) {
      if unlinkat(place, name, 0) == 0 || errno == ENOENT { continue }
      let (failure, path) = (Errno(rawValue: errno), path.appending(Self.text(name)))
      guard failure == .isDirectory else { throw OwnTreeError(path: path.string, error: failure) }
      guard let below = try open(place, name, path) else { continue }
      do {
        defer { close(below) }
        try empty(below, path)
      }
      try remove(place, name, AT_REMOVEDIR, path)
    }
  }

  static func arranged(_ names: [[CChar]], _ order: (first: [String], last: [String])) -> [[CChar]] {
    let texts = names.map(text)
    func those(_ wanted: [String]) -> [[CChar]] { wanted.compactMap { texts.firstIndex(of: $0).map { names[$0] } } }
    let between = zip(names, texts).filter { !(order.first + order.last).contains($1) }.map(\.0)
    return those(order.first) + between + those(order.last)
  }

  private func remove(_ place: Int32, _ name: [CChar], _ flags: Int32, _ path: FilePath) throws(OwnTreeError) {
    if unlinkat(place, name, flags) != 0, errno != ENOENT {
      throw OwnTreeError(path: path.string, error: Errno(rawValue: errno))
    }
  }
}

/// A file cannot be measured or removed. What is behind it was not touched.
public struct OwnTreeError: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: String
  /// `notDirectory` or `tooManySymbolicLinkLevels` for a symbolic link on the way.
  public var error: Errno

  /// Whether it is a symbolic link, or another file in place of a directory.
  public var isLink: Bool { [.notDirectory, .tooManySymbolicLinkLevels].contains(error) }

  public var description: String {
    "\(path): \(isLink ? "is no directory, and links are not followed" : "\(error)")"
  }
}
