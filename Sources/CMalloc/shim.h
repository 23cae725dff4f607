/* SPDX-License-Identifier: Apache-2.0 */

// The settings of glibc's malloc; Swift's Glibc module lacks them.
#include <malloc.h>
