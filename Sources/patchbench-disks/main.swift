// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage

// Reads state disks for patchbench, in a process of its own: what a hostile file system does to libguestfs, or makes it
// wait for, is done to this process, which can be ended.

guard let request = Request(Array(CommandLine.arguments.dropFirst())) else {
  FileHandle.standardError.write(Data("usage: patchbench-disks (kvm|tcg) KEPT SCRATCH IMAGE…\n".utf8))
  exit(2)
}

let appliance: Appliance
do {
  appliance = try Appliance(request)
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(StateReading.noAppliance)
}
for (index, image) in request.images.enumerated() {
  let reading: StateReading
  do {
    reading = StateReading(files: try appliance.files(of: FilePath(image), at: index))
  } catch let error as GuestfsError {
    reading = StateReading(failure: "\(error)")
  }
  // At once, so that it is known which disk was the last one.
  FileHandle.standardOutput.write(try JSONEncoder().encode(reading) + Data("\n".utf8))
  if reading.failure != nil, !appliance.isAlive { break }
}
