/* Maps: numbers of eight samples, which stand side by side in a vector, to rows, and rows to vectors. */
#include "plan/emit_loop.h"

#include <stdio.h>

/* ---- rows ---- */

static uint32_t column(const dz__loop_emitter *k, size_t j) { return k->l->code.at[k->put[j]].d; }

static bool goes_to_values(const dz__loop_emitter *k, size_t j) {
  return dz__where_of(column(k, j)) == DZ__OUT;
}

static bool any_slopes(const dz__loop_emitter *k) {
  for (size_t j = 0; j < k->puts; j++)
    if (!goes_to_values(k, j)) return true;
  return false;
}

/* `none` is 0 as long as all slopes are finite. */
void dz__before_puts(dz__loop_emitter *k, size_t from, size_t end) {
  const dz__routine *c = &k->l->code;
  k->puts = 0;
  for (size_t i = from; i < end; i++) {
    if (c->at[i].op != DZ__I_PUT) continue;
    size_t j = k->puts++;
    for (; j > 0 && column(k, j - 1) > c->at[i].d; j--) k->put[j] = k->put[j - 1];
    k->put[j] = i;
  }
  if (any_slopes(k)) dz__say(k->e, "    %s_v none = {0};\n", k->e->name);
}

void dz__say_put(dz__loop_emitter *k, size_t i, const char *x) {
  size_t j = 0;
  while (k->put[j] != i) j++;
  dz__say(k->e, "      const %s_v o%zu = %s;\n", k->e->name, j, x);
  if (!goes_to_values(k, j)) dz__say(k->e, "      none += o%zu * 0;\n", j);
}

/* Columns j to j + 7, side by side. */
static void say_eight(dz__loop_emitter *k, size_t j) {
  uint32_t step = k->l->code.at[k->put[j]].c;
  dz__say(k->e, "      %s_rows(%s + (lane + i) * %u, %u, n - i", k->e->name,
          dz__operand_at(k, column(k, j)).text, (unsigned)step, (unsigned)step);
  for (size_t m = j; m < j + DZ__W; m++) dz__say(k->e, ", o%zu", m);
  dz__say(k->e, ");\n");
}

static void say_one(dz__loop_emitter *k, size_t j) {
  dz__say(k->e, "      %s_column(%s + (lane + i) * %u, %u, n - i, o%zu);\n", k->e->name,
          dz__operand_at(k, column(k, j)).text, (unsigned)k->l->code.at[k->put[j]].c,
          (unsigned)k->l->code.at[k->put[j]].c, j);
}

/* Inputs of the next tile are on their way while this one is computed. */
static void say_prefetch(dz__loop_emitter *k) {
  enum { MOST_LINES = 64 };
  size_t inputs = dz_plan_inputs(k->e->p);
  for (size_t line = 0; line < inputs && line < MOST_LINES; line++)
    dz__say(k->e, "      __builtin_prefetch(in + (lane + i + %zu) * %zu + %zu);\n", k->l->tile, inputs,
            DZ__W * line);
}

/* Where columns stand side by side, eight of them at a time, of which the last eight may overlap with those
   before. */
void dz__say_puts(dz__loop_emitter *k, bool last) {
  for (size_t from = 0, end; from < k->puts; from = end) {
    for (end = from + 1; end < k->puts && column(k, end) == column(k, end - 1) + 1;) end++;
    if (goes_to_values(k, from)) dz__say(k->e, "      if (A) {\n");
    for (size_t j = from; j < end && end - from >= DZ__W; j += DZ__W)
      say_eight(k, j + DZ__W > end ? end - DZ__W : j);
    for (size_t j = from; j < end && end - from < DZ__W; j++) say_one(k, j);
    if (goes_to_values(k, from)) dz__say(k->e, "      }\n");
  }
  if (k->map && last) say_prefetch(k);
}

void dz__after_puts(dz__loop_emitter *k) {
  if (any_slopes(k))
    dz__say(k->e, "    for (i = 0; i < 8; i++)\n      if (none[i] != 0) w[%zu] = 1;\n",
            k->l->spot + k->l->room);
}

/* ---- transposing ---- */

/* The three steps of transposing eight vectors: pairs that are 1, 2, 4 apart change places. */
static void say_step(dz__emitter *e, unsigned apart, const char *from, const char *to) {
  for (unsigned j = 0; j < DZ__W; j++) {
    unsigned other = j ^ apart, low = j < other ? j : other, high = j < other ? other : j;
    dz__say(e, " \\\n  %s_v %s%u = SHUFFLE(%s%u, %s%u", e->name, to, j, from, low, from, high);
    for (unsigned m = 0; m < DZ__W; m++) {
      bool second = m & apart;
      dz__say(e, ", %u", j == low ? (second ? DZ__W + (m ^ apart) : m) : (second ? DZ__W + m : m ^ apart));
    }
    dz__say(e, ");");
  }
}

static void say_rows(dz__emitter *e) {
  const char *f = e->name;
  dz__say(e,
          "/* Eight columns of n rows, from vectors; one column. */\n"
          "static inline __attribute__((always_inline)) void %s_rows(double *p, size_t step, size_t n",
          f);
  for (unsigned j = 0; j < DZ__W; j++) dz__say(e, ", %s_v a%u", f, j);
  dz__say(e, ") {\n  size_t i, j;\n#ifdef __AVX512F__\n  if (n >= 8) {\n    TRANSPOSE\n");
  for (unsigned j = 0; j < DZ__W; j++) dz__say(e, "    ST(p + %u * step) = d%u;\n", j, j);
  dz__say(e,
          "    return;\n  }\n#endif\n  {\n    const %s_v a[] = {a0, a1, a2, a3, a4, a5, a6, a7};\n"
          "    for (i = 0; i < n && i < 8; i++)\n      for (j = 0; j < 8; j++) p[i * step + j] = "
          "a[j][i];\n  }\n}\n",
          f);
  dz__say(e,
          "static inline void %s_column(double *p, size_t step, size_t n, %s_v a) {\n  size_t i;\n"
          "  for (i = 0; i < n && i < 8; i++) p[i * step] = a[i];\n}\n",
          f, f);
}

static void say_columns(dz__emitter *e) {
  dz__say(e,
          "/* Eight columns of n rows, to arrays. */\n"
          "static inline void %s_columns(const double *p, size_t step, double *const *o, size_t n) {\n"
          "  size_t i = 0, j;\n#ifdef __AVX512F__\n  for (; i + 8 <= n; i += 8) {\n",
          e->name);
  for (unsigned j = 0; j < DZ__W; j++) dz__say(e, "    %s_v a%u = LD(p + (i + %u) * step);\n", e->name, j, j);
  dz__say(e, "    TRANSPOSE\n");
  for (unsigned j = 0; j < DZ__W; j++) dz__say(e, "    ST(o[%u] + i) = d%u;\n", j, j);
  dz__say(e,
          "  }\n#endif\n  for (; i < n; i++)\n    for (j = 0; j < 8; j++) o[j][i] = p[i * step + j];\n"
          "  for (j = 0; j < 8; j++) %s_fill(o[j], n);\n}\n",
          e->name);
}

/* Eight vectors' sums, each in the order in which one vector alone is added up. */
static void say_sums(dz__emitter *e) {
  dz__say(e,
          "/* The sums of eight vectors. */\nstatic inline void %s_sums(const double *a, double *s) {\n"
          "#ifdef __AVX512F__\n  %s_v",
          e->name, e->name);
  for (unsigned j = 0; j < DZ__W; j++)
    dz__say(e, " a%u = LD(a + %u)%s", j, DZ__W * j, j < DZ__W - 1 ? "," : ";\n");
  for (unsigned j = 0; j < DZ__W; j += 2)
    dz__say(
        e,
        "  const %s_v b%u = SHUFFLE(a%u, a%u, 0, 8, 2, 10, 4, 12, 6, 14) + SHUFFLE(a%u, a%u, 1, 9, 3, 11, 5, "
        "13, 7, 15);\n",
        e->name, j, j, j + 1, j, j + 1);
  for (unsigned j = 0; j < DZ__W; j += 4)
    dz__say(
        e,
        "  const %s_v c%u = SHUFFLE(b%u, b%u, 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(b%u, b%u, 2, 3, 10, 11, 6, "
        "7, 14, 15);\n",
        e->name, j, j, j + 2, j, j + 2);
  dz__say(
      e,
      "  ST(s) = SHUFFLE(c0, c4, 0, 1, 2, 3, 8, 9, 10, 11) + SHUFFLE(c0, c4, 4, 5, 6, 7, 12, 13, 14, "
      "15);\n#else\n"
      "  size_t k;\n  for (k = 0; k < 8; k++, a += 8)\n    s[k] = ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + "
      "a[5]) + (a[6] + a[7]));\n#endif\n}\n");
}

void dz__emit_transposing(dz__emitter *e, bool map) {
  dz__say(e, "#ifdef __AVX512F__\n#define TRANSPOSE");
  say_step(e, 1, "a", "b");
  say_step(e, 2, "b", "c");
  say_step(e, 4, "c", "d");
  dz__say(e, "\n#endif\n");
  if (map) say_rows(e);
  say_columns(e);
  say_sums(e);
}
