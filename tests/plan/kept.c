/* Plans as they are: all that they hold, their C, and the memory that their making asks for, as a sum per
   function. What plans must do, other tests say; this one notices what changes beside that: another order,
   a loop that is not found, a number too much. After a change that was meant,
       CK_FORK=no DZ_ACCEPT=tests/plan BUILD/tests/plan_kept
   writes the sums as they are then; with DZ_LISTING=1 it prints what they are sums of, to be compared. */
#include "plan_listing.h"
#include "rare.h"
#include "texts.h"
#include "zeros.h"

static subject s;

enum { DRAWN = 60 };
enum { RARE = COUNT(subjects), TEXTS = COUNT(texts), ALL = RARE + TEXTS + 2 * DRAWN };

static void record(int k) {
  s.t = dz_tape_new(NULL), s.n = 0;
  s.y = input(&s, 0);
  if (k < RARE)
    subjects[k](&s);
  else if (k < RARE + TEXTS)
    s.y = text_on(s.t, texts[k - RARE], s.x, &s.n);
  else if (k < RARE + TEXTS + DRAWN)
    draw_steps(&s, (uint64_t)(400 + k), 14);
  else
    draw_lanes(&s, (uint64_t)(400 + k), 12);
  if (k % 5 == 0) add_to(&s, behind(input(&s, 1)));
  ck_assert_msg(dz_valid(s.y), "%s", dz_tape_error(s.t)->message);
}

/* The last result and some on the way, which others read; the number of them. */
static int some_results(dz_var *to) {
  enum { SOME = 7 };
  const uint32_t last = dz__index(s.y);
  int n = 0;
  to[n++] = s.y;
  for (uint32_t k = 1; k <= SOME; k++) {
    const dz_var z = dz__handle(s.t, last * k / (SOME + 1));
    if (dz_rank(z) == 0 && dz_is_active(z)) to[n++] = z;
  }
  return n;
}

/* In the ways in which plans are made. */
static listing listed(int k) {
  const dz_emit_options plain = {.name = "f"}, full = {.test = true, .single = true, .batch = true};
  listing l = list_begin();
  record(k);
  list_plan(&l, s.y, s.n, s.x, (dz_plan_options){.tensors = DZ_TENSORS_APART}, &plain);
  list_plan(&l, s.y, s.n, s.x,
            (dz_plan_options){.tensors = DZ_TENSORS_APART, .values_only = true, .map = true}, &full);
  list_plan(&l, s.y, s.n, s.x, (dz_plan_options){.tensors = DZ_TENSORS_APART, .threads = 2}, NULL);
  dz_var ys[8];
  const int n = some_results(ys);
  list_plan_of(&l, n, ys, s.n, s.x, (dz_plan_options){.tensors = DZ_TENSORS_APART}, &plain);
  if (s.n < 100) {
    list_plan(&l, s.y, s.n, s.x,
              (dz_plan_options){.tensors = DZ_TENSORS_APART, .unrolled = true, .map = true}, &full);
    list_plan(&l, s.y, s.n, s.x, (dz_plan_options){.tensors = DZ_TENSORS_WHOLE}, NULL);
    list_plan(&l, s.y, s.n, s.x,
              (dz_plan_options){.tensors = DZ_TENSORS_WHOLE, .values_only = true, .single = true}, NULL);
  }
  dz_tape_free(s.t);
  return l;
}

static const uint64_t sums[ALL] = {
#include "kept.sums"
};

START_TEST(kept) {
  const listing l = listed(_i);
  list_end(&l, "kept.sums", _i, ALL, sums[_i]);
}
END_TEST

/* With SLEEF's functions, and what quick code does beside that. */
#if defined(DZ_SLEEF)
static const uint64_t quick_sums[ALL] = {
#include "kept_quick.sums"
};

START_TEST(kept_quick) {
  listing l = list_begin();
  record(_i);
  const dz_plan_options o = {.tensors = DZ_TENSORS_APART, .quick = true};
  const dz_emit_options plain = {.name = "f"};
  list_plan(&l, s.y, s.n, s.x, o, &plain);
  dz_tape_free(s.t);
  list_end(&l, "kept_quick.sums", _i, ALL, quick_sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL), EACH(kept_quick, ALL))
#else
SUITE(EACH(kept, ALL))
#endif
