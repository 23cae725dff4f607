// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import KernelCode
import SystemPackage
import Toolbox

extension Workshop {
  /// Functions that many tests run, with about 500 lines in all, like a series of that size.
  private static let functions: [(file: String, names: Set<String>)] = [
    ("drivers/dma-buf/dma-buf.c", ["dma_buf_mmap", "dma_buf_mmap_internal"]),
    (
      "drivers/gpu/drm/drm_prime.c",
      [
        "drm_gem_prime_mmap", "drm_gem_prime_fd_to_handle", "drm_gem_prime_handle_to_dmabuf",
        "drm_gem_prime_import_dev",
        "drm_prime_add_buf_handle", "drm_prime_lookup_buf_handle", "drm_prime_remove_buf_handle", "drm_gem_map_dma_buf",
        "drm_gem_map_attach", "drm_gem_dmabuf_export", "export_and_register_object", "drm_prime_pages_to_sg",
      ]
    ),
    (
      "drivers/gpu/drm/drm_gem.c",
      [
        "drm_gem_mmap", "drm_gem_mmap_obj", "drm_gem_vm_open", "drm_gem_vm_close", "drm_gem_handle_create_tail",
        "drm_gem_object_release_handle", "drm_gem_handle_delete", "drm_gem_object_handle_put_unlocked",
        "drm_gem_object_free", "drm_gem_private_object_init", "drm_gem_object_lookup",
      ]
    ),
    (
      "drivers/gpu/drm/drm_gem_shmem_helper.c",
      [
        "drm_gem_shmem_mmap", "drm_gem_shmem_fault", "drm_gem_shmem_vm_open", "drm_gem_shmem_vm_close",
        "drm_gem_shmem_get_pages", "drm_gem_shmem_put_pages", "drm_gem_shmem_free", "__drm_gem_shmem_create",
      ]
    ),
    (
      "drivers/dma-buf/udmabuf.c",
      ["udmabuf_create", "mmap_udmabuf", "udmabuf_vm_fault", "get_sg_table", "release_udmabuf", "map_udmabuf"]
    ),
    (
      "drivers/gpu/drm/drm_vma_manager.c",
      [
        "drm_vma_offset_lookup_locked", "drm_vma_offset_add", "drm_vma_offset_remove", "vma_node_allow",
        "drm_vma_node_revoke", "drm_vma_node_is_allowed",
      ]
    ),
    (
      "drivers/dma-buf/dma-buf.c",
      [
        "dma_buf_export", "dma_buf_getfile", "dma_buf_release", "dma_buf_dynamic_attach", "dma_buf_detach",
        "__map_dma_buf", "dma_buf_map_attachment", "dma_buf_unmap_attachment", "dma_buf_poll", "dma_buf_fd",
      ]
    ),
    ("mm/memory.c", ["unmap_mapping_pages", "unmap_mapping_range_tree", "vmf_insert_pfn_prot"]),
    ("mm/mmap.c", ["__mmap_region", "mmap_region"]),
    ("mm/util.c", ["vma_set_file"]),
  ]

  /// Compares the whole suite in a guest that watches lines with one that watches none.
  /// - Parameter count: how many lines to watch. Only lines count that are in the image and can be watched.
  func watchedLines(_ name: Benchmark.Name, _ count: Int, _ comparison: inout Comparison) async throws {
    let directory = scratch.appending(name.rawValue)
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(
      base, method: SeriesTree.method(scratch: scratch, cage: nil), cage: nil, scratch: directory)
    var lines = 0
    var probes: [LinePlan.Probe] = []
    var functions: [CodeChange.Function] = []
    for (file, names) in Self.functions where lines < count {
      let found = try await tree.lines(of: [file: names], jobs: benchmark.jobs)
      functions += names.sorted().map { CodeChange.Function(name: $0, file: file) }
      var taken: Set<Int> = []
      for line in found.lines {
        guard case .watched(let watch) = line.place, lines < count else { continue }
        lines += 1
        for sight in watch.ran + watch.ways.flatMap(\.sights) where taken.insert(sight.probe).inserted {
          probes.append(found.probes[sight.probe])
        }
      }
    }
    guard lines == count, let trace = try await base.trace(functions, probes: probes) else {
      throw BenchmarkError(message: "only \(lines) of \(count) lines can be watched in this kernel")
    }
    let watching = directory.appending("initramfs.cpio")
    try await Initramfs.write(
      Initramfs.Extras(
        driver: modules.driver.forGuest, counter: modules.counter.forGuest, trace: trace.request),
      behind: plainInitramfs, to: watching, scratch: directory)
    try await LibvirtHost.with(uri: nil, environment: benchmark.place.environment) { host in
      for number in 1...benchmark.pairs {
        say(name, number)
        comparison.pairs.append(
          try await pair(number) {
            try await suite(watching, on: host, in: directory, counts: true)
          } theirs: {
            try await suite(plainInitramfs, on: host, in: directory, counts: false)
          })
      }
    }
    comparison.figures = [Comparison.Figure("instructions watched", unit: "each", [Double(probes.count)])]
  }

  /// Runs the suite and returns how long the tests took, from the first to the end, in seconds.
  private func suite(
    _ initramfs: FilePath, on host: LibvirtHost, in directory: FilePath, counts: Bool
  ) async throws -> Double {
    var spec = MachineSpec(
      name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-lines", base.profile.architecture,
      accelerator: .tcg, kernel: base.image, initramfs: initramfs,
      commandLine: KernelCommandLine(GuestOptions(), for: base.profile.architecture),
      console: directory.appending("console.log"), results: directory.appending("results.ktap"))
    spec.devices = benchmark.checkout.suite.devices
    let watched = try await host.withMachine(spec) { machine in
      try await GuestWatch(.standard(.tcg), clock: ContinuousClock()).watch(machine, accelerator: .tcg) { _ in }
    }
    let run = watched.run
    guard run.ending == .completed,
      !counts || (run.execution?.probes?.isEmpty == false && run.execution?.failure == nil)
    else {
      throw BenchmarkError(
        message: "the suite did not complete: \(run.execution?.failure ?? "\(run.ending)")")
    }
    guard let seconds = watched.tests else { throw BenchmarkError(message: "a guest started no test") }
    return seconds
  }
}
