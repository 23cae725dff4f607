// SPDX-License-Identifier: Apache-2.0

/// What a kernel is compiled with, and for which architecture.
public struct Toolchain: Sendable, Hashable {
  /// kbuild's `ARCH`: `i386`, `riscv`; `nil` is the machine's own.
  public var architecture: String?
  /// The prefix of gcc and binutils that compile for another architecture: `riscv64-linux-gnu-`.
  public var prefix: String?
  /// The version of clang and LLVM that compile instead of gcc and binutils, as in the names of their programs: `19`.
  public var llvm: Int?
  /// The Debian packages that provide it.
  public var packages: [String]

  public init(
    architecture: String? = nil, prefix: String? = nil, llvm: Int? = nil, packages: [String] = ["gcc", "binutils"]
  ) {
    self.architecture = architecture
    self.prefix = prefix
    self.llvm = llvm
    self.packages = packages
  }

  private enum CodingKeys: String, CodingKey { case architecture, prefix, llvm, packages }

  /// The machine's own gcc, for the machine's own architecture.
  public static let host = Toolchain()

  /// The compiler's program: `gcc`, `riscv64-linux-gnu-gcc`, `clang-19`.
  public var compiler: String { llvm.map { "clang-\($0)" } ?? "\(prefix ?? "")gcc" }

  /// The linker's program.
  public var linker: String { llvm.map { "ld.lld-\($0)" } ?? "\(prefix ?? "")ld" }

  /// A program of binutils that reads and writes its objects.
  /// - Parameter name: without a prefix, as on the machine's own: `objdump`.
  public func binutil(_ name: String) -> String { "\(prefix ?? "")\(name)" }

  /// The architecture of guests that run what it makes; `nil` if no guest can.
  public var guest: Architecture? { architecture.map { Architecture.named($0) } ?? .host }

  /// The architecture in words: as `uname -m` prints it, or kbuild's name.
  public var target: String { guest?.name ?? architecture ?? "" }

  /// The architecture's directory under `arch/` (`SRCARCH` in the kernel's top Makefile).
  public var sourceDirectory: String {
    if let guest { return guest.sourceDirectory }
    return architecture == "i386" ? "x86" : architecture ?? ""
  }

  /// What kbuild has to be told besides the compiler (Documentation/kbuild/kbuild.rst, llvm.rst).
  public var makeVariables: [String] {
    let options = llvm == nil ? guest?.instructions.branchingOptions ?? [] : []
    return [
      architecture.map { "ARCH=\($0)" }, prefix.map { "CROSS_COMPILE=\($0)" }, llvm.map { "LLVM=-\($0)" },
      options.isEmpty ? nil : "KCFLAGS=\(options.joined(separator: " "))",
    ].compactMap { $0 }
  }
}

extension Toolchain: Decodable {
  /// What is not named is the machine's own.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      architecture: try values.decodeIfPresent(String.self, forKey: .architecture),
      prefix: try values.decodeIfPresent(String.self, forKey: .prefix),
      llvm: try values.decodeIfPresent(Int.self, forKey: .llvm),
      packages: try values.decodeIfPresent([String].self, forKey: .packages) ?? Self.host.packages)
  }
}
