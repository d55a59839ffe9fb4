/* Threads that wait for work, so that a run needs to make none. The caller works too and waits only for
   blocks that others have begun: threads that wake late cost nothing. */
#if defined(DZ_THREADS)
#define _POSIX_C_SOURCE 200809L
#endif
#include "plan/crew.h"

#if defined(DZ_THREADS)
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LOOKS = 4000, PATIENT = 200 }; /* for work before sleeping; for the last blocks before yielding */

struct dz__crew {
  /* The work at hand. Who comes in adds to `inside` first and then looks whether it is open: so nobody is
     inside when the caller has closed it and seen nobody. */
  dz__block_of_work *f;
  void *work;
  size_t blocks;
  atomic_size_t next, finished, inside;
  atomic_bool open;
  atomic_flag taken;  /* by a caller */
  atomic_uint number; /* of works so far */
  /* Sleeping: */
  pthread_mutex_t lock;
  pthread_cond_t wake;
  atomic_size_t asleep;
  atomic_bool quit;
  pid_t home; /* the process that has the threads: after a fork the child has none */
  size_t threads;
  struct member {
    dz__crew *crew;
    size_t who;
    pthread_t id;
  } * member;
  size_t room;
};

static inline void pause_a_little(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

static void take_blocks(dz__crew *c, size_t who) {
  for (size_t b; (b = atomic_fetch_add(&c->next, 1)) < c->blocks;) {
    c->f(c->work, b, who);
    atomic_fetch_add(&c->finished, 1);
  }
}

static void join_in(dz__crew *c, size_t who) {
  atomic_fetch_add(&c->inside, 1);
  if (atomic_load(&c->open)) take_blocks(c, who);
  atomic_fetch_sub(&c->inside, 1);
}

static void sleep_until(dz__crew *c, unsigned seen) {
  pthread_mutex_lock(&c->lock);
  atomic_fetch_add(&c->asleep, 1);
  while (atomic_load(&c->number) == seen)
    pthread_cond_wait(&c->wake, &c->lock); /* it rises at the end, too */
  atomic_fetch_sub(&c->asleep, 1);
  pthread_mutex_unlock(&c->lock);
}

static void *live(void *user) {
  const struct member *m = user;
  dz__crew *c = m->crew;
  unsigned seen = 0;
  while (!atomic_load(&c->quit)) {
    int looks = 0;
    for (; atomic_load(&c->number) == seen && looks < LOOKS; looks++) pause_a_little();
    if (looks == LOOKS) sleep_until(c, seen);
    seen = atomic_load(&c->number);
    join_in(c, m->who);
  }
  return NULL;
}

static void wake_all(dz__crew *c) {
  if (atomic_load(&c->asleep) == 0) return;
  pthread_mutex_lock(&c->lock);
  pthread_cond_broadcast(&c->wake);
  pthread_mutex_unlock(&c->lock);
}

/* The program's signals are for its own threads. */
static void start(dz__crew *c, size_t all) {
  sigset_t every, before;
  sigfillset(&every);
  if (pthread_sigmask(SIG_SETMASK, &every, &before)) return;
  for (size_t k = 0; k + 1 < all; k++) {
    c->member[k] = (struct member){.crew = c, .who = k + 1};
    if (pthread_create(&c->member[k].id, NULL, live, &c->member[k])) break;
    c->threads++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

dz__crew *dz__crew_new(const dz_allocator *a, size_t all) {
  if (all < 2) return NULL;
  dz__crew *c = dz__alloc(a, sizeof *c);
  struct member *m = dz__alloc(a, (all - 1) * sizeof *m);
  if (!c || !m) {
    dz__free(a, c, sizeof *c);
    dz__free(a, m, (all - 1) * sizeof *m);
    return NULL;
  }
  *c = (dz__crew){.member = m, .room = all - 1, .home = getpid()};
  atomic_flag_clear(&c->taken);
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->wake, NULL);
  start(c, all);
  if (c->threads) return c;
  dz__crew_free(a, c);
  return NULL;
}

void dz__crew_free(const dz_allocator *a, dz__crew *c) {
  if (!c) return;
  if (c->home == getpid()) {
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->quit, true);
    atomic_fetch_add(&c->number, 1);
    pthread_cond_broadcast(&c->wake);
    pthread_mutex_unlock(&c->lock);
    for (size_t k = 0; k < c->threads; k++) pthread_join(c->member[k].id, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
  }
  dz__free(a, c->member, c->room * sizeof *c->member);
  dz__free(a, c, sizeof *c);
}

static void wait_for(const atomic_size_t *count, size_t n) {
  for (int looks = 0; atomic_load(count) != n; looks++)
    if (looks < PATIENT)
      pause_a_little();
    else
      sched_yield();
}

void dz__crew_work(dz__crew *c, size_t n, dz__block_of_work *f, void *work) {
  if (!c || n < 2 || c->home != getpid() || atomic_flag_test_and_set(&c->taken)) {
    for (size_t b = 0; b < n; b++) f(work, b, 0);
    return;
  }
  c->f = f;
  c->work = work;
  c->blocks = n;
  atomic_store(&c->next, 0);
  atomic_store(&c->finished, 0);
  atomic_store(&c->open, true);
  atomic_fetch_add(&c->number, 1);
  wake_all(c);
  take_blocks(c, 0);
  wait_for(&c->finished, n);
  atomic_store(&c->open, false);
  wait_for(&c->inside, 0);
  atomic_flag_clear(&c->taken);
}

#else

dz__crew *dz__crew_new(const dz_allocator *a, size_t all) {
  (void)a, (void)all;
  return NULL;
}

void dz__crew_free(const dz_allocator *a, dz__crew *c) { (void)a, (void)c; }

void dz__crew_work(dz__crew *c, size_t n, dz__block_of_work *f, void *work) {
  (void)c;
  for (size_t b = 0; b < n; b++) f(work, b, 0);
}
#endif
