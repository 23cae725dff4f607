// Calls of pbtest, the test driver, whose header says what each does. All return -1 and set errno on failure.
#ifndef PATCHBENCH_CGUEST_DRIVER_H
#define PATCHBENCH_CGUEST_DRIVER_H

#include <stdint.h>

#include "pbtest_uapi.h"

/// Loads a module from a file, without parameters.
int cguest_load_module(const char *path);
/// Unloads a module that nobody holds.
int cguest_unload_module(const char *name);

int cguest_pbtest_create(int fd, struct pbtest_create *args);
int cguest_pbtest_move(int fd, struct pbtest_move *args);
int cguest_pbtest_import(int fd, struct pbtest_import *args);
int cguest_pbtest_forward(int fd, struct pbtest_forward *args);
int cguest_pbtest_fail(int fd, struct pbtest_fail *args);

/// These are asked of /dev/pbtest.
int cguest_pbtest_object(int fd, struct pbtest_object *args);
int cguest_pbtest_file(int fd, struct pbtest_file *args);
int cguest_pbtest_vma(int fd, struct pbtest_vma *args);

/// Asked of /dev/pbtest-plain.
int cguest_pbtest_plain_forward(int fd, const struct pbtest_plain *args);

#endif
