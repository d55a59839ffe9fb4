/* Names that are taken, missing or full of signs, and operations of the user's own: in formulas, lessons and
   pictures. */
#include "dz/explain.h"
#include "dz/paths.h"
#include "dz/trace.h"
#include "dz/userop.h"
#include "show/symbol.h"

#include "drawn.h"

#include <math.h>

static text explained(dz_var y, const dz_explain_options *o) {
  text t = {0};
  ck_assert_int_eq(dz_explain(y, o, append, &t), DZ_OK);
  return t;
}

#define EXPECT_PART(text, part)                                                                              \
  if (!strstr((text).at, part)) ck_abort_msg("no %s in %s", part, (text).at)
#define EXPECT_NO_PART(text, part)                                                                           \
  if (strstr((text).at, part)) ck_abort_msg("%s in %s", part, (text).at)

static dz_var swept(dz_var y) {
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  return y;
}

/* ---- names that are taken ---- */

static void symbols_of(dz_var y, dz__trace *t, dz__symbols *s) {
  ck_assert_int_eq(dz__trace_make(y, 1000, t), DZ_OK);
  ck_assert_int_eq(dz__symbols_make(t, &(dz__symbol_options){0}, s), DZ_OK);
}

/* Where all the usual letters are taken the result and the seed get numbers. */
START_TEST(all_letters_are_taken) {
  static const char *const letters[] = {"z", "f", "y", "E", "G", "H", "J", "z1", "E1", "v1"};
  dz_var sum = dz_num(0);
  for (size_t k = 0; k < COUNT(letters); k++)
    sum = dz_add(dz_sin(named(dz_input(tape, (double)k), letters[k])), sum);
  dz__trace t;
  dz__symbols s;
  symbols_of(swept(sum), &t, &s);
  ck_assert_str_eq(s.result, "z2");
  ck_assert_int_eq(s.seed[0], 'E');
  ck_assert_str_ne(s.seed, "E");
  ck_assert_str_ne(s.seed, "E1");
  for (size_t i = 0; i < t.nseen; i++) {
    ck_assert_str_ne(s.node[i].name, s.seed);
    for (size_t j = 0; j < i; j++) ck_assert_str_ne(s.node[i].name, s.node[j].name);
  }
  dz__symbols_free(&s);
  dz__trace_free(&t);
}
END_TEST

/* An operation of the user's may be called as one of dz's own that the language has no name for. */
START_TEST(operations_called_as_inner_ones) {
  static const char *const names[] = {"index", "place", "scatter", "lu"};
  char line[80];
  const dz_var x = named(dz_input(tape, 2), "x");
  ck_assert_int_eq(dz_op_define(tape, names[_i], 1, "x*exp(-x)", NULL, NULL), DZ_OK);
  const dz_var y = swept(dz_mul(dz_apply(tape, names[_i], 1, &x), x));
  text t = explained(y, NULL);
  snprintf(line, sizeof line, "v1 = %s(x) = %s(2) = ", names[_i], names[_i]);
  EXPECT_PART(t, line);
  EXPECT_PART(t, " = 0\n"); /* (x^2 e^-x)' = (2x - x^2) e^-x */
  free(t.at);
  t = drawn(y, &(dz_dot_options){.written = DZ_WRITTEN_SYM, .shared = true});
  EXPECT_PART(t, names[_i]);
  free(t.at);
  text told = {0};
  ck_assert_int_eq(dz_write_trace(y, NULL, append, &told), DZ_OK);
  EXPECT_PART(told, "\"rule\": null"); /* no rule of dz's table */
  free(told.at);
  dz_paths *p;
  ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
  ck_assert_uint_eq(p->count, 2);
  ck_assert_double_eq_tol(p->gradient, 0, 4 * 0x1p-52);
  dz_paths_free(p);
}
END_TEST

/* ---- names full of signs ---- */

static const char *marked(const char *english, void *user) {
  (void)user;
  return strcmp(english, "The gradient") == 0 ? "\\{}$&#^_%~<\">" : NULL;
}

START_TEST(signs_are_escaped_in_each_format) {
  const dz_var y = swept(dz_exp(named(dz_input(tape, 1), "x")));
  text t = explained(y, &(dz_explain_options){.format = DZ_EXPLAIN_HTML,
                                              .output = "a&<\">\n\x7f"
                                                        "b"});
  EXPECT_PART(t, "<title>a&amp;&lt;&quot;&gt;  b</title>");
  free(t.at);
  t = explained(y, &(dz_explain_options){.format = DZ_EXPLAIN_HTML, .translate = marked});
  EXPECT_PART(t, "<h2>\\{}$&amp;#^_%~&lt;&quot;&gt;</h2>");
  free(t.at);
  t = explained(y, &(dz_explain_options){.format = DZ_EXPLAIN_LATEX, .translate = marked});
  EXPECT_PART(t,
              "\\section*{\\textbackslash{}\\{\\}\\$\\&\\#\\textasciicircum{}\\_\\%\\textasciitilde{}<\">}");
  free(t.at);
  t = explained(y, &(dz_explain_options){.translate = marked});
  EXPECT_PART(t, "\n\\{}$&#^_%~<\">\n");
  free(t.at);
}
END_TEST

/* A document says its language; LaTeX is told of Japanese also where only a name is. */
START_TEST(documents_know_their_language) {
  static const struct {
    const char *name, *language;
    dz_explain_format format;
    const char *want;
    bool missing;
  } cases[] = {{"x", NULL, DZ_EXPLAIN_HTML, "<html lang=\"en\">", false},
               {"x", "en", DZ_EXPLAIN_HTML, "<html lang=\"en\">", false},
               {"x", "ja", DZ_EXPLAIN_HTML, "<html lang=\"ja\">", false},
               {"x", NULL, DZ_EXPLAIN_LATEX, "CJK", true},
               {"θé", NULL, DZ_EXPLAIN_LATEX, "CJK", true},
               {"重み", NULL, DZ_EXPLAIN_LATEX, "\\begin{CJK}", false},
               {"x", "ja", DZ_EXPLAIN_LATEX, "\\begin{CJK}", false}};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz_tape_clear(tape);
    const dz_var x = named(dz_input(tape, 1), cases[k].name), b = named(dz_input(tape, 2), "b");
    text t = explained(swept(dz_mul(x, b)),
                       &(dz_explain_options){.format = cases[k].format, .language = cases[k].language});
    ck_assert_msg(!strstr(t.at, cases[k].want) == cases[k].missing, "%s: %s", cases[k].name, cases[k].want);
    free(t.at);
  }
}
END_TEST

/* ---- operations by C functions, of which no formula is known ---- */

static bool same_shape(void *user, const dz_op_array *x, int *rank, size_t *dims) {
  int *left = user;
  if (left && --*left < 0) return false;
  *rank = x->rank;
  for (int k = 0; k < x->rank; k++) dims[k] = x->dims[k];
  return true;
}

static void tripled(void *user, const dz_op_array *x, size_t size, double *z) {
  (void)user;
  for (size_t i = 0; i < size; i++) z[i] = 3 * x->data[i];
}

static void tripled_back(void *user, const dz_op_array *x, size_t size, const double *z, const double *g,
                         double *const *ga) {
  (void)user, (void)x, (void)z;
  for (size_t i = 0; i < size; i++) ga[0][i] += 3 * g[i];
}

static dz_var triple(dz_var x, int *left) {
  const dz_op_calls calls = {
      .arity = 1, .shape = same_shape, .value = tripled, .vjp = tripled_back, .user = left};
  if (dz_op_define_c(tape, "triple", &calls, NULL) == DZ_ERR_NAME) dz_tape_forgive(tape);
  return dz_apply(tape, "triple", 1, &x);
}

/* The result is called as it is, else as was asked for, else z; what has no name, by its operation. */
START_TEST(lessons_without_formulas) {
  const dz_var x = named(dz_input(tape, 5), "x");
  dz_var y = swept(triple(x, NULL));
  text t = explained(y, NULL);
  EXPECT_PART(t, "z = triple(x)");
  EXPECT_PART(t, "dz/dx = 3\n");
  free(t.at);
  t = explained(y, &(dz_explain_options){.output = "out"});
  EXPECT_PART(t, "out = triple(x)");
  EXPECT_PART(t, "dout/dx = 3\n");
  free(t.at);
  named(y, "own");
  t = explained(y, &(dz_explain_options){.output = "out"});
  EXPECT_PART(t, "own = triple(x)");
  free(t.at);
  size_t two = 2;
  const dz_var v = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &two, (double[]){1, 2});
  y = swept(dz_sum(dz_mul(triple(v, NULL), v), DZ_ALL, false)); /* 3 v1^2 + 3 v2^2 */
  t = explained(y, NULL);
  EXPECT_PART(t, "input = [1, 2]\n");
  EXPECT_PART(t, "g(input) = [3, 6] + [3, 6] = [6, 12]\n");
  free(t.at);
}
END_TEST

/* Nor is there one in pictures: the numbers remain, and signs of the operations. */
START_TEST(pictures_without_formulas) {
  static const dz_picture styles[] = {DZ_PICTURE_GRAPH, DZ_PICTURE_VARS};
  const dz_var x = named(dz_input(tape, 5), "x"), unnamed = dz_input(tape, 7);
  const dz_var y = swept(dz_mul(triple(x, NULL), unnamed));
  for (size_t k = 0; k < COUNT(styles); k++)
    for (int written = 0; written < 3; written++) {
      graph g = graph_of(y, &(dz_dot_options){.style = styles[k], .written = (dz_written)written});
      const char *circle = graph_label(&g, "n0"), *other = graph_label(&g, "n1");
      if (styles[k] == DZ_PICTURE_VARS) {
        ck_assert_msg(strstr(circle, "← 21"), "%s", circle); /* 3*7 */
        ck_assert_msg(strstr(other, "← 15"), "%s", other);
        ck_assert_msg(strstr(other, "7") && !strstr(other, "77"), "%s", other); /* its number, once */
      } else {
        ck_assert_msg(strstr(other, "7"), "%s", other);
      }
      graph_free(&g);
    }
  text t = {0};
  ck_assert_int_eq(dz_write_svg(y, &(dz_dot_options){.written = DZ_WRITTEN_SYM}, append, &t), DZ_OK);
  EXPECT_PART(t, "15");
  free(t.at);
}
END_TEST

/* Beside one that refuses, when it is asked again, what it took before, equal operations stay apart. */
START_TEST(operations_that_change_their_mind) {
  int left = 1000;
  const dz_var x = named(dz_input(tape, 5), "x"), z = triple(dz_input(tape, 1), &left);
  const dz_var y = dz_add(dz_mul(dz_sin(x), dz_sin(x)), z);
  for (int turn = 0; turn < 2; turn++) {
    dz_paths *p;
    if (turn) left = 0;
    ck_assert_int_eq(dz_paths_find(y, x, 0, 0, &p), DZ_OK);
    ck_assert_uint_eq(p->nodes, turn ? 5 : 4);
    ck_assert_uint_eq(p->count, 2);
    ck_assert_double_eq(p->gradient, 2 * (sin(5) * cos(5)));
    dz_paths_free(p);
  }
}
END_TEST

SUITE_ON_TAPE(ONCE(all_letters_are_taken), EACH(operations_called_as_inner_ones, 4),
              ONCE(signs_are_escaped_in_each_format), ONCE(documents_know_their_language),
              ONCE(lessons_without_formulas), ONCE(pictures_without_formulas),
              ONCE(operations_that_change_their_mind))
