// SPDX-License-Identifier: Apache-2.0

/// One patch of a series, as `git mailinfo` reads it.
public struct Patch: Codable, Sendable, Hashable {
  /// The subject without its `[PATCH n/m]`.
  public var subject: String
  /// `Name <address>`.
  public var author: String
  /// The file's name within the series' directory; an mbox of several mails adds `#2`, `#3`, ….
  public var file: String
  /// The paths the patch changes, relative to the tree's root, in the patch's order.
  public var paths: [String]

  public init(subject: String, author: String, file: String, paths: [String]) {
    self.subject = subject
    self.author = author
    self.file = file
    self.paths = paths
  }
}

/// What a series says of itself.
public struct CoverLetter: Codable, Sendable, Hashable {
  public var subject: String
  public var body: String

  public init(subject: String, body: String) {
    self.subject = subject
    self.body = body
  }
}

/// A candidate: patches in the order they apply, and the cover letter if there is one.
public struct PatchSeries: Codable, Sendable, Hashable {
  /// The directory's name; unique in a run.
  public var name: String
  public var cover: CoverLetter?
  public var patches: [Patch]
  /// The directory as the user named it, to be named again.
  public var path: String?

  public init(name: String, cover: CoverLetter? = nil, patches: [Patch], path: String? = nil) {
    self.name = name
    self.cover = cover
    self.patches = patches
    self.path = path
  }
}
