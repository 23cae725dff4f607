/* SPDX-License-Identifier: Apache-2.0 */

// Calls of pbtest, the test driver, and of pbcount, the counter. Their headers document each call. All return -1 and
// set errno on failure.
#ifndef PATCHBENCH_CGUEST_DRIVER_H
#define PATCHBENCH_CGUEST_DRIVER_H

#include <stdint.h>

#include "pbcount_uapi.h"
#include "pbtest_uapi.h"

/// Loads a module from a file, without parameters.
int cguest_load_module(const char *path);
/// Unloads a module that is not in use.
int cguest_unload_module(const char *name);

int cguest_pbtest_create(int fd, struct pbtest_create *args);
int cguest_pbtest_move(int fd, struct pbtest_move *args);
int cguest_pbtest_import(int fd, struct pbtest_import *args);
int cguest_pbtest_forward(int fd, struct pbtest_forward *args);
int cguest_pbtest_fail(int fd, struct pbtest_fail *args);
int cguest_pbtest_hold(int fd, struct pbtest_hold *args);
int cguest_pbtest_peek(int fd, struct pbtest_peek *args);
int cguest_pbtest_busy(int fd, struct pbtest_busy *args);
int cguest_pbtest_remap(int fd, struct pbtest_remap *args);

/// Calls of /dev/pbtest.
int cguest_pbtest_object(int fd, struct pbtest_object *args);
int cguest_pbtest_file(int fd, struct pbtest_file *args);
int cguest_pbtest_vma(int fd, struct pbtest_vma *args);
int cguest_pbtest_client(int fd, struct pbtest_client *args);
int cguest_pbtest_dmabuf(int fd, struct pbtest_dmabuf *args);
int cguest_pbtest_lookup(int fd, struct pbtest_lookup *args);
int cguest_pbtest_uuid(int fd, struct pbtest_uuid *args);
int cguest_pbtest_page(int fd, struct pbtest_page *args);
int cguest_pbtest_allow(int fd, const struct pbtest_allow *args);
int cguest_pbtest_symbol(int fd, struct pbtest_symbol *args);

/// A call of /dev/pbtest-plain.
int cguest_pbtest_plain_forward(int fd, const struct pbtest_plain *args);
int cguest_pbtest_plain_object(int fd, const struct pbtest_plain_object *args);

/// Calls of /dev/pbcount.
int cguest_pbcount_add(int fd, struct pbcount_place *args);
int cguest_pbcount_take(int fd, struct pbcount_take *args);
int cguest_pbcount_drop(int fd, uint32_t place);

#endif
