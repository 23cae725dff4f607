// SPDX-License-Identifier: Apache-2.0

/// Input that contains no readable series. User error; exit status 2.
public enum IntakeError: Error, Sendable, Hashable {
  case noSuchPath(String)
  /// A path that no form of input fits.
  case noForm(String)
  /// The directory contains neither patches nor directories with patches.
  case empty(String)
  /// The directory contains both patches and series, so it is not clear which is meant.
  case mixed(String)
  case badName(String)
  case twice(String, String, String)
  /// A file in a series' directory in which git finds no patch.
  case noPatch(file: String, reason: String)
  /// More than a series may have; it is not read.
  case tooMuch(String, String)
  case leavesTree(file: String, path: String)
  case unreadable(String, reason: String)
}

extension IntakeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSuchPath(let path):
      "\(path): no such file or directory. Name \(SeriesForms.words)."
    case .noForm(let path):
      "\(path): not a form in which patchbench reads series. Name \(SeriesForms.words)."
    case .empty(let path):
      "\(path): no patches in it. Create some with `git format-patch --cover-letter -o \(path) BASE..BRANCH`."
    case .mixed(let path):
      "\(path): patches and directories of patches side by side. Move the patches into their own directory."
    case .badName(let name):
      "\(name): a series' directory needs a name of letters, digits and . _ + - that is not “base”. Rename it."
    case .twice(let name, let first, let second):
      "\(name): two series have this name: \(first) and \(second). Rename one, because reports identify series by name."
    case .noPatch(let file, let reason):
      "\(file): \(reason). Remove it, or recreate it with `git format-patch`."
    case .tooMuch(let file, let amount):
      "\(file): \(amount), which is too much for a series. Name a directory with the patches of one series."
    case .leavesTree(let file, let path):
      "\(file): it changes \(path), which is outside the kernel's tree. Such a patch is not applied."
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)."
    }
  }
}
