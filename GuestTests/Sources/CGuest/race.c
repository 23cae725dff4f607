// SPDX-License-Identifier: Apache-2.0

// The workers of a race. See CGuestRace.h.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

struct running {
  struct cguest_race *race;
  atomic_int go;
  atomic_int stop;
  pthread_t threads[CGUEST_MOST_WORKERS];
  uint32_t started;
  struct ticket {
    struct running *running;
    struct cguest_worker *worker;
    uint32_t random;
    _Atomic uint32_t rounds;
    int touched;
  } tickets[CGUEST_MOST_WORKERS];
};

// Marsaglia's xorshift: a worker's actions depend on the seed only, not on the other workers.
static uint32_t next(struct ticket *ticket) {
  uint32_t x = ticket->random;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return ticket->random = x;
}

static void look(struct cguest_worker *worker, const volatile uint8_t *base, uint32_t page) {
  uint8_t seen = 0;
  if (cguest_try_read(base + (size_t)page * PAGE, &seen))
    worker->signals++;
  else if (seen != page + 1)
    worker->wrong++;
}

static void unexpected(struct cguest_worker *worker, int code) {
  if (!worker->code) worker->code = code;
}

static void *map(const struct cguest_race *race, struct ticket *ticket, void *where) {
  struct cguest_worker *worker = ticket->worker;
  const struct cguest_way *way = &race->ways[next(ticket) % race->way_count];
  void *base = mmap(where, (size_t)race->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | (where ? MAP_FIXED : 0),
                    way->fd, (off_t)way->offset);
  if (base != MAP_FAILED) {
    worker->succeeded++;
    return base;
  }
  if (errno == way->refusal || errno == way->other_refusal)
    worker->refused++;
  else
    unexpected(worker, errno);
  return NULL;
}

static void map_and_unmap(const struct cguest_race *race, struct ticket *ticket) {
  struct cguest_worker *worker = ticket->worker;
  size_t length = (size_t)race->pages * PAGE;
  uint8_t *base = map(race, ticket, NULL);
  if (!base) return;
  for (uint32_t page = 0; page < race->pages; page++) look(worker, base, page);
  switch (next(ticket) % 4) {
    case 0: munmap(base + length - PAGE, PAGE); break;
    case 1: munmap(base + PAGE, PAGE); break;
    case 2: {
      void *moved = mremap(base, length, length, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
      // A mapping without struct pages cannot be moved and left behind. If it was, both mappings exist.
      if (moved != MAP_FAILED) munmap(moved, length);
      break;
    }
    default: break;
  }
  munmap(base, length);
}

static long faults_so_far(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

static void touch(const struct cguest_race *race, struct ticket *ticket) {
  struct cguest_worker *worker = ticket->worker;
  for (uint32_t i = 0; i < race->standing_count; i++) {
    long before = faults_so_far();
    look(worker, race->standing[i], worker->page);
    long after = faults_so_far();
    // The first round faults in any case: on the page, and on this stack.
    if (ticket->touched) worker->faults += (uint32_t)(after - before);
  }
  ticket->touched = 1;
}

static void fork_once(const struct cguest_race *race, struct ticket *ticket) {
  struct cguest_worker *worker = ticket->worker;
  size_t length = (size_t)race->pages * PAGE;
  uint32_t cut = next(ticket) % race->pages;
  pid_t pid = fork();
  if (pid == 0) {
    // Only this thread is left, and only syscalls are safe.
    struct cguest_worker mine = {.role = CGUEST_FORKER};
    for (uint32_t i = 0; i < race->standing_count; i++) {
      for (uint32_t page = 0; page < race->pages; page++) look(&mine, race->standing[i], page);
      munmap((void *)(race->standing[i] + (size_t)cut * PAGE), PAGE);
    }
    // Every other child leaves the rest to its exit.
    if (cut % 2 == 0)
      for (uint32_t i = 0; i < race->standing_count; i++) munmap((void *)race->standing[i], length);
    _exit(mine.wrong ? 2 : mine.signals ? 3 : 0);
  }
  if (pid < 0) {
    unexpected(worker, errno);
    return;
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) unexpected(worker, errno);
  if (status == 0)
    worker->succeeded++;
  else if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
    worker->wrong++;
  else
    worker->signals++;
}

static void import(const struct cguest_race *race, struct ticket *ticket) {
  struct cguest_worker *worker = ticket->worker;
  uint32_t handle;
  if (cguest_drm_import(worker->client, race->dmabuf, &handle) < 0) {
    unexpected(worker, errno);
    return;
  }
  worker->succeeded++;
  if (next(ticket) % 4 == 0) sched_yield();
  if (cguest_drm_close_handle(worker->client, handle) < 0) unexpected(worker, errno);
}

static void export(const struct cguest_race *race, struct ticket *ticket) {
  struct cguest_worker *worker = ticket->worker;
  int fd = cguest_drm_export(worker->client, worker->handle);
  if (fd < 0) {
    unexpected(worker, errno);
    return;
  }
  struct stat status;
  if (fstat(fd, &status) == 0 && status.st_ino == race->inode)
    worker->succeeded++;
  else
    worker->wrong++;
  if (next(ticket) % 4 == 0) sched_yield();
  close(fd);
}

static void *work(void *argument) {
  struct ticket *ticket = argument;
  struct running *running = ticket->running;
  const struct cguest_race *race = running->race;
  struct cguest_worker *worker = ticket->worker;
  while (!atomic_load(&running->go)) sched_yield();
  while (!atomic_load(&running->stop)) {
    switch (worker->role) {
      case CGUEST_MAPPER: map_and_unmap(race, ticket); break;
      case CGUEST_TOUCHER:
        touch(race, ticket);
        // Otherwise workers that only look would use most of the CPU time.
        sched_yield();
        break;
      case CGUEST_FORKER: fork_once(race, ticket); break;
      case CGUEST_REPLACER: map(race, ticket, (void *)race->arena); break;
      case CGUEST_WATCHER:
        look(worker, race->arena, next(ticket) % race->pages);
        sched_yield();
        break;
      case CGUEST_IMPORTER: import(race, ticket); break;
      case CGUEST_EXPORTER: export(race, ticket); break;
    }
    atomic_fetch_add(&ticket->rounds, 1);
  }
  return NULL;
}

int cguest_race_start(struct cguest_race *race) {
  struct running *running = calloc(1, sizeof *running);
  if (!running) return -1;
  running->race = race;
  race->running = running;
  for (uint32_t i = 0; i < race->worker_count; i++) {
    struct ticket *ticket = &running->tickets[i];
    ticket->running = running;
    ticket->worker = &race->workers[i];
    // Never 0: xorshift would stay at 0.
    ticket->random = (race->seed * 2654435761u + i * 40503u) | 1;
    int code = pthread_create(&running->threads[i], NULL, work, ticket);
    if (code) {
      cguest_race_stop(race);
      errno = code;
      return -1;
    }
    running->started++;
  }
  atomic_store(&running->go, 1);
  return 0;
}

int cguest_race_wait(struct cguest_race *race, uint32_t milliseconds) {
  struct running *running = race->running;
  uint32_t from[CGUEST_MOST_WORKERS];
  for (uint32_t i = 0; i < race->worker_count; i++) from[i] = atomic_load(&running->tickets[i].rounds);
  for (uint32_t waited = 0;; waited += 5) {
    int all = 1;
    for (uint32_t i = 0; i < race->worker_count; i++)
      if (atomic_load(&running->tickets[i].rounds) - from[i] < race->workers[i].rounds) all = 0;
    if (all || waited >= milliseconds) return all;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
}

void cguest_race_stop(struct cguest_race *race) {
  struct running *running = race->running;
  atomic_store(&running->stop, 1);
  atomic_store(&running->go, 1);
  for (uint32_t i = 0; i < running->started; i++) {
    pthread_join(running->threads[i], NULL);
    race->workers[i].done = atomic_load(&running->tickets[i].rounds);
  }
  free(running);
  race->running = NULL;
}
