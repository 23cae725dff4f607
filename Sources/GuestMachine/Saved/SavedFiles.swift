// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// The files of a saved guest, in a directory of their own.
struct SavedFiles: Sendable {
  private var directory: FilePath

  /// The file that libvirt saves.
  var state: FilePath { directory.appending("state") }
  private var console: FilePath { directory.appending("console.log") }

  static func with<Result>(_ parent: FilePath, _ body: (SavedFiles) async throws -> Result) async throws -> Result {
    let files = SavedFiles(directory: parent.appending("saved-\(UUID().uuidString)"))
    try FileManager.default.createDirectory(atPath: files.directory.string, withIntermediateDirectories: true)
    do {
      let result = try await body(files)
      await files.remove()
      return result
    } catch {
      await files.remove()
      throw error
    }
  }

  private func remove() async {
    await Blocking.run { [directory] in try? FileManager.default.removeItem(atPath: directory.string) }
  }

  func keepConsole(_ file: FilePath) throws {
    try FileManager.default.copyItem(atPath: file.string, toPath: console.string)
  }

  func startConsole(_ file: FilePath) throws {
    if FileManager.default.fileExists(atPath: file.string) { try FileManager.default.removeItem(atPath: file.string) }
    try FileManager.default.copyItem(atPath: console.string, toPath: file.string)
  }
}
