/* Formulas as books have them, as they are: of models and of their derivatives, as a sum per model; as kept.c
   does it. */
#include "derive/simplify.h"
#include "dz/dz.h"
#include "listing.h"
#include "models.h"
#include "texts.h"

enum { LEAVES = 16 };

static void list_length(listing *l, dz__terms *s, uint32_t i, uint32_t z) {
  double times;
  const size_t length = dz__term_length(s, i, z, &times);
  LIST(l, "length", length, (uint64_t)times);
}

/* As books have it, factors with that leaf last: whole, multiplied out, and in terms of its first operand and
   of z, for which the leaf stands. */
static void list_book(listing *l, const dz__rules *rules, dz_var y, dz_var z, dz_var last) {
  enum { WAYS = 5 };
  dz__terms s;
  if (!dz_valid(y) || dz_is_number(y)) {
    list_formula(l, y);
    return;
  }
  ck_assert(dz__terms_init(&s, y.tape, rules));
  const uint32_t whole = dz__term_of_graph(&s, y), leaf = dz__term_leaf(&s, last);
  uint32_t made[WAYS] = {whole, dz__spread(&s, whole), whole, whole, whole};
  const dz_var first = dz_describe(y).nargs > 0 ? dz_operand(y, 0) : last;
  for (int k = 2; k < WAYS; k++) {
    const dz_var of = k == 2 ? first : z;
    if (dz_is_number(of) || dz_rank(of) > 0 || dz_rank(last) > 0) continue;
    const uint32_t part = dz__term_of_graph(&s, of);
    made[k] = dz__expressed(&s, whole, part, leaf, k < 4);
    list_length(l, &s, whole, part);
  }
  s.book = true;
  s.later = leaf;
  for (int k = 0; k < WAYS; k++) {
    list_length(l, &s, made[k], leaf);
    const dz_var laid = dz__emit_term(&s, made[k]);
    list_formula(l, laid);
    list_formula(l, dz__emit_term(&s, dz__with_signs_out(&s, made[k])));
  }
  LIST(l, "terms", s.terms.n, s.fuel, s.guesses, s.failed);
  dz__terms_free(&s);
}

enum { MODELS = COUNT(models), ALL = MODELS + COUNT(texts) };

static const uint64_t sums[ALL] = {
#include "kept_book.sums"
};

START_TEST(kept) {
  listing l = list_begin();
  const dz_allocator a = list_allocator(&l);
  dz_tape *t = dz_tape_new(&a);
  dz_var x[LEAVES];
  dz__rules rules;
  int n = 0;
  dz_var y = _i < MODELS ? model_on(t, models[_i], x, &n) : text_on(t, texts[_i - MODELS], x, &n);
  ck_assert_int_eq(dz__rules_read(&a, &rules), DZ_OK);
  list_book(&l, &rules, y, x[0], x[0]);
  if (dz_rank(y) > 0) y = dz_sum(dz_mul(y, y), DZ_ALL, 0);
  for (int i = 0; i < n; i++)
    if (dz_is_active(x[i])) list_book(&l, &rules, dz_derivative(y, x[i]), y, x[(i + 1) % n]);
  dz__rules_free(&rules);
  dz_tape_free(t);
  list_end(&l, "kept_book.sums", _i, ALL, sums[_i]);
}
END_TEST

SUITE(EACH(kept, ALL))
