// SPDX-License-Identifier: Apache-2.0

/// One patch of a series, as `git mailinfo` reads it.
public struct Patch: Codable, Sendable, Hashable {
  /// The subject without its `[PATCH n/m]`.
  public var subject: String
  /// `Name <address>`.
  public var author: String
  /// The file's name within the series' directory; for an mbox of several mails, followed by `#2`, `#3`, ….
  public var file: String
  /// The paths that the patch changes, relative to the tree's root, in patch order.
  public var paths: [String]
  /// For a prerequisite: the series or mail that it comes from. `nil` for the series' own patches.
  public var from: String?
  /// Its trailers, and those that reviewers gave in replies; `nil` in records of earlier versions.
  public var trailers: [Trailer]?
  /// The commit message without its subject; `nil` in records of earlier versions.
  public var message: String?

  public init(subject: String, author: String, file: String, paths: [String]) {
    self.subject = subject
    self.author = author
    self.file = file
    self.paths = paths
  }
}

/// One trailer of a patch: `Reviewed-by: A <a@example.org>`. It is a claim: nothing checks it.
public struct Trailer: Codable, Sendable, Hashable {
  /// What is kept. Others say nothing about who looked at a patch, or what it fixes.
  public static let keys = [
    "Reviewed-by", "Tested-by", "Acked-by", "Fixes", "Closes", "Link", "Cc", "Signed-off-by",
  ]

  /// One of ``keys``. `Cc` is only kept for the stable kernels.
  public var key: String
  public var value: String
  /// Whether it is from a reply, and not from the patch's own mail.
  public var isFromReply: Bool

  public init(key: String, value: String, isFromReply: Bool = false) {
    self.key = key
    self.value = value
    self.isFromReply = isFromReply
  }
}

/// The cover letter of a series.
public struct CoverLetter: Codable, Sendable, Hashable {
  public var subject: String
  public var body: String

  public init(subject: String, body: String) {
    self.subject = subject
    self.body = body
  }
}

/// A candidate: patches in the order they apply, and the cover letter, if any.
public struct PatchSeries: Codable, Sendable, Hashable {
  /// The directory's name, unique in a run.
  public var name: String
  public var cover: CoverLetter?
  public var patches: [Patch]
  /// The directory as the user spelled it, for commands that name it again.
  public var path: String?
  /// `nil` in records of earlier versions.
  public var origin: SeriesOrigin?

  public init(name: String, cover: CoverLetter? = nil, patches: [Patch], path: String? = nil) {
    self.name = name
    self.cover = cover
    self.patches = patches
    self.path = path
  }
}

extension PatchSeries {
  /// The patches of others that are applied before its own.
  public var prerequisites: ArraySlice<Patch> { patches.prefix { $0.from != nil } }

  /// Returns a patch's place among its like: among the prerequisites, or among the series' own patches.
  /// - Parameter number: among all patches, from 1.
  public func place(of number: Int) -> (number: Int, count: Int, from: String?) {
    let before = prerequisites.count
    if number <= before, number > 0 { return (number, before, patches[number - 1].from) }
    return (number - before, patches.count - before, nil)
  }
}

/// What a series says must be applied before it.
public struct Prerequisite: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
    /// As `git patch-id --stable` prints it.
    case patchID = "patch-id"
    /// b4's name of a series, perhaps with its version: `20261102-topic-1a2b3c:v2`.
    case changeID = "change-id"
    /// A mail of a series.
    case messageID = "message-id"
  }

  /// `nil` in records of earlier versions, which kept only the id.
  public var kind: Kind?
  public var id: String

  public init(kind: Kind?, id: String) {
    self.kind = kind
    self.id = id
  }

  /// Also reads a bare id.
  public init(from decoder: any Decoder) throws {
    if let id = try? decoder.singleValueContainer().decode(String.self) {
      self.init(kind: nil, id: id)
      return
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      kind: try values.decodeIfPresent(Kind.self, forKey: .kind), id: try values.decode(String.self, forKey: .id))
  }
}

/// What a series says of itself, and what was done to read it. The claims are a stranger's and are not checked.
public struct SeriesOrigin: Codable, Sendable, Hashable {
  /// 2 for `[PATCH v2]`; 1 if no version is given; `nil` for bare diffs.
  public var version: Int?
  /// Of the cover letter, or else of the first patch. So are the date and the link.
  public var messageID: String?
  public var date: String?
  /// Where the mail is archived.
  public var link: String?
  public var changeID: String?
  /// The commit that the series is made for.
  public var baseCommit: String?
  /// What must be applied before.
  public var prerequisites: [Prerequisite] = []
  /// What a reader should know of the way the series was read: passed-over files and mails, the version taken.
  public var notes: [String] = []
  /// Whose signatures its mails carry: `DKIM/example.org`, `ed25519/author@example.org`. None is checked: that would take
  /// the network, and the keys.
  public var signatures: [String]?

  public init() {}
}
