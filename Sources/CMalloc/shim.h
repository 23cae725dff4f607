/* SPDX-License-Identifier: Apache-2.0 */

// What glibc's malloc can be told; Swift's Glibc module does not have it.
#include <malloc.h>
