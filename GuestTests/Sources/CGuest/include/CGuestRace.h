/* SPDX-License-Identifier: Apache-2.0 */

// Threads that operate on one buffer at the same time. They are plain C threads: the test that starts them is a fork,
// in which Swift must not start its own.
#ifndef PATCHBENCH_CGUEST_RACE_H
#define PATCHBENCH_CGUEST_RACE_H

#include <stdint.h>

/// What a worker does in each round.
enum cguest_role {
  /// Maps the buffer by one of its ways, reads its pages, then cuts it, moves it or leaves it as it is, and unmaps it.
  CGUEST_MAPPER,
  /// Touches its own page of each standing mapping and counts the faults.
  CGUEST_TOUCHER,
  /// Forks a child that reads the standing mappings, cuts its copies of them and ends.
  CGUEST_FORKER,
  /// Repeatedly maps the buffer over the arena, by one of its ways each time.
  CGUEST_REPLACER,
  /// Reads the arena, where the buffer is always mapped, by one way or another.
  CGUEST_WATCHER,
  /// Imports the buffer into its client and closes the handle.
  CGUEST_IMPORTER,
  /// Exports the buffer again, checks that it is the same dma-buf, and closes the fd.
  CGUEST_EXPORTER,
};

/// A file and an offset at which the whole buffer can be mapped.
struct cguest_way {
  int fd;
  uint64_t offset;
  /// Errnos with which mmap() may fail; 0 for none.
  int refusal;
  int other_refusal;
};

enum { CGUEST_MOST_WAYS = 3, CGUEST_MOST_WORKERS = 8 };

struct cguest_worker {
  enum cguest_role role;
  /// A separate DRM client for each importer and exporter, and the handle that an exporter exports.
  int client;
  uint32_t handle;
  /// The page that a toucher touches.
  uint32_t page;
  /// The number of further rounds to wait for; 0 if nothing waits for this worker.
  uint32_t rounds;

  // The results.
  uint32_t done;
  /// Maps, forks, imports or exports that succeeded, and those that were refused as allowed.
  uint32_t succeeded;
  uint32_t refused;
  /// Bytes that were not the page's own, or dma-bufs that were not the exported one.
  uint32_t wrong;
  /// Touches that raised a signal.
  uint32_t signals;
  /// Faults of a toucher after its first touches: how often its pages were zapped.
  uint32_t faults;
  /// The first unexpected errno.
  int code;
};

/// One buffer whose page `n` begins with the byte `n + 1`, and its workers.
struct cguest_race {
  struct cguest_way ways[CGUEST_MOST_WAYS];
  uint32_t way_count;
  uint32_t pages;
  int dmabuf;
  uint64_t inode;
  /// The mappings that exist for the whole race.
  const volatile uint8_t *standing[CGUEST_MOST_WAYS];
  uint32_t standing_count;
  /// Where the replacer maps; NULL without one.
  volatile uint8_t *arena;
  uint32_t seed;
  struct cguest_worker workers[CGUEST_MOST_WORKERS];
  uint32_t worker_count;
  void *running;
};

/// Starts all workers at once. The race must not move until it has been stopped.
int cguest_race_start(struct cguest_race *race);
/// Waits until every worker has done its rounds once more, or the time is over. Returns whether they have.
int cguest_race_wait(struct cguest_race *race, uint32_t milliseconds);
/// Stops the workers and waits for each.
void cguest_race_stop(struct cguest_race *race);

/// The results of imports by two threads at once.
struct cguest_twins {
  /// Rounds in which the two calls overlapped in time.
  uint32_t overlapped;
  /// Rounds in which they got different handles.
  uint32_t different;
  /// The first errno, of an import or of the close of the shared handle.
  int code;
};

/// Makes two threads import one dma-buf into one client at the same time, and closes the handle, which removes the
/// import. Does so for this number of rounds.
int cguest_twin_imports(int client, int dmabuf, uint32_t rounds, struct cguest_twins *result);

#endif
