// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import SystemPackage
import Testing

@testable import GuestMachine

@Suite struct DomainXMLTests {
  static func spec(
    _ accelerator: Accelerator, _ architecture: Architecture = .x86, kernel: FilePath = "/k/vmlinux"
  ) -> MachineSpec {
    MachineSpec(
      name: "patchbench-1", architecture, accelerator: accelerator, kernel: kernel, initramfs: "/k/initramfs.cpio",
      commandLine: KernelCommandLine(GuestOptions(only: ["a/b/c"], testSeconds: 12), for: architecture),
      console: "/r/console.log", results: "/r/results.ktap")
  }

  static func render(_ spec: MachineSpec) -> String { DomainXML.render(spec, GuestFiles(spec, in: "/g/it's")) }

  @Test func commandLineEndsTheMachineOnAPanicAndCarriesTheOptions() {
    let words = KernelCommandLine(GuestOptions(only: ["a/b/c"], testSeconds: 12), for: .x86).parameters
    #expect(words.contains("console=ttyS0"))
    #expect(words.contains("panic=-1"))
    #expect(words.contains("kasan_multi_shot"))
    #expect(GuestOptions(commandLine: words.joined(separator: " ")) == GuestOptions(only: ["a/b/c"], testSeconds: 12))
  }

  @Test(arguments: [(Accelerator.tcg, "type='qemu'", "qemu64"), (.kvm, "type='kvm'", "host-passthrough")])
  func acceleratorDecidesTypeAndProcessor(_ row: (accelerator: Accelerator, type: String, cpu: String)) {
    let xml = Self.render(Self.spec(row.accelerator))
    #expect(xml.contains(row.type))
    #expect(xml.contains(row.cpu))
  }

  static let machines: [(Architecture, has: [String], lacks: [String])] = [
    (
      .x86,
      ["<type arch='x86_64' machine='q35'>", "<acpi/>", "<target type='isa-serial'", "qboot.rom", "console=ttyS0"],
      ["<gic"]
    ),
    (
      .arm64,
      [
        "<type arch='aarch64' machine='virt'>", "<gic version='3'/>", "<model fallback='forbid'>cortex-a57</model>",
        "<target type='system-serial'", "console=ttyAMA0",
      ], ["<acpi/>", "-bios", "pmtmr", "unknown_nmi_panic"]
    ),
  ]

  @Test(arguments: machines.indices) func theArchitectureDecidesTheMachine(_ index: Int) {
    let (architecture, has, lacks) = Self.machines[index]
    let xml = Self.render(Self.spec(.tcg, architecture))
    for words in has { #expect(xml.contains(words), "\(words)") }
    for words in lacks { #expect(!xml.contains(words), "\(words)") }
  }

  @Test func everyWayToStopEndsTheDomain() {
    let xml = Self.render(Self.spec(.tcg))
    for event in ["poweroff", "reboot", "crash"] { #expect(xml.contains("<on_\(event)>destroy</on_\(event)>")) }
  }

  @Test("QEMU writes to no file of the run, and has no network and no shared directory")
  func cage() {
    let xml = Self.render(Self.spec(.tcg))
    for words in ["/r/", "<interface", "<filesystem"] { #expect(!xml.contains(words), "\(words)") }
    // There is one disk, and QEMU must not guess its format.
    #expect(xml.components(separatedBy: "<disk ").count == 2)
    #expect(xml.components(separatedBy: "type='file'").count == 2)
    #expect(xml.contains("<driver name='qemu' type='raw'"))
    #expect(xml.contains("<source file='/g/it&apos;s/state'/>"))
    #expect(xml.contains("<serial type='pipe'><source path='/g/it&apos;s/console'/>"))
    #expect(xml.contains("<source path='/g/it&apos;s/results'/>"))
  }

  @Test func pathsAreEscaped() {
    let xml = Self.render(Self.spec(.tcg, kernel: "/a<b>&'\"/vmlinux"))
    #expect(xml.contains("<kernel>/a&lt;b&gt;&amp;&apos;&quot;/vmlinux</kernel>"))
  }

  @Test func onlyAGuestThatHoldsHasOrdersAndKeepsItsIdentity() {
    let plain = Self.render(Self.spec(.tcg))
    for words in ["<uuid>", "orders", "patchbench.hold"] { #expect(!plain.contains(words)) }
    let spec = Self.spec(.tcg).holding(MachineSpec.Hold(uuid: "1-2"))
    let xml = Self.render(spec)
    #expect(xml.contains("<uuid>1-2</uuid>"))
    #expect(xml.contains("<source path='/g/it&apos;s/orders'/>"))
    #expect(xml.contains("<target type='virtio' name='org.patchbench.orders.0'/>"))
    #expect(GuestOptions(commandLine: spec.commandLine.text).hold)
  }
}
