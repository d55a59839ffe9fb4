/* dz_paths against paths that are walked one by one. */
#include "dz/paths.h"

#include "../effort.h"
#include "../failing.h"
#include "drawn.h"

#include <math.h>

/* ---- an independent walk: every path of a graph of scalars, by depth-first search ---- */

enum { MOST_PATHS = 4096 };

typedef struct walk {
  size_t paths, edges;
  double size[MOST_PATHS], product[MOST_PATHS];
} walk;

/* The partials of + and × alone, so that nothing of the library is used but the operands. */
static double partial(dz_var z, int k) {
  return strcmp(dz_describe(z).op, "add") == 0 ? 1 : dz_value(dz_operand(z, 1 - k));
}

static void go(walk *w, dz_var at, size_t x, double product, size_t length) {
  if (dz_node_index(at) == x) {
    ck_assert_uint_lt(w->paths, MOST_PATHS);
    w->size[w->paths] = fabs(product);
    w->product[w->paths++] = product;
    w->edges += length;
    return;
  }
  for (int k = 0; k < dz_describe(at).nargs; k++)
    go(w, dz_operand(at, k), x, product * partial(at, k), length + 1);
}

static int falling(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

static uint32_t dice = 12345;
static uint32_t roll(uint32_t n) {
  dice = dice * 1664525u + 1013904223u;
  return (dice >> 8) % n;
}

/* All numbers are powers of two, so that products are exact however they are taken. */
static dz_var random_graph(dz_tape *t, dz_var *x, int ops) {
  dz_var node[40];
  int n = 0;
  node[n++] = *x = dz_input(t, 2);
  node[n++] = dz_input(t, -.5);
  node[n++] = dz_input(t, 4);
  for (int i = 0; i < ops; i++) {
    dz_var a = node[n - 1 - (int)roll((uint32_t)(n < 4 ? n : 4))], b = node[roll((uint32_t)n)];
    node[n++] = i % 3 ? dz_mul(a, b) : dz_add(dz_mul(a, 0.5), b);
  }
  return node[n - 1];
}

START_TEST(every_path_and_the_largest) {
  dice = (uint32_t)_i * 7919 + 1;
  for (int turn = 0; turn < EFFORT(8, 2); turn++) {
    dz_tape *t = dz_tape_new(NULL);
    dz_var x, y = random_graph(t, &x, 3 + (int)roll(9));
    walk *w = calloc(1, sizeof *w);
    dz_paths *p;
    /* Constants of mul(a, 0.5) are numbers, which end no path. */
    go(w, y, dz_node_index(x), 1, 0);
    ck_assert_int_eq(dz_paths_find(y, x, 0, 16, &p), DZ_OK);
    ck_assert_uint_eq(p->count, w->paths);
    ck_assert(!p->over);
    ck_assert_int_eq(p->all, w->paths <= 16);
    ck_assert_uint_eq(p->paths, w->paths < 16 ? w->paths : 16);
    ck_assert_uint_eq(p->path_products, w->edges - w->paths);
    qsort(w->size, w->paths, sizeof *w->size, falling);
    double found[16];
    for (size_t i = 0; i < p->paths; i++) {
      double product = 1;
      size_t at = 0;
      for (size_t k = 0; k < p->path[i].length; k++) {
        const dz_path_edge *e = &p->edge[p->path[i].edge[k]];
        ck_assert_uint_eq(e->from, at);
        product *= e->partial;
        at = e->to;
      }
      ck_assert_uint_eq(at, p->nodes - 1);
      ck_assert_double_eq(product, p->path[i].product);
      found[i] = fabs(product);
      if (!p->all && i) ck_assert_double_le(found[i], found[i - 1]);
    }
    qsort(found, p->paths, sizeof *found, falling);
    for (size_t i = 0; i < p->paths; i++) ck_assert_double_eq(found[i], w->size[i]);
    if (w->paths) {
      ck_assert_int_eq(dz_backward(y), DZ_OK);
      ck_assert_double_eq(p->gradient, dz_adjoint(x));
    }
    dz_paths_free(p);
    free(w);
    dz_tape_free(t);
  }
}
END_TEST

/* The walk above goes into leaves that are not x, and ends there: they have no operands. */

START_TEST(the_sweep_s_number_to_the_bit) {
  size_t two = 2, four[] = {2, 2};
  dz_var W = dz_leaf_tensor(tape, DZ_ROLE_PARAM, 2, four, (double[]){.1, -.7, 1.3, .4});
  dz_var u = dz_input(tape, .3), v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &two, (double[]){1.1, -.2});
  dz_var h = dz_tanh(dz_matmul(W, dz_mul(v, u))), y = dz_sum(dz_mul(h, dz_exp(h)), DZ_ALL, false);
  dz_paths *p;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_paths_find(y, u, 0, 0, &p), DZ_OK);
  ck_assert_double_eq_tol(p->gradient, dz_adjoint(u), 4 * 0x1p-52 * fabs(dz_adjoint(u)));
  ck_assert_uint_eq(p->count, 2 * 2 * 2); /* v u has two elements, h two, h exp(h) two ways each */
  dz_paths_free(p);
  for (size_t e = 0; e < 4; e++) {
    ck_assert_int_eq(dz_paths_find(y, W, e, 0, &p), DZ_OK);
    ck_assert_uint_eq(p->count, 2);
    ck_assert_double_eq(p->gradient, dz_adjoints(W)[e]);
    dz_paths_free(p);
  }
  ck_assert_int_eq(dz_paths_find(y, W, 4, 0, &p), DZ_ERR_SHAPE);
  ck_assert_ptr_null(p);
  ck_assert_int_eq(dz_paths_find(h, u, 0, 0, &p), DZ_ERR_SHAPE);
}
END_TEST

/* The sigmoid of document 004 with a^2 written twice: its five operations, three paths, and one product less.
 */
START_TEST(equal_operations_are_one) {
  dz_var a = named(dz_input(tape, -1), "a"), x = dz_input(tape, 1), s = dz_pow(a, 2), again = dz_pow(a, 2);
  dz_var z = dz_div(s, dz_add(again, dz_exp(dz_mul(a, x))));
  dz_paths *p;
  ck_assert_int_eq(dz_paths_find(z, a, 0, 0, &p), DZ_OK);
  ck_assert_uint_eq(p->nodes, 6);
  ck_assert_uint_eq(p->count, 3);
  ck_assert_uint_eq(p->path_products, 6);
  ck_assert_uint_eq(p->recursion_products, 5);
  /* -3 z (1 - z), by decimals of 40 digits */
  ck_assert_double_eq_tol(p->gradient, -0.58983579972444561, 4 * 0x1p-53);
  for (size_t v = 0; v < p->nodes; v++) {
    ck_assert_ptr_eq(p->node[v].node.tape, tape);
    ck_assert_double_eq(p->node[v].value, dz_value(p->node[v].node));
  }
  ck_assert_uint_eq(dz_node_index(p->node[0].node), dz_node_index(a));
  ck_assert_uint_eq(dz_node_index(p->node[1].node), dz_node_index(s));
  ck_assert_uint_eq(dz_node_index(p->node[5].node), dz_node_index(z));
  dz_paths_free(p);
  ck_assert_int_eq(dz_paths_find(z, s, 0, 0, &p), DZ_OK); /* of s alone, not of its equal */
  ck_assert_uint_eq(p->count, 1);
  dz_paths_free(p);
}
END_TEST

/* Leaves that come before, and one on which nothing depends, though it has a place on the tape. */
START_TEST(equal_operations_of_any_leaf) {
  dz_input(tape, 7);
  const dz_var a = dz_input(tape, 2), unused = dz_input(tape, 7), b = dz_input(tape, 3);
  const dz_var y = dz_mul(dz_mul(dz_exp(a), dz_exp(a)), b), of[] = {a, b, unused};
  const size_t count[] = {2, 1, 0}, nodes[] = {4, 2, 0};
  for (size_t k = 0; k < COUNT(of); k++) {
    dz_paths *p;
    ck_assert_int_eq(dz_paths_find(y, of[k], 0, 0, &p), DZ_OK);
    ck_assert_uint_eq(p->count, count[k]);
    ck_assert_uint_eq(p->nodes, nodes[k]);
    if (p->nodes) ck_assert_uint_eq(dz_node_index(p->node[0].node), dz_node_index(of[k]));
    dz_paths_free(p);
  }
}
END_TEST

/* 2^24 places for paths are asked for, and no more: of the values on the way 1, 1, 2, 4 … 2^23 are needed. */
START_TEST(places_for_paths) {
  failing f = {.most = 1 << 20};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  for (int more = 0; more < 2; more++) {
    const dz_var x = dz_input(t, 1);
    dz_var y = dz_neg(x);
    for (int k = 0; k < more; k++) y = dz_neg(y);
    for (int k = 0; k < 23; k++) y = dz_mul(y, y);
    dz_paths *p;
    ck_assert_int_eq(dz_paths_find(y, x, 0, 1 << 23, &p), more ? DZ_ERR_LIMIT : DZ_ERR_MEMORY);
    ck_assert_ptr_null(p);
  }
  dz_tape_free(t);
}
END_TEST

START_TEST(bad_arguments_are_told) {
  dz_var x = dz_input(tape, 1), y = dz_exp(x);
  dz_paths *p = NULL;
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, NULL), DZ_ERR_ARGUMENT);
  ck_assert_int_eq(dz_paths_find(dz_num(1), x, 0, 0, &p), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_paths_find(y, dz_num(1), 0, 0, &p), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_paths_find(y, (dz_var){0}, 0, 0, &p), DZ_ERR_HANDLE);
  ck_assert_int_eq(dz_paths_write(NULL, NULL, append, NULL), DZ_ERR_ARGUMENT);
  dz_paths_free(NULL);
  ck_assert_int_eq(dz_paths_find(x, y, 0, 0, &p), DZ_OK); /* no path */
  ck_assert_uint_eq(p->count, 0);
  ck_assert_uint_eq(p->nodes, 0);
  ck_assert_int_eq(dz_paths_dot(p, NULL, 0, append, NULL), DZ_ERR_ARGUMENT);
  dz_paths_free(p);
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  ck_assert_int_eq(dz_paths_dot(p, NULL, 1, append, NULL), DZ_ERR_LIMIT);
  text t = {0};
  ck_assert_int_eq(dz_paths_dot(p, NULL, 2, append, &t), DZ_OK);
  free(t.at);
  ck_assert_int_eq(dz_paths_write(p, NULL, NULL, NULL), DZ_ERR_ARGUMENT);
  dz_paths_free(p);
}
END_TEST

/* Names that could break Graphviz's markup, and each path's number on its edges. */
START_TEST(pictures) {
  dz_var x = named(dz_input(tape, 2), "<x&\">"), s = named(dz_mul(x, x), "重み"), y = dz_add(s, x);
  dz_paths *p;
  text t = {0};
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  ck_assert_int_eq(dz_paths_dot(p, NULL, 0, append, &t), DZ_OK);
  graph g = graph_read(t.at);
  EXPECT_ARC(&g, "v0", "v1");
  EXPECT_ARC(&g, "v0", "v2");
  EXPECT_ARC(&g, "v1", "v2");
  ck_assert_ptr_nonnull(strstr(t.at, "③"));
  ck_assert_ptr_null(strstr(t.at, "④"));
  graph_free(&g);
  free(t.at);
  dz_paths_free(p);
}
END_TEST

/* Powers stand above, with their sign and all their digits; numbers are upright. */
START_TEST(formulas_of_pictures) {
  static const struct {
    double power, factor;
    const char *want;
  } cases[] = {{2, 2, "v2</I>=2\u2009<I>v1</I>"},
               {3, 1e-30, "v2</I>=1e\u221230\u2009<I>v1</I>"},
               {2, 1, "v1</I>=<I>x</I><SUP>2</SUP><"},
               {-2, 1, "v1</I>=<I>x</I><SUP>\u22122</SUP><"},
               {.5, 1, "v1</I>=<I>x</I><SUP>0.5</SUP><"},
               {-2.5, 1, "v1</I>=<I>x</I><SUP>\u22122.5</SUP><"},
               {1e-5, 1, "v1</I>=<I>x</I><SUP>1e\u22125</SUP><"}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_tape_clear(tape);
    const dz_var x = named(dz_input(tape, 2), "x"), y = dz_pow(x, cases[k].power);
    dz_paths *p;
    text t = {0};
    ck_assert_int_eq(dz_paths_find(cases[k].factor == 1 ? y : dz_mul(cases[k].factor, y), x, 0, 0, &p),
                     DZ_OK);
    ck_assert_int_eq(dz_paths_dot(p, NULL, 0, append, &t), DZ_OK);
    ck_assert_msg(strstr(t.at, cases[k].want) != NULL, "%s in %s", cases[k].want, t.at);
    free(t.at);
    dz_paths_free(p);
  }
}
END_TEST

/* A name is no number, whatever its letter, and slants by the first. */
START_TEST(factors_of_pictures) {
  const dz_var x = named(dz_input(tape, 2), "x~"), e = named(dz_input(tape, 5), "e");
  const dz_var y = dz_sub(dz_mul(dz_mul(x, 3), e), x);
  dz_paths *p;
  text t = {0};
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  ck_assert_int_eq(dz_paths_dot(p, NULL, 0, append, &t), DZ_OK);
  ck_assert_ptr_nonnull(strstr(t.at, "<TD><I>x~</I></TD>"));
  ck_assert_ptr_nonnull(strstr(t.at, "</FONT>\u00a0<I>e</I>\u00a0=\u00a05>"));
  ck_assert_ptr_nonnull(strstr(t.at, "</FONT>\u00a03>"));
  ck_assert_ptr_nonnull(strstr(t.at, "</FONT>\u00a0\u22121>"));
  free(t.at);
  dz_paths_free(p);
}
END_TEST

START_TEST(every_allocation_may_fail) {
  failing f = {0};
  dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  size_t two = 2;
  dz_var x = dz_input(t, 2), w = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, &two, (double[]){1, 2});
  dz_var y = dz_mul(dz_sum(dz_mul(w, x), DZ_ALL, false), dz_exp(x));
  y = dz_add(y, named(dz_exp(x), "e")); /* equal to another: the graph is merged on a tape of its own */
  dz_paths *p = NULL;
  for (size_t k = 1; !p; k += k < 40 ? 1 : EFFORT(1 + k / 8, 1 + k / 3)) {
    text said = {0};
    f.at = f.calls + k;
    dz_status status = dz_paths_find(y, x, 0, 0, &p);
    if (!status) status = dz_paths_write(p, NULL, append, &said);
    ck_assert_int_eq(status, f.calls >= f.at ? DZ_ERR_MEMORY : DZ_OK);
    ck_assert_int_eq(said.n == 0, status != DZ_OK);
    f.at = 0;
    free(said.at);
    ck_assert_int_eq(dz_tape_error(t)->status, DZ_OK);
    if (status) dz_paths_free(p), p = NULL;
  }
  dz_paths_free(p);
  size_t blocks = f.blocks; /* the tape's own */
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  dz_paths_free(p);
  ck_assert_uint_eq(f.blocks, blocks);
  dz_tape_free(t);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

SUITE_ON_TAPE(EACH(every_path_and_the_largest, 8), ONCE(the_sweep_s_number_to_the_bit),
              ONCE(equal_operations_are_one), ONCE(equal_operations_of_any_leaf), ONCE(places_for_paths),
              ONCE(bad_arguments_are_told), ONCE(pictures), ONCE(formulas_of_pictures),
              ONCE(factors_of_pictures), ONCE(every_allocation_may_fail))
