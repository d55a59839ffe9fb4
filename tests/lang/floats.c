/* The language on tapes of floats, whose numbers are read as doubles while memory runs out: positions, shapes
   that constants say, derivatives of matrix products, first values of parameters. */
#include "../failing.h"
#include "dz/lang.h"
#include "dz/tensor.h"

#include "suite.h"

static const struct {
  const char *text;
  double value; /* for A = 1, 2, 3, 4 */
} programs[] = {
    {"sum(positions(A, axis=1) * A)", 6},
    {"sum(sum(A, [0] + [1]))", 10},
    {"sum(reshape(A, [0, 3] + [1, 1]) * [[1, 0, 0, 2]])", 9},
    {"sum(d(sum(A @ A), A))", 40}, /* each element of A by row and column sums of A: 2 (10 + 10) */
    {"gather(A[0], 1) + A[1, 0]", 5},
    {"param W[2, 3] ~ ones\nsum(A @ W)", 30},
};

/* Memory is out once at the k-th allocation: the error says so, and without it the value is right. */
START_TEST(memory_runs_out) {
  bool done = false;
  for (size_t k = 1; !done; k++) {
    failing f = {.only = k};
    const dz_allocator a = failing_allocator(&f);
    dz_tape *t = dz_tape_new_single(&a);
    if (!t) continue;
    const dz_var A = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){2, 2}, (double[]){1, 2, 3, 4});
    const bool named = dz_set_name(A, "A") == DZ_OK;
    const dz_var y = named ? dz_expr(t, programs[_i].text) : A;
    done = f.failed == 0;
    if (done) ck_assert_msg(dz_valid(y), "%s: %s", programs[_i].text, dz_tape_error(t)->message);
    if (named && dz_valid(y))
      ck_assert_msg(dz_value(y) == programs[_i].value, "%s: %.9g", programs[_i].text, dz_value(y));
    else if (named)
      ck_assert_msg(dz_tape_error(t)->status == DZ_ERR_MEMORY, "%s: %s", programs[_i].text,
                    dz_tape_error(t)->message);
    dz_tape_free(t);
    ck_assert_uint_eq(f.blocks, 0);
  }
}
END_TEST

SUITE(EACH(memory_runs_out, COUNT(programs)))
