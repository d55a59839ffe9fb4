/* Plans made while memory runs out, where arrays are full at any of their users: bodies of all lengths with
   choices, wires, sums and tables, outputs of any number. */
#include "dz/dz.h"
#include "failing.h"
#include "suite.h"

#include <math.h>

enum { MOST = 2000 };

typedef struct subject {
  dz_tape *t;
  dz_var x[MOST], y[60];
  int n, outputs;
} subject;

static dz_var input(subject *s, double x) { return s->x[s->n++] = dz_input(s->t, x); }

static dz_var *inputs(subject *s, int n) {
  dz_var *x = &s->x[s->n];
  for (int k = 0; k < n; k++) input(s, .3 + .01 * (k * 37 % 101));
  return x;
}

static void begin(subject *s) {
  *s = (subject){.t = dz_tape_new(NULL), .outputs = 1};
  s->y[0] = dz_num(0);
}

static void add_to(subject *s, dz_var z) { s->y[0] = dz_add(s->y[0], z); }

/* Blocks that are there already grow, but for the k-th time. */
typedef struct stiff {
  failing f;
  size_t grown, at;
} stiff;

static void *resize(void *user, void *block, size_t old_size, size_t new_size) {
  stiff *s = user;
  return block && new_size && ++s->grown == s->at ? NULL : failing_resize(&s->f, block, old_size, new_size);
}

/* Each growth fails once: the error is that of memory, nothing stays behind, and in the end the plan gives
   what the tape does. */
static void starve(const subject *s, dz_plan_options o) {
  stiff f = {.at = 0};
  const dz_allocator a = {resize, &f};
  o.allocator = &a;
  for (bool made = false; !made;) {
    dz_error e;
    f = (stiff){.at = f.at + EFFORT(1, 7)};
    dz_plan *p = dz_plan_new(s->outputs, s->y, s->n, s->x, &o, &e);
    made = f.grown < f.at;
    ck_assert(made == (p != NULL));
    if (!p) ck_assert_int_eq(e.status, DZ_ERR_MEMORY);
    if (p) {
      double in[MOST], out[60];
      void *work = malloc(dz_plan_memory(p));
      size_t at = 0;
      for (int k = 0; k < s->n; k++)
        for (size_t i = 0; i < dz_size(s->x[k]); i++) in[at++] = dz_values(s->x[k])[i];
      ck_assert_int_eq(dz_plan_run(p, in, out, NULL, work), DZ_OK);
      for (int k = 0; k < s->outputs; k++)
        ck_assert(fabs(out[k] - dz_value(s->y[k])) <= 0x1p-44 * (fabs(dz_value(s->y[k])) + s->n));
      free(work);
    }
    dz_plan_free(p);
    ck_assert_uint_eq(f.f.blocks, 0);
  }
}

/* k functions, one after another, no two steps alike. */
static dz_var functions(dz_var z, int k) {
  for (int j = 0; j < k; j++) z = j % 3 == 0 ? dz_sin(z) : j % 3 == 1 ? dz_exp(z) : dz_sqrt(dz_fabs(z));
  return z;
}

/* Lanes that choose the larger of two, several times, behind k functions. */
START_TEST(choices) {
  enum { LANES = 9, CHOICES = 12 };
  subject s;
  begin(&s);
  dz_var *x = inputs(&s, LANES + 1), *p = inputs(&s, 2 * CHOICES);
  for (int l = 0; l < LANES; l++) {
    dz_var z = x[l], sum = functions(dz_mul(z, .5), _i);
    for (int c = 0; c < CHOICES; c++) {
      const dz_var a = dz_tanh(dz_mul(z, p[2 * c])),
                   b = dz_tanh(dz_mul(x[(l * 4 + c) % LANES], p[2 * c + 1]));
      sum = dz_sub(sum, dz_mul(dz_value(a) > dz_value(b) ? a : b, dz_add(a, b)));
    }
    add_to(&s, dz_sin(sum));
  }
  starve(&s, (dz_plan_options){.unrolled = false});
  dz_tape_free(s.t);
}
END_TEST

/* Lanes that read inputs in disorder, several of them, so that much is added here and there. */
START_TEST(wires) {
  enum { LANES = 11, WIRES = 9 };
  subject s;
  begin(&s);
  dz_var *x = inputs(&s, LANES);
  for (int l = 0; l < LANES; l++) {
    dz_var z = functions(x[l], _i);
    for (int c = 1; c <= WIRES; c++) z = dz_mul(dz_tanh(z), x[l * c * c % LANES]);
    add_to(&s, dz_sin(z));
  }
  starve(&s, (dz_plan_options){.unrolled = false});
  dz_tape_free(s.t);
}
END_TEST

/* Sums in which one number stands many times, and long sums of products. */
START_TEST(sums) {
  enum { LANES = 9 };
  subject s;
  begin(&s);
  dz_var *x = inputs(&s, 2 * LANES), *p = inputs(&s, 60);
  for (int l = 0; l < LANES; l++) {
    dz_var z = dz_tanh(x[l]), sum = z;
    for (int k = 0; k < 40 + 7 * _i; k++) sum = dz_add(sum, z);
    add_to(&s, dz_sin(sum));
    sum = dz_cos(x[LANES + l]);
    for (int k = 0; k < 3 * _i + 1; k++) sum = dz_sub(sum, dz_mul(x[l], p[k % 60]));
    add_to(&s, dz_exp(dz_mul(sum, .1)));
  }
  starve(&s, (dz_plan_options){.unrolled = false});
  dz_tape_free(s.t);
}
END_TEST

/* Steps behind k operations that are no steps, with so many states and results. */
START_TEST(steps) {
  subject s;
  begin(&s);
  const int states = 1 + _i % 9, before = _i;
  dz_var *p = inputs(&s, 12), z[9], kept[20][9], w = input(&s, .4);
  for (int k = 0; k < before; k++) w = k % 4 ? dz_exp(dz_mul(w, p[k % 12])) : dz_sub(dz_sin(w), p[k % 11]);
  add_to(&s, w);
  for (int k = 0; k < states; k++) z[k] = input(&s, .1 * k + .2);
  for (int l = 0; l < 20; l++) {
    dz_var first = z[0];
    for (int k = 0; k < states; k++) {
      kept[l][k] = dz_mul(z[k], k + 1 < states ? z[k + 1] : first);
      z[k] = dz_tanh(dz_add(kept[l][k], p[k]));
    }
  }
  for (int l = 0; l < 20; l++)
    for (int k = 0; k < states; k++) add_to(&s, dz_mul(kept[l][k], kept[l * 7 % 20][k]));
  starve(&s, (dz_plan_options){.unrolled = false});
  dz_tape_free(s.t);
}
END_TEST

/* Outputs that are inputs, numbers, and neither; and branches. */
START_TEST(outputs) {
  subject s;
  begin(&s);
  dz_var *x = inputs(&s, 20), c = dz_data(s.t, 2);
  s.outputs = _i + 1;
  for (int k = 0; k < s.outputs; k++)
    s.y[k] = k % 3 == 0   ? x[k % 20]
             : k % 3 == 1 ? dz_mul(c, k)
                          : dz_sin(dz_holds(dz_gt(x[k % 20], .1 * (k % 7))) ? x[1] : x[2]);
  for (int k = 0; k < 3; k++)
    starve(&s,
           (dz_plan_options){.tensors = k == 2 ? DZ_TENSORS_WHOLE : DZ_TENSORS_APART, .unrolled = k == 1});
  dz_tape_free(s.t);
}
END_TEST

/* Elements of tensors that are numbers, of which some are reduced, and sums of nothing. */
START_TEST(elements) {
  const size_t six = 6, none[] = {5, 0};
  subject s;
  begin(&s);
  dz_var *x = inputs(&s, 1), held = dz_leaf_tensor(s.t, DZ_ROLE_DATA, 1, &six, (double[]){1, 2, 3, 4, 5, 6}),
         empty = s.x[s.n++] = dz_leaf_tensor(s.t, DZ_ROLE_INPUT, 2, none, NULL), z = *x;
  for (int k = 0; k < _i; k++) z = k % 2 ? dz_mul(z, k + .5) : dz_sin(dz_add(z, k * .3));
  const dz_var all[] = {held, dz_reshape(dz_mul(z, 2), 1, (size_t[]){1}), held};
  const dz_var joined = dz_concat(3, all, 0);
  add_to(&s, dz_prod(joined, DZ_ALL, false));
  add_to(&s, dz_max(joined, DZ_ALL, false));
  add_to(&s, dz_sum(dz_prod(empty, 1, false), DZ_ALL, false));
  starve(&s, (dz_plan_options){.tensors = DZ_TENSORS_APART});
  dz_tape_free(s.t);
}
END_TEST

SUITE(EACH(choices, EFFORT(26, 3)), EACH(wires, EFFORT(26, 3)), EACH(sums, EFFORT(14, 2)),
      EACH(steps, EFFORT(18, 4)), EACH(outputs, EFFORT(50, 5)), EACH(elements, EFFORT(26, 3)))
