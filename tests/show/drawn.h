/* What tests of pictures share: a tape, drawing to memory, questions to the drawing. */
#ifndef DZ_TESTS_DRAWN_H
#define DZ_TESTS_DRAWN_H

#include "dz/show.h"

#include "dz/tensor.h"
#include "dz/text.h"
#include "graph.h"
#include "on_tape.h"

static inline text drawn(dz_var y, const dz_dot_options *options) {
  text t = {0};
  ck_assert_int_eq(dz_write_dot(y, options, append, &t), DZ_OK);
  return t;
}

static inline graph graph_of(dz_var y, const dz_dot_options *options) {
  text t = drawn(y, options);
  graph g = graph_read(t.at);
  free(t.at);
  return g;
}

#define EXPECT_LABEL(g, id, want) ck_assert_str_eq(graph_label(g, id), want)
#define EXPECT_ARC(g, from, to)                                                                              \
  if (!graph_has_arc(g, from, to)) ck_abort_msg("no edge %s -> %s", from, to)

static inline dz_var named(dz_var x, const char *name) {
  ck_assert_int_eq(dz_set_name(x, name), DZ_OK);
  return x;
}

static inline dz_var total(dz_var x) { return dz_sum(x, DZ_ALL, false); }

/* z = a^2 / (a^2 + e^(a x)) */
static inline dz_var sigmoid_by_hand(dz_tape *t) {
  dz_var a = named(dz_input(t, -1), "a"), x = named(dz_input(t, 1), "x");
  dz_var square = dz_pow(a, 2);
  return named(dz_div(square, dz_add(square, dz_exp(dz_mul(a, x)))), "z");
}

/* The number behind the first mark. */
static inline double number_behind(const char *of, const char *mark) {
  const char *at = strstr(of, mark);
  double x;
  dz_number_kind kind;
  if (!at) ck_abort_msg("no %s in\n%s", mark, of);
  at += strlen(mark);
  ck_assert_uint_gt(dz_number_read(at, strlen(at), &x, &kind), 0);
  return x;
}

#endif
