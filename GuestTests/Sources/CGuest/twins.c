// SPDX-License-Identifier: Apache-2.0

// Two threads that import one dma-buf at the same time. See CGuestRace.h.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

struct twin {
  struct pair *pair;
  uint32_t handle;
  int code;
  int64_t from, to;
};

struct pair {
  int client;
  int dmabuf;
  // The number of the round, and how many threads have done it. -1 ends both.
  _Atomic int32_t round;
  _Atomic int32_t ready;
  _Atomic int32_t done;
  struct twin twins[2];
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *import_each_round(void *argument) {
  struct twin *twin = argument;
  struct pair *pair = twin->pair;
  for (int32_t last = 0;;) {
    int32_t round;
    while ((round = atomic_load(&pair->round)) == last) sched_yield();
    if (round < 0) return NULL;
    last = round;
    // Both spin here, so that neither still has to wake up when the other one begins.
    atomic_fetch_add(&pair->ready, 1);
    while (atomic_load(&pair->ready) < 2 * round)
      ;
    twin->from = now();
    twin->code = cguest_drm_import(pair->client, pair->dmabuf, &twin->handle) < 0 ? errno : 0;
    twin->to = now();
    atomic_fetch_add(&pair->done, 1);
  }
}

static void judge(const struct pair *pair, struct cguest_twins *result) {
  const struct twin *a = &pair->twins[0], *b = &pair->twins[1];
  if (a->from < b->to && b->from < a->to) result->overlapped++;
  int code = a->code ? a->code : b->code;
  if (code) {
    if (!result->code) result->code = code;
    return;
  }
  if (cguest_drm_close_handle(pair->client, a->handle) < 0 && !result->code) result->code = errno;
  if (a->handle == b->handle) return;
  result->different++;
  cguest_drm_close_handle(pair->client, b->handle);
}

int cguest_twin_imports(int client, int dmabuf, uint32_t rounds, struct cguest_twins *result) {
  struct pair pair = {.client = client, .dmabuf = dmabuf};
  pthread_t threads[2];
  *result = (struct cguest_twins){0};
  uint32_t started = 0;
  int code = 0;
  for (; started < 2; started++) {
    pair.twins[started].pair = &pair;
    code = pthread_create(&threads[started], NULL, import_each_round, &pair.twins[started]);
    if (code) break;
  }
  for (uint32_t round = 1; !code && round <= rounds; round++) {
    atomic_store(&pair.round, (int32_t)round);
    while (atomic_load(&pair.done) < (int32_t)(2 * round)) sched_yield();
    judge(&pair, result);
  }
  atomic_store(&pair.round, -1);
  for (uint32_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
  errno = code;
  return code ? -1 : 0;
}
