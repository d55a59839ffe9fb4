#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* syscall */
#endif
#include "base/memory.h"
#include "../failing.h"
#include "suite.h"

#include <stdio.h>

static inline bool watched_by_valgrind(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded && strstr(preloaded, "vgpreload");
}

#if defined(__linux__) && !SANITIZED && SIZE_MAX > UINT32_MAX /* 32 bits: mmap is another call */
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system's calls for pages, of which the refused-th from now on is refused; 0: none. What the library
   calls is this, since the program that is linked comes before the C library. */
static int refused_pages;

static bool pages_are_refused(void) { return refused_pages > 0 && --refused_pages == 0; }

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  if (pages_are_refused()) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, at, size, protection, flags, file, offset);
}

void *mremap(void *block, size_t old_size, size_t new_size, int flags, ...) {
  va_list list;
  va_start(list, flags);
  void *to = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
  va_end(list);
  if (pages_are_refused()) return MAP_FAILED;
  return (void *)syscall(SYS_mremap, block, old_size, new_size, flags, to);
}

/* A large block that grows asks for its next pages, else for a place, else to be moved there. When one of
   these is refused the block is moved or stays as it was. */
START_TEST(large_blocks_survive_a_system_that_refuses) {
  if (watched_by_valgrind()) return; /* which does not see these calls */
  const dz_allocator a = dz_system_allocator();
  const size_t small = 3 << 20, large = 40 << 20;
  for (int refused = 1; refused <= 3; refused++)
    for (int then = 0; then <= 2; then++) {
      char *p = dz__alloc(&a, small);
      ck_assert_ptr_nonnull(p);
      p[0] = 1, p[small - 1] = 2;
      /* pages behind it, so that it must move */
      (void)mmap(p + ((small + (2 << 20) - 1) & ~(((size_t)2 << 20) - 1)), 4096, PROT_READ,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
      refused_pages = refused;
      char *q = a.resize(a.user, p, small, large);
      const bool met = refused_pages == 0;
      refused_pages = 0;
      if (q) {
        q[large - 1] = 3;
        p = q;
      }
      ck_assert(q || met);
      ck_assert_int_eq(p[0], 1);
      ck_assert_int_eq(p[small - 1], 2);
      dz__free(&a, p, q ? large : small);
    }
  refused_pages = 1;
  ck_assert_ptr_null(dz__alloc(&a, large));
  refused_pages = 0;
}
END_TEST
#define PAGE_TESTS , ONCE(large_blocks_survive_a_system_that_refuses)
#else
#define PAGE_TESTS
#endif

START_TEST(the_default_allocator_is_the_systems) {
  const dz_allocator a = dz__allocator(NULL), none = {NULL, NULL}, b = dz__allocator(&none);
  char *p = dz__alloc(&a, 100);
  ck_assert_ptr_nonnull(p);
  memset(p, 1, 100);
  p = a.resize(a.user, p, 100, 1000);
  ck_assert_int_eq(p[99], 1);
  dz__free(&b, p, 1000);
  dz__free(&a, NULL, 0);
  ck_assert_ptr_null(dz__alloc(&a, 0));
  ck_assert_ptr_null(dz__alloc(&a, SIZE_MAX));
}
END_TEST

/* Through every kind of step between small blocks and large ones, contents stay, and what is new can be
 * written. */
START_TEST(blocks_of_all_sizes_keep_their_contents) {
  static const size_t sizes[] = {100,     1 << 19, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20, 1 << 26,
                                 3 << 20, 1 << 20, (2 << 20) + 1, 1000,    2 << 20,       17};
  const dz_allocator a = dz_system_allocator();
  unsigned char *p = NULL;
  size_t had = 0;
  for (size_t k = 0; k < COUNT(sizes); k++) {
    size_t n = sizes[k], kept = had < n ? had : n;
    p = a.resize(a.user, p, had, n);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < kept; i += 997) ck_assert_uint_eq(p[i], i % 251);
    if (kept) ck_assert_uint_eq(p[kept - 1], (kept - 1) % 251);
    for (size_t i = 0; i < n; i++) p[i] = (unsigned char)(i % 251);
    had = n;
  }
  ck_assert_ptr_null(a.resize(a.user, p, had, SIZE_MAX - 100));
  ck_assert_ptr_null(a.resize(a.user, p, had, SIZE_MAX / 2));
  ck_assert_uint_eq(p[16], 16);
  ck_assert_ptr_null(a.resize(a.user, p, had, 0));
}
END_TEST

#if defined(__linux__) && defined(__x86_64__)
/* Sanitizers take memory of their own meanwhile; so does an emulated processor. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));
static bool sanitized(void) { return __asan_init || __tsan_init; }

/* Pages that the system counts as this program's; 0 where it does not say. */
static unsigned long pages_held(void) {
  char text[64] = "";
  FILE *f = fopen("/proc/self/statm", "r");
  if (f) (void)!fgets(text, sizeof text, f), fclose(f);
  return strtoul(text, NULL, 10);
}

START_TEST(large_blocks_are_given_back) {
  if (sanitized() || watched_by_valgrind()) return;
  const dz_allocator a = dz_system_allocator();
  (void)pages_held(); /* what reading takes is there from now on */
  const unsigned long before = pages_held();
  for (int turn = 0; turn < 3; turn++) {
    void *p = NULL;
    size_t had = 0;
    for (size_t n = (1 << 20) + 1; n < 100 << 20; had = n, n += n / 3 + 1)
      ck_assert_ptr_nonnull(p = a.resize(a.user, p, had, n));
    ck_assert_ptr_nonnull(p = a.resize(a.user, p, had, (3 << 20) + 1));
    dz__free(&a, p, (3 << 20) + 1);
  }
  ck_assert_uint_eq(pages_held(), before);
}
END_TEST
#define GIVEN_BACK , ONCE(large_blocks_are_given_back)
#else
#define GIVEN_BACK
#endif

START_TEST(a_given_allocator_is_used) {
  failing f = {0};
  const dz_allocator given = failing_allocator(&f), a = dz__allocator(&given);
  void *p = dz__alloc(&a, 10);
  ck_assert_uint_eq(f.bytes, 10);
  dz__free(&a, p, 10);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(arrays_grow_and_keep_their_items) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  void *block = NULL;
  size_t cap = 0;
  for (size_t n = 0; n < 100000; n++) {
    ck_assert(dz__grow(&a, &block, &cap, n + 1, sizeof(size_t)));
    ((size_t *)block)[n] = n;
  }
  for (size_t n = 0; n < 100000; n++) ck_assert_uint_eq(((size_t *)block)[n], n);
  /* by a quarter each time: 1.25^k * 16 / .25 > 100000 for k = 34, with one more for the rounding */
  ck_assert_uint_le(f.calls, 35);
  ck_assert_uint_eq(f.bytes, cap * sizeof(size_t));
  dz__free(&a, block, cap * sizeof(size_t));
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(an_array_that_cannot_grow_stays) {
  failing f = {.at = 2};
  const dz_allocator a = failing_allocator(&f);
  void *block = NULL;
  size_t cap = 0;
  ck_assert(dz__grow(&a, &block, &cap, 5, 8));
  void *const before = block;
  const size_t had = cap;
  memset(block, 7, 8 * cap);
  ck_assert(dz__grow(&a, &block, &cap, had, 8));
  ck_assert(!dz__grow(&a, &block, &cap, had + 1, 8));
  f.at = 0;
  ck_assert(!dz__grow(&a, &block, &cap, SIZE_MAX / 8 + 2, 8)); /* times 8 it would wrap round to 8 */
  ck_assert(!dz__grow(&a, &block, &cap, SIZE_MAX, 8));
  ck_assert_ptr_eq(block, before);
  ck_assert_uint_eq(cap, had);
  ck_assert_int_eq(((char *)block)[8 * cap - 1], 7);
  dz__free(&a, block, 8 * cap);
}
END_TEST

/* Remembers what it was asked for, and has none. */
static void *greedy(void *user, void *block, size_t old_size, size_t new_size) {
  (void)block, (void)old_size;
  *(size_t *)user = new_size;
  return NULL;
}

/* Where a half more would be more than there can be, what is needed is asked for and no more. */
START_TEST(growth_stops_at_what_can_be) {
  const size_t item = SIZE_MAX / 4 / 100; /* so at most 100 of them */
  size_t asked = 0, cap = 90;
  const dz_allocator a = {greedy, &asked};
  void *block = NULL;
  ck_assert(!dz__grow(&a, &block, &cap, 95, item));
  ck_assert_uint_eq(asked, 95 * item);
  ck_assert(!dz__grow(&a, &block, &cap, 100, item));
  ck_assert_uint_eq(asked, 100 * item);
  asked = 0;
  ck_assert(!dz__grow(&a, &block, &cap, 101, item));
  ck_assert_uint_eq(asked, 0);
}
END_TEST

/* ---- arena ---- */

enum { PIECES = 300 };

/* Sizes around the alignment, around the first block's 16384 bytes, and far above. */
static size_t size_of(size_t i) {
  static const size_t size[] = {1, 0, 63, 64, 65, 1000, 16383, 16384, 16385, 3, 200000, 8};
  return size[i % (sizeof size / sizeof *size)];
}

static char tag(size_t i) { return (char)(1 + i % 101); }

/* Takes pieces from `i` up to `end`; returns the first that was not to be had. */
static size_t fill(dz__arena *arena, char **piece, size_t i, size_t end) {
  for (; i < end; i++) {
    piece[i] = dz__arena_alloc(arena, size_of(i));
    if (!piece[i]) return i;
    ck_assert_uint_eq((uintptr_t)piece[i] % 64, 0);
    memset(piece[i], tag(i), size_of(i));
  }
  return end;
}

/* Whether the pieces before `end` hold what was put there, which they do not when two overlap. */
static void check_pieces(char **piece, size_t end) {
  for (size_t i = 0; i < end; i++)
    for (size_t k = 0; k < size_of(i); k++)
      if (piece[i][k] != tag(i)) ck_abort_msg("byte %zu of piece %zu was overwritten", k, i);
}

START_TEST(pieces_stay_put_and_do_not_overlap) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  char *piece[PIECES];
  dz__arena arena;
  dz__arena_init(&arena, &a);
  ck_assert_uint_eq(fill(&arena, piece, 0, PIECES), PIECES);
  check_pieces(piece, PIECES);
  dz__arena_free(&arena);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(rewinding_keeps_what_came_before) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  char *piece[PIECES];
  dz__arena arena;
  dz__arena_init(&arena, &a);
  const dz__arena_mark start = dz__arena_where(&arena);
  for (size_t cut = 0; cut < PIECES; cut += 7) {
    dz__arena_rewind(&arena, start);
    fill(&arena, piece, 0, cut);
    const dz__arena_mark mark = dz__arena_where(&arena);
    fill(&arena, piece, cut, PIECES);
    dz__arena_rewind(&arena, mark);
    const char *const again = dz__arena_alloc(&arena, 1);
    ck_assert(cut == 0 || again != piece[cut - 1]);
    dz__arena_rewind(&arena, mark);
    fill(&arena, piece, cut, PIECES);
    check_pieces(piece, PIECES);
  }
  dz__arena_free(&arena);
}
END_TEST

START_TEST(a_loop_allocates_in_its_first_turn_only) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  char *piece[PIECES];
  dz__arena arena;
  dz__arena_init(&arena, &a);
  fill(&arena, piece, 0, 5);
  const dz__arena_mark mark = dz__arena_where(&arena);
  size_t calls = 0;
  for (int turn = 0; turn < 5; turn++) {
    fill(&arena, piece, 5, 100);
    const dz__arena_mark inner = dz__arena_where(&arena);
    fill(&arena, piece, 100, 120);
    dz__arena_rewind(&arena, inner);
    fill(&arena, piece, 100, PIECES);
    check_pieces(piece, PIECES);
    dz__arena_rewind(&arena, mark);
    if (turn == 0) calls = f.calls;
    ck_assert_uint_eq(f.calls, calls);
  }
  dz__arena_free(&arena);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(too_much_is_refused) {
  const dz_allocator a = dz__allocator(NULL);
  dz__arena arena;
  dz__arena_init(&arena, &a);
  ck_assert_ptr_null(dz__arena_alloc(&arena, SIZE_MAX));
  ck_assert_ptr_null(dz__arena_alloc(&arena, SIZE_MAX - 10));
  ck_assert_ptr_null(dz__arena_alloc(&arena, SIZE_MAX / 8 + 1));
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, 8));
  dz__arena_free(&arena);
}
END_TEST

/* Blocks double up to 2^28 bytes, and then stay so. */
START_TEST(blocks_of_the_arena_have_a_limit) {
  if (SANITIZED || sizeof(size_t) < 8) return; /* half a gigabyte that nobody touches */
  const dz_allocator a = dz_system_allocator();
  dz__arena arena;
  dz__arena_init(&arena, &a);
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, (size_t)1 << 28));
  const size_t first = dz__arena_bytes(&arena);
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, 1));
  ck_assert_uint_eq(dz__arena_bytes(&arena) - first, first);
  dz__arena_free(&arena);
}
END_TEST

/* Says how much was asked for, and has little: the arena writes nothing into its blocks but their heads. */
static void *little(void *user, void *block, size_t old_size, size_t new_size) {
  (void)old_size;
  if (new_size) *(size_t *)user = new_size;
  return new_size ? malloc(4096) : (free(block), NULL);
}

/* Behind a block of 100 MB stands one of 200, and then one of 2^28 bytes, the most; the first has 2^14. */
START_TEST(blocks_of_the_arena_double) {
  size_t asked = 0;
  const dz_allocator a = {little, &asked};
  dz__arena arena;
  dz__arena_init(&arena, &a);
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, 1));
  const size_t head = asked - ((size_t)1 << 14);
  ck_assert_uint_le(head, 256);
  static const size_t piece[] = {1 << 14, 64, 100 << 20, 64, 200 << 20, 64},
                      block[] = {1 << 15, 0, 100 << 20, 200 << 20, 1 << 28, 0};
  for (size_t k = 0; k < COUNT(piece); k++) {
    asked = 0;
    ck_assert_ptr_nonnull(dz__arena_alloc(&arena, piece[k]));
    ck_assert_uint_eq(asked, block[k] ? block[k] + head : 0);
  }
  dz__arena_free(&arena);
}
END_TEST

/* Where there is no room for twice the last block, one of what is asked for will do. */
START_TEST(the_arena_takes_what_there_is) {
  failing f = {.most = 40000};
  const dz_allocator a = failing_allocator(&f);
  dz__arena arena;
  dz__arena_init(&arena, &a);
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, 1));
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, 1 << 14));
  ck_assert_uint_eq(f.failed, 1);
  dz__arena_free(&arena);
}
END_TEST

/* Every _i-th allocation fails. A piece not to be had leaves the arena usable: the next try gets it. */
START_TEST(the_arena_survives_failing_allocations) {
  failing f = {.every = (size_t)_i};
  const dz_allocator a = failing_allocator(&f);
  char *piece[PIECES];
  dz__arena arena;
  dz__arena_init(&arena, &a);
  for (size_t n = 0, tries = 0; n < PIECES && tries < 2 * PIECES; tries++) n = fill(&arena, piece, n, PIECES);
  ck_assert_uint_gt(f.failed, 0);
  check_pieces(piece, PIECES);
  dz__arena_free(&arena);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(the_arena_survives_memory_running_out) {
  size_t had = 0;
  for (size_t at = 1; had < PIECES; at++) {
    failing f = {.at = at};
    const dz_allocator a = failing_allocator(&f);
    char *piece[PIECES];
    dz__arena arena;
    dz__arena_init(&arena, &a);
    had = fill(&arena, piece, 0, PIECES);
    ck_assert_int_eq(had<PIECES, f.failed> 0);
    ck_assert(at > 5 || had < PIECES);
    check_pieces(piece, had);
    f.at = 0;
    ck_assert_uint_eq(fill(&arena, piece, had, PIECES), PIECES);
    check_pieces(piece, PIECES);
    dz__arena_free(&arena);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

/* After a rewind a larger block is put in before one that is too small, which serves again later. */
START_TEST(a_block_too_small_stays_further_on) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz__arena arena;
  dz__arena_init(&arena, &a);
  ck_assert_ptr_nonnull(dz__arena_alloc(&arena, 1));
  const dz__arena_mark start = dz__arena_where(&arena);
  char *const small = dz__arena_alloc(&arena, 20000);
  dz__arena_rewind(&arena, start);
  char *const large = dz__arena_alloc(&arena, 1000000);
  const size_t calls = f.calls;
  char *const again = dz__arena_alloc(&arena, 20000);
  ck_assert(small && large && again == small && f.calls == calls);
  memset(large, 1, 1000000);
  memset(again, 2, 20000);
  ck_assert(large[999999] == 1 && dz__arena_bytes(&arena) == f.bytes);
  dz__arena_free(&arena);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE(ONCE(the_default_allocator_is_the_systems), ONCE(blocks_of_all_sizes_keep_their_contents),
      ONCE(a_given_allocator_is_used), ONCE(arrays_grow_and_keep_their_items),
      ONCE(an_array_that_cannot_grow_stays), ONCE(pieces_stay_put_and_do_not_overlap),
      ONCE(rewinding_keeps_what_came_before), ONCE(a_loop_allocates_in_its_first_turn_only),
      ONCE(too_much_is_refused), BETWEEN(the_arena_survives_failing_allocations, 2, 6),
      ONCE(the_arena_survives_memory_running_out), ONCE(growth_stops_at_what_can_be),
      ONCE(blocks_of_the_arena_have_a_limit), ONCE(blocks_of_the_arena_double),
      ONCE(the_arena_takes_what_there_is) GIVEN_BACK, ONCE(a_block_too_small_stays_further_on) PAGE_TESTS)
