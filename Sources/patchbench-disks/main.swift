// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage

// Reads state disks for patchbench. This is a separate process, which can be killed, because a hostile file system may
// crash libguestfs or make it hang.

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
  // Written at once, so that patchbench knows which disk was the last one.
  FileHandle.standardOutput.write(try JSONEncoder().encode(reading) + Data("\n".utf8))
  if reading.failure != nil, !appliance.isAlive { break }
}
