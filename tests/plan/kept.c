/* Plans as they are: all that they hold, their C, and the memory that their making asks for, as a sum per
   function. What plans must do, other tests say; this one notices what changes beside that: another order,
   a loop that is not found, a number too much. With DZ_ACCEPT set it prints the sums as they are now, for the
   table below; with DZ_LISTING what they are sums of. */
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

/* In the ways in which plans are made. */
static listing listed(int k) {
  const dz_emit_options plain = {.name = "f"}, full = {.test = true, .single = true, .batch = true};
  listing l = list_begin();
  record(k);
  list_plan(&l, s.y, s.n, s.x, (dz_plan_options){.tensors = DZ_TENSORS_APART}, &plain);
  list_plan(&l, s.y, s.n, s.x,
            (dz_plan_options){.tensors = DZ_TENSORS_APART, .values_only = true, .map = true}, &full);
  list_plan(&l, s.y, s.n, s.x, (dz_plan_options){.tensors = DZ_TENSORS_APART, .threads = 2}, NULL);
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
  list_end(&l, _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
