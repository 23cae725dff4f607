/* SPDX-License-Identifier: Apache-2.0 */

// Threads that do things to one buffer at the same time. They are plain threads of C: the test that starts them is a
// fork, in which Swift's own must not be started.
#ifndef PATCHBENCH_CGUEST_RACE_H
#define PATCHBENCH_CGUEST_RACE_H

#include <stdint.h>

/// What a worker does over and over.
enum cguest_role {
  /// Maps the buffer by one of its ways, reads its pages, cuts, moves or leaves it, unmaps it.
  CGUEST_MAPPER,
  /// Touches its own page of each standing mapping and counts the faults.
  CGUEST_TOUCHER,
  /// Forks a child that reads the standing mappings, cuts its copies of them and ends.
  CGUEST_FORKER,
  /// Maps the buffer over the arena again and again, by one of its ways each time.
  CGUEST_REPLACER,
  /// Reads the arena, where the buffer is always mapped, whichever way it came there.
  CGUEST_WATCHER,
  /// Imports the buffer into its client and closes the handle.
  CGUEST_IMPORTER,
  /// Exports the buffer anew, checks that it is the same dma-buf, and closes the fd.
  CGUEST_EXPORTER,
};

/// A file and an offset at which the whole buffer can be mapped.
struct cguest_way {
  int fd;
  uint64_t offset;
  /// An errno with which mmap() may refuse, beside none; 0 where it must not.
  int refusal;
  int other_refusal;
};

enum { CGUEST_MOST_WAYS = 3, CGUEST_MOST_WORKERS = 8 };

struct cguest_worker {
  enum cguest_role role;
  /// A DRM client of its own, for importers and exporters; and the handle that an exporter exports.
  int client;
  uint32_t handle;
  /// The page that a toucher touches.
  uint32_t page;
  /// How many rounds more it is waited for; 0 for one that nobody waits for.
  uint32_t rounds;

  // What came of it.
  uint32_t done;
  /// Maps, forks, imports or exports that succeeded, and those refused as they may be.
  uint32_t succeeded;
  uint32_t refused;
  /// Bytes that were not the page's own, or another dma-buf than the one that was exported.
  uint32_t wrong;
  /// Touches that were answered with a signal.
  uint32_t signals;
  /// Faults of a toucher after its first touches: how often its pages were taken away.
  uint32_t faults;
  /// The first errno that ought not to be.
  int code;
};

/// One buffer whose page `n` begins with the byte `n + 1`, and who works on it.
struct cguest_race {
  struct cguest_way ways[CGUEST_MOST_WAYS];
  uint32_t way_count;
  uint32_t pages;
  int dmabuf;
  uint64_t inode;
  /// The mappings that stand for the whole race.
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
/// Waits until every worker has done its rounds once more, or at most so long. Returns whether they have.
int cguest_race_wait(struct cguest_race *race, uint32_t milliseconds);
/// Ends the workers and waits for each.
void cguest_race_stop(struct cguest_race *race);

/// What came of imports by two threads at once.
struct cguest_twins {
  /// Rounds in which the two calls overlapped in time.
  uint32_t overlapped;
  /// Rounds in which they got different handles.
  uint32_t different;
  /// The first errno, of an import, or of the close of the one handle.
  int code;
};

/// Lets two threads import one dma-buf into one client at the same moment, and closes the handle, with which the import is
/// gone; so many rounds.
int cguest_twin_imports(int client, int dmabuf, uint32_t rounds, struct cguest_twins *result);

#endif
