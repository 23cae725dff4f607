// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import SystemPackage

/// Renders a machine as libvirt's domain XML. It has only what the tests need, because the firmware and the kernel
/// probe each additional device, under emulation.
enum DomainXML {
  /// - Parameters:
  ///   - files: the files that QEMU opens.
  ///   - emulator: the program to start; `nil` for what libvirt finds.
  static func render(_ spec: MachineSpec, _ files: GuestFiles, emulator: FilePath? = nil) -> String {
    let here = spec.architecture
    let features = here.emulation.processor.features.map { "<feature policy='require' name='\($0)'/>" }
    let cpu =
      switch spec.accelerator {
      case .tcg:
        """
        <cpu mode='custom' match='exact' check='none'>
          <model fallback='forbid'>\(here.emulation.processor.model)</model>
          \(features.joined())
        </cpu>
        """
      case .kvm: "<cpu mode='host-passthrough' check='none'/>"
      }
    let firmware = here.emulation.firmware.map { ["-bios", $0] } ?? []
    let uuid = spec.hold.map { "<uuid>\(escape($0.uuid))</uuid>" } ?? ""
    // Unlike a socket, a FIFO is always open on the host's side. So the guest can wait for orders in a plain read, and
    // the host can write the orders before QEMU starts.
    let orders =
      spec.hold.map { _ in
        """
        <channel type='pipe'>
          <source path='\(escape(files.orders.name.string))'/>
          <target type='virtio' name='\(GuestHold.ordersPort)'/>
        </channel>
        """
      } ?? ""
    // A pipe, because QEMU itself would write an unlimited file.
    let serial =
      spec.hasTerminal
      ? "<serial type='pty'>" : "<serial type='pipe'><source path='\(escape(files.console.name.string))'/>"
    // The state disk must survive the guest but not the host, so it is cached without flushes to the host's disk. If
    // that is full, QEMU would otherwise pause the guest, so errors are reported instead. The controller sits on the
    // root bus itself, or libvirt would add bridges for it. libvirt would attach its first video device as
    // virtio-vga, whose VGA BIOS takes seconds under emulation. virtio-gpu-pci has none, but only QEMU's own command
    // line can request it.
    return """
      <domain type='\(spec.accelerator == .kvm ? "kvm" : "qemu")' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <name>\(escape(spec.name))</name>
        \(uuid)
        <memory unit='MiB'>\(spec.memory)</memory>
        <vcpu>\(spec.processors)</vcpu>
        <os>
          <type arch='\(here.name)' machine='\(here.emulation.machine)'>hvm</type>
          <kernel>\(escape(files.kernel.string))</kernel>
          <initrd>\(escape(files.initramfs.string))</initrd>
          <cmdline>\(escape(spec.commandLine.text))</cmdline>
        </os>
        <features>\(here.emulation.features[spec.accelerator] ?? "")</features>
        \(cpu)
        <on_poweroff>destroy</on_poweroff>
        <on_reboot>destroy</on_reboot>
        <on_crash>destroy</on_crash>
        <devices>
          \(emulator.map { "<emulator>\(escape($0.string))</emulator>" } ?? "")
          <controller type='usb' model='none'/>
          <controller type='virtio-serial' index='0'>
            <address type='pci' domain='0x0' bus='0x0' slot='0x3'/>
          </controller>
          <memballoon model='none'/>
          <disk type='file' device='disk'>
            <driver name='qemu' type='raw' cache='unsafe' error_policy='report'/>
            <source file='\(escape(files.state.string))'/>
            <target dev='vda' bus='virtio'/>
            <address type='pci' domain='0x0' bus='0x0' slot='0x4'/>
          </disk>
          \(serial)
            <target type='\(here.emulation.serial)' port='0'/>
          </serial>
          <channel type='pipe'>
            <source path='\(escape(files.results.name.string))'/>
            <target type='virtio' name='\(MachineSpec.resultsPort)'/>
          </channel>
          \(orders)
        </devices>
        <qemu:commandline>
          \((firmware + spec.deviceArguments).map { "<qemu:arg value='\(escape($0))'/>" }.joined())
        </qemu:commandline>
      </domain>
      """
  }

  static func escape(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "'": out += "&apos;"
      case "\"": out += "&quot;"
      default: out.append(character)
      }
    }
    return out
  }
}
