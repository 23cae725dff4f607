// SPDX-License-Identifier: Apache-2.0

import Foundation
import Mutation
import SystemPackage
import TestSupport
import Testing
import Toolbox

/// Finds the mutants of a test's C code.
enum Clang {
  /// Stands in for the kernel's headers: macros from a file other than the mutated one.
  static let header = """
    #define PAGE_SHIFT 12
    #define PAGE_SIZE (1UL << PAGE_SHIFT)
    #define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
    #define VM_IO 1
    #define VM_PFNMAP 2
    #define VM_DONTEXPAND 4
    #define EINVAL 22
    #define EPERM 1
    #define ENOMEM 12
    #define NULL ((void *)0)
    #define WARN_ON(c) ({ int __w = !!(c); if (__w) warn(__LINE__); __builtin_expect(__w, 0); })
    #define CHECK(c) ({ int __c = !!(c); if (__c) warn(__LINE__); __builtin_expect(__c, 0); })
    #define mutex_lock(l) mutex_lock_nested(l, 0)
    #define list_for_each(p, head) for (p = (head)->next; p != (head); p = p->next)
    enum { false = 0, true = 1 };
    typedef _Bool bool;
    struct list { struct list *next; };
    struct file { int count; };
    struct vma { unsigned long start, end, pgoff, flags; void *ops, *private_data; struct file *file; };
    struct ops { int (*mmap)(struct vma *); };
    void warn(int), mutex_lock_nested(void *, int), mutex_unlock(void *), get_file(struct file *), fput(struct file *);
    void *ERR_PTR(long);
    unsigned long pages(struct vma *);
    int map(struct vma *, unsigned long, unsigned long), set(struct vma *, unsigned long), check(struct vma *);
    void unmap(struct vma *), note(struct vma *), list_add(struct list *, struct list *), allow(bool), pr_info(const char *);

    """

  /// - Parameter code: a whole C file, put after an `#include`. All functions whose names begin with `f` are mutated.
  static func mutants(_ code: String) async throws -> (source: CSource, mutants: [Mutant]) {
    let scratch = try Scratch()
    try scratch.write("kernel.h", header)
    let text = "#include \"kernel.h\"\n" + code
    try scratch.write("code.c", text)
    let paths = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
    let clang = try #require(
      paths.map { "\($0)/clang" }.first { FileManager.default.isExecutableFile(atPath: $0) }, "clang is in no PATH")
    let dump = try await Tool(
      clang, ["-w", "-fsyntax-only", "-Xclang", "-ast-dump=json", "-Xclang", "-ast-dump-filter=f", "code.c"],
      in: scratch.path
    ).output()
    let source = CSource(path: "code.c", bytes: Array(text.utf8))
    let nodes = try ClangDump.read(Array(dump.utf8), file: "code.c").filter { $0.name.hasPrefix("f") }
    return (source, MutantFinder.mutants(of: source, nodes) { $0.hasPrefix("f") })
  }
}
