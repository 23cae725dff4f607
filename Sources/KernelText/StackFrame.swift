// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// One line of a call trace.
enum StackFrame {
  /// Returns the function of a line like ` dma_buf_mmap+0x49/0x50 [module]`, without the compiler's suffixes. Returns
  /// `nil` for any other line, and for a frame that the unwinder is unsure of (` ? vfs_write+0x10/0x20`).
  static func function(_ text: String) -> String? {
    var rest = Substring(text).drop { $0 == " " }
    if rest.hasPrefix("[<"), let close = rest.firstIndex(of: "]") {
      rest = rest[close...].dropFirst().drop { $0 == " " }
    }
    guard !rest.hasPrefix("?") else { return nil }
    return symbol(rest)
  }

  /// Returns whether the line belongs to a call trace: a frame, reliable or not, or a change of stack.
  static func isTraceLine(_ text: String) -> Bool {
    let rest = Substring(text).drop { $0 == " " }
    if rest.hasPrefix("<") { return stackMarks.contains(where: rest.hasPrefix) }
    return symbol(rest.hasPrefix("? ") ? rest.dropFirst(2) : rest) != nil || rest.hasPrefix("[<")
  }

  private static let stackMarks = [
    "<TASK>", "</TASK>", "<IRQ>", "</IRQ>", "<SOFTIRQ>", "</SOFTIRQ>", "<NMI>", "</NMI>", "<#", "</#", "<ENTRY",
  ]

  /// Returns the name in `name+0x12/0x34`, or in `name (file.c:12)`, which is decode_stacktrace.sh's format.
  static func symbol(_ text: Substring) -> String? {
    let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "." || $0 == "$") }
    guard let first = name.first, !first.isNumber else { return nil }
    let rest = text[name.endIndex...]
    let offset = rest.hasPrefix("+0x") && rest.utf8.dropFirst(3).prefix { $0.isHexDigit }.isEmpty == false
    let place = rest.hasPrefix(" (") && rest.contains(":") && rest.contains(")")
    guard offset || place else { return nil }
    return plain(name)
  }

  /// Returns the name in the source: `foo.isra.0` and `foo.cold` are parts of `foo`.
  private static func plain(_ name: Substring) -> String {
    guard let dot = name.dropFirst().firstIndex(of: ".") else { return String(name) }
    return String(name[..<dot])
  }

  /// Returns whether a function only executes, checks or reports what its caller asked for. The caller is then the
  /// function to name.
  static func isHelper(_ name: String) -> Bool {
    helpers.contains(name) || helperPrefixes.contains(where: name.hasPrefix)
      || Architecture.RegisterDump.any.helpers.contains(where: name.hasPrefix)
  }

  private static let helpers: Set<String> = [
    // Functions that print reports.
    "dump_stack", "dump_stack_lvl", "__dump_stack", "show_stack", "dump_header", "dump_page", "print_report",
    "report_bug", "handle_bug", "panic", "vpanic", "die", "die_addr", "fixup_exception", "bad_page",
    "print_circular_bug", "print_deadlock_bug", "print_usage_bug", "print_bad_irq_dependency",
    "print_unlock_imbalance_bug", "print_irq_inversion_bug", "print_lock_contention_bug",
    "slab_bug", "slab_err", "object_err", "check_slab_allocation", "ubsan_epilogue", "val_to_string",
    "end_report", "spin_bug", "spin_dump", "check_panic_on_warn", "check_preemption_disabled",
    "debug_smp_processor_id", "__this_cpu_preempt_check",
    // Locks and their internals.
    "lock_acquire", "lock_release", "__lock_acquire", "__lock_release", "lock_is_held_type", "validate_chain",
    "check_noncircular", "check_prev_add", "check_prevs_add", "check_irq_usage", "check_usage", "check_deadlock",
    "check_wait_context", "mark_lock", "mark_lock_irq", "mark_usage", "mark_held_locks", "reacquire_held_locks",
    "lock_downgrade", "lock_set_class", "lock_acquired", "lock_contended", "lock_sync", "register_lock_class",
    "assign_lock_key", "look_up_lock_class",
    "mutex_lock", "mutex_unlock", "mutex_trylock", "mutex_lock_nested", "mutex_lock_interruptible",
    "mutex_lock_interruptible_nested", "mutex_lock_killable", "mutex_lock_killable_nested", "mutex_lock_io",
    "mutex_lock_io_nested", "down", "up", "down_interruptible", "down_killable", "down_timeout", "down_trylock",
    "down_read", "up_read", "down_write", "up_write", "down_read_nested", "down_write_nested",
    "down_read_killable", "down_write_killable", "down_read_interruptible", "down_write_killable_nested",
    "down_read_trylock", "down_write_trylock", "rwsem_down_read_slowpath", "rwsem_down_write_slowpath",
    "downgrade_write", "do_raw_spin_lock", "do_raw_spin_unlock", "ww_mutex_lock", "ww_mutex_lock_interruptible",
    "ww_mutex_unlock", "ww_mutex_trylock", "__ww_mutex_lock",
    // Sleeping and waiting.
    "schedule", "__schedule", "__schedule_bug", "schedule_debug", "schedule_idle", "schedule_preempt_disabled",
    "io_schedule", "io_schedule_timeout", "preempt_schedule", "preempt_schedule_common", "preempt_schedule_irq",
    "preempt_schedule_notrace", "msleep", "ssleep", "msleep_interruptible", "usleep_range_state", "cond_resched",
    "__cond_resched", "do_wait_for_common", "__wait_for_common", "bit_wait", "bit_wait_io", "__wait_on_bit",
    "__wait_on_bit_lock", "out_of_line_wait_on_bit", "might_fault", "__might_fault", "__might_sleep",
    "__might_resched", "___might_sleep", "synchronize_rcu", "synchronize_rcu_expedited", "synchronize_srcu",
    "__synchronize_srcu", "synchronize_net", "smp_call_function_many_cond", "smp_call_function_single",
    "on_each_cpu_cond_mask", "delay_tsc", "__delay", "__udelay", "__const_udelay", "__ndelay", "delay_loop",
    "sched_clock", "sched_clock_noinstr", "sched_clock_cpu", "local_clock", "local_clock_noinstr", "read_tsc",
    "native_sched_clock", "ktime_get", "pvclock_clocksource_read_nowd", "kvm_sched_clock_read", "rep_nop",
    "csd_lock_wait", "do_task_dead",
    // Memory and strings.
    "memcpy", "memset", "memmove", "memcmp", "memchr", "memchr_inv", "memscan", "__memcpy", "__memset", "__memmove",
    "strlen", "strnlen", "strcmp", "strncmp", "strcpy", "strncpy", "strscpy", "sized_strscpy", "strcat", "strlcpy",
    "strchr", "strstr", "kfree", "kvfree", "vfree", "kfree_const", "kfree_sensitive", "kmem_cache_free",
    "kmem_cache_free_bulk", "kmem_cache_alloc", "kmem_cache_destroy", "__kmem_cache_shutdown", "kmalloc_trace",
    "krealloc", "ksize", "__ksize", "__kmalloc", "__kmalloc_noprof", "__kmalloc_cache_noprof", "do_slab_free",
    "__kmem_cache_free", "__kmem_cache_alloc_node", "free_to_partial_list", "free_unref_page", "free_unref_folios",
    "free_unref_page_list",
    "free_pages", "free_pages_prepare", "free_page_is_bad_report", "free_page_is_bad", "free_pcp_prepare",
    "free_unref_page_prepare", "check_free_page_bad", "check_new_page_bad", "check_new_pages", "__free_pages",
    "__free_pages_ok", "__free_one_page", "free_pages_exact", "get_page_from_freelist", "_copy_to_user",
    "_copy_from_user", "__copy_to_user", "__copy_from_user", "copy_to_user", "copy_from_user", "_copy_to_iter",
    "_copy_from_iter", "check_heap_object", "usercopy_abort", "__check_object_size", "__check_heap_object",
    "fortify_panic", "__fortify_panic", "__fortify_report", "rep_movs_alternative", "rep_stos_alternative",
    "copy_user_generic", "__copy_overflow",
    // Counts, lists and debug objects.
    "refcount_warn_saturate", "refcount_dec_and_lock", "refcount_dec_and_lock_irqsave",
    "refcount_dec_and_mutex_lock", "refcount_dec_if_one", "refcount_dec_not_one", "refcount_error_report",
    "debug_print_object", "debug_object_activate", "debug_object_free", "debug_object_init",
    "__debug_object_init", "debug_object_assert_init", "debug_object_deactivate", "debug_object_destroy",
    "debug_check_no_obj_freed", "__debug_check_no_obj_freed",
    // Entry code.
    "do_error_trap", "do_trap", "no_context", "__do_page_fault", "do_page_fault", "do_user_addr_fault",
    "page_fault_oops", "bad_area_nosemaphore", "__bad_area_nosemaphore", "kernelmode_fixup_or_oops",
    "error_entry", "common_interrupt", "__common_interrupt", "ret_from_intr",
  ]

  private static let helperPrefixes = [
    "kasan_", "__kasan_", "____kasan_", "__asan_", "__hwasan_", "check_region_inline", "kmsan_", "__msan_", "kcsan_",
    "__tsan_", "kfence_", "__kfence_", "__ubsan_", "__warn", "warn_slowpath", "lockdep_", "debug_check_no_locks_",
    "debug_mutex_", "debug_spin_", "__mutex_", "_raw_spin_", "_raw_read_", "_raw_write_", "__raw_spin_", "__raw_read_",
    "__raw_write_", "queued_spin_", "native_queued_", "queued_read_", "queued_write_", "__pv_queued_", "__down_",
    "__up_", "rt_mutex_", "__rt_mutex_", "__list_add_valid", "__list_del_entry_valid", "schedule_timeout",
    "schedule_hrtimeout", "wait_for_completion", "__slab_", "___slab_", "slab_free", "__refcount_", "exc_", "asm_exc_",
    "sysvec_", "asm_sysvec_", "__sysvec_", "entry_SYSCALL", "do_raw_read_", "do_raw_write_", "rcu_lockdep_",
    "instrument_", "pv_native_", "native_safe_halt", "oops_", "stack_depot_", "stack_trace_save", "watchdog_",
    "nmi_cpu_backtrace", "nmi_trigger_", "arch_trigger_cpumask_", "trigger_", "rcu_dump_cpu_", "dump_cpu_task",
    "print_other_cpu_stall", "print_cpu_stall", "check_cpu_stall", "rcu_sched_clock_irq", "update_process_times",
    "tick_", "__hrtimer_", "hrtimer_interrupt", "__run_hrtimer", "out_of_memory", "oom_kill_process", "__alloc_pages",
    "alloc_pages", "__folio_alloc", "folio_alloc", "vma_alloc_folio",
  ]
}
