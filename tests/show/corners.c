/* Where texts and pictures turn: each allocation of each writer fails once; letters that no name should have;
   places that are not in the source; words and numbers of every form. */
#include "dz/explain.h"
#include "dz/lang.h"
#include "dz/paths.h"
#include "dz/trace.h"
#include "dz/why.h"
#include "show/pen.h"
#include "show/setting.h"
#include "show/sheet.h"
#include "show/source.h"

#include "drawn.h"

#include <math.h>

/* ---- no memory ---- */

static const char *const texts[] = {
    "f(u) = u*x\nh = f(x)\nf(h) + sin(x)*sin(x)",
    "sum(relu(W @ v + b))*stop(x)*x",
    "p = x*y*x\np + max(x, p)",
    "sum(concat(v, b, v))*x^2",
    "sum(solve(W, v)*b)*x",
};
enum { TEXTS = COUNT(texts), WAYS = 9 };

static dz_var graph_on(dz_tape *t, int i) {
  static const double four[] = {.5, -1, 2, .25};
  static const size_t two[] = {2, 2};
  named(dz_input(t, .75), "x");
  named(dz_param(t, -2), "y");
  named(dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, two, four), "W");
  named(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, two, four), "v");
  named(dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, two, four), "b");
  dz_var y = dz_expr(t, texts[i]);
  ck_assert_msg(dz_valid(y), "%s: %s", texts[i], dz_tape_error(t)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  return y;
}

static dz_status written(dz_var y, int i, int way, text *to) {
  const dz_dot_options o = {.output = way == 1 ? "out" : NULL,
                            .style = (dz_picture)(way % 4),
                            .written = (dz_written)((way + 2) % 3),
                            .partials = true,
                            .shared = way % 2,
                            .collapse = way == 0   ? "p,h,s,f"
                                        : way == 5 ? "*"
                                                   : NULL,
                            .constants = way == 4 ? "x" : NULL,
                            .source = texts[i]};
  const dz_explain_options e = {.format = DZ_EXPLAIN_HTML};
  const dz_trace_options told = {.formulas = 100};
  const dz_var x = dz_named(y.tape, way == 8 ? "v" : "x");
  dz_paths *p = NULL;
  dz_why_report r;
  dz_status s;
  switch (way) {
  case 5:
    return dz_write_svg(y, &o, append, to);
  case 6:
    return dz_explain(y, &e, append, to);
  case 7:
    return dz_write_trace(y, &told, append, to);
  case 8:
    s = dz_why(y, x, NULL, &r);
    if (!s) append(to, r.code, strlen(r.code));
    if (!s) s = dz_paths_find(y, dz_named(y.tape, "x"), 0, 0, &p);
    if (!s) s = dz_paths_write(p, NULL, append, to);
    if (!s) s = dz_paths_dot(p, NULL, 0, append, to);
    dz_paths_free(p);
    return s;
  default:
    return dz_write_dot(y, &o, append, to);
  }
}

START_TEST(each_allocation_may_fail) {
  const int i = _i % TEXTS, way = _i / TEXTS;
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz_tape *t = dz_tape_new(&a);
  dz_var y = graph_on(t, i);
  text whole = {0};
  const dz_status right = written(y, i, way, &whole);
  ck_assert_msg(right == DZ_OK, "%s: %s", texts[i], dz_status_text(right));
  const size_t before = f.calls;
  text again = {0};
  ck_assert_int_eq(written(y, i, way, &again), DZ_OK);
  const size_t n = f.calls - before, blocks = f.blocks, step = EFFORT(1 + n / 60, 1 + n / 4);
  free(again.at);
  for (size_t k = 1; k <= n; k += step) {
    text now = {0};
    f.only = f.calls + k;
    const size_t failed = f.failed;
    const dz_status s = written(y, i, way, &now);
    if (s == DZ_OK)
      ck_assert_str_eq(now.at, whole.at);
    else
      ck_assert(s == DZ_ERR_MEMORY && f.failed > failed);
    ck_assert_uint_eq(f.blocks, blocks);
    free(now.at);
  }
  free(whole.at);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && f.bytes == 0);
}
END_TEST

/* ---- formulas ---- */

/* A system stands as solve(W, v), in its gradient with W transposed. */
START_TEST(systems_are_set) {
  static const dz_explain_format formats[] = {DZ_EXPLAIN_TEXT, DZ_EXPLAIN_LATEX, DZ_EXPLAIN_HTML};
  dz_var y = graph_on(tape, TEXTS - 1);
  for (size_t k = 0; k < COUNT(formats); k++) {
    text to = {0};
    ck_assert_int_eq(dz_explain(y, &(dz_explain_options){.format = formats[k]}, append, &to), DZ_OK);
    ck_assert_ptr_nonnull(strstr(to.at, "solve"));
    free(to.at);
  }
}
END_TEST

/* Infinite numbers, in every format. */
START_TEST(infinite_numbers_are_set) {
  static const dz_explain_format formats[] = {DZ_EXPLAIN_TEXT, DZ_EXPLAIN_LATEX, DZ_EXPLAIN_HTML};
  static const char *const signs[] = {"inf", "\\infty", "∞"};
  named(dz_input(tape, -INFINITY), "x");
  dz_var y = dz_expr(tape, "x*2 + min(x, 3)");
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (size_t k = 0; k < COUNT(formats); k++) {
    text to = {0};
    ck_assert_int_eq(dz_explain(y, &(dz_explain_options){.format = formats[k]}, append, &to), DZ_OK);
    ck_assert_msg(strstr(to.at, signs[k]) || strstr(to.at, "∞"), "%s", to.at);
    free(to.at);
  }
}
END_TEST

/* Graphviz raises nothing twice: within an exponent ² stands for a number, and ^ before anything else. */
START_TEST(powers_within_exponents) {
  dz_var x = named(dz_input(tape, 2), "x"), y = named(dz_input(tape, 3), "y"),
         n = named(dz_input(tape, 3), "重みab");
  const struct {
    dz_var power;
    const char *exponent;
  } cases[] = {{dz_pow(x, 12), "<I>x</I>¹²"},
               {dz_pow(x, -2), "<I>x</I>⁻²"},
               {dz_pow(x, y), "<I>x</I>^<I>y</I>"},
               {dz_pow(x, n), "<I>x</I>^(重みab)"},
               {dz_pow(x, dz_add(x, y)), "<I>x</I>^(<I>x</I>+<I>y</I>)"},
               {dz_pow(x, dz_mul(2, y)), "<I>x</I>^(2<I>y</I>)"},
               {dz_pow(x, .5), "<I>x</I>^(0.5)"},
               {dz_pow(x, 10), "<I>x</I>¹⁰"},
               {dz_pow(x, 0), "<I>x</I>⁰"},
               {dz_pow(x, 34567890), "<I>x</I>³⁴⁵⁶⁷⁸⁹⁰"},
               {dz_pow(x, dz_sub(x, 1)), "<I>x</I>^(<I>x</I>\u22121)"}};
  dz_allocator a = dz_system_allocator();
  for (size_t k = 0; k < COUNT(cases); k++) {
    for (size_t size = 9; size < 101; size += 91) { /* fonts of one digit to three */
      dz__text t =
          dz__set(dz_exp(cases[k].power), &(dz__set_options){.format = DZ__SET_HTML, .size = size}, &a);
      char want[200];
      snprintf(want, sizeof want, "<I>e</I><SUP><FONT POINT-SIZE=\"%zu\">%s</FONT></SUP>", size,
               cases[k].exponent);
      ck_assert_str_eq(t.at, want);
      dz__text_free(&t, &a);
    }
  }
}
END_TEST

/* ---- sheets and pens ---- */

static bool refuse(void *user, const char *more, size_t size) {
  (void)more, (void)size;
  ++*(int *)user;
  return false;
}

START_TEST(forms_of_text) {
  static const struct {
    const char *form, *want;
  } cases[] = {{"{0} and {1}", "a and b"},
               {"{!} {9} {0x {0", "{!} {9} {0x {0"},
               {"{", "{"},
               {"{{0}}", "{a}"},
               {"", ""},
               {"{2}{}", "{2}{}"}};
  const char *const args[] = {"a", "b"};
  for (size_t k = 0; k < COUNT(cases); k++) {
    dz__sheet s = {.alloc = dz_system_allocator()};
    text to = {0};
    dz__sheet_form(&s, cases[k].form, args, 2);
    ck_assert_int_eq(dz__sheet_write(&s, append, &to), DZ_OK);
    ck_assert_str_eq(to.at ? to.at : "", cases[k].want);
    free(to.at);
  }
  dz__sheet s = {.alloc = dz_system_allocator()};
  int calls = 0;
  ck_assert_int_eq(dz__sheet_write(&s, refuse, &calls), DZ_OK); /* of nothing nobody is asked */
  dz__sheet_put(&s, "x");
  ck_assert_int_eq(dz__sheet_write(&s, refuse, &calls), DZ_ERR_WRITE);
  s.failed = true;
  ck_assert_int_eq(dz__sheet_write(&s, refuse, &calls), DZ_ERR_MEMORY);
  ck_assert_int_eq(calls, 1);
  s.failed = false; /* one that was written is as new */
  text to = {0};
  dz__sheet_put(&s, "x");
  ck_assert_int_eq(dz__sheet_write(&s, append, &to), DZ_OK);
  ck_assert_str_eq(to.at, "x");
  free(to.at);
}
END_TEST

START_TEST(letters_of_markup) {
  text to = {0};
  dz__pen p = {.write = append, .user = &to, .digits = 6};
  dz__pen_escaped(&p, "\\]\n\r\t\x01\x7f\xef\xbf\xbe\xff<&>\"a\xf0\x9f\xbf\xbf");
  ck_assert(dz__pen_flush(&p));
  ck_assert_str_eq(to.at, "&#92;&#92;&#93;   \uFFFD\uFFFD\uFFFD\uFFFD&lt;&amp;&gt;&quot;a\uFFFD");
  to.n = 0;
  dz__pen_number(&p, -1.5e-30, 9);
  dz__pen_number(&p, -INFINITY, 9);
  dz__pen_number(&p, -2, 9);
  ck_assert(dz__pen_flush(&p));
  ck_assert_str_eq(to.at, "\u22121.5×10<SUP><FONT POINT-SIZE=\"9\">\u221230</FONT></SUP>\u2212∞\u22122");
  to.n = 0;
  char large[3000];
  memset(large, 'l', sizeof large);
  dz__pen_put(&p, "a");
  dz__pen_bytes(&p, large, sizeof large); /* more than the pen holds back */
  ck_assert(dz__pen_flush(&p));
  ck_assert(to.n == 3001 && to.at[0] == 'a' && to.at[3000] == 'l');
  free(to.at);
  int calls = 0;
  dz__pen q = {.write = refuse, .user = &calls};
  dz__pen_bytes(&q, large, sizeof large);
  dz__pen_bytes(&q, large, sizeof large); /* it said no: it is not asked again */
  dz__pen_put(&q, "more");
  ck_assert(!dz__pen_flush(&q));
  ck_assert_int_eq(calls, 1);
}
END_TEST

/* ---- places in the source ---- */

static dz__seen seen_at(int line, int column) { return (dz__seen){.is = {.line = line, .column = column}}; }

START_TEST(places_in_the_source) {
  static const char program[] =
      "a = 1; g2(u) = u*é + h(u)\nf(x\nk(x) y\nm(x) == 2\n(x) = 3\n  n_1(v)   = v; sin(v)\nx||y";
  static const struct {
    int line, column;
    const char *statement, *defined, *called; /* their beginnings */
  } cases[] = {
      {1, 1, "a = 1", NULL, "a "},       {1, 16, "g2(u)", "g2(u)", "u*"}, {1, 20, "g2(u)", "g2(u)", NULL},
      {1, 22, "g2(u)", "g2(u)", "h(u)"}, {1, 99, "g2(u)", "g2(u)", NULL}, {2, 3, "f(x", NULL, "x"},
      {3, 3, "k(x) y", NULL, "x)"},      {4, 1, "m(x)", NULL, "m(x)"},    {5, 2, "(x)", NULL, "x)"},
      {6, 14, "n_1(v)", "n_1(v)", "v;"}, {6, 17, "sin", NULL, "sin"},     {7, 1, "x||y", NULL, "x||"},
      {8, 1, NULL, NULL, NULL},          {7, 2, "x||y", NULL, NULL},      {0, 1, NULL, NULL, NULL},
      {6, 999, "sin", NULL, NULL},       {7, 99, "x||y", NULL, NULL}};
  dz__source s;
  const dz_allocator a = dz_system_allocator();
  ck_assert(dz__source_read(program, &a, &s));
  for (size_t k = 0; k < COUNT(cases); k++) {
    const dz__seen at = seen_at(cases[k].line, cases[k].column);
    size_t n = 0, m = 0;
    const char *const found[] = {dz__statement_of(&s, &at), dz__defined_at(&s, &at, &n),
                                 dz__called_at(&s, &at, &m)};
    const char *const want[] = {cases[k].statement, cases[k].defined, cases[k].called};
    ck_assert(found[2] || m == 0);
    for (int j = 0; j < 3; j++)
      if (!found[j] != !want[j] || (want[j] && strncmp(found[j], want[j], strlen(want[j])) != 0))
        ck_abort_msg("%d:%d, %d: %.9s, not %s", cases[k].line, cases[k].column, j,
                     found[j] ? found[j] : "nothing", want[j] ? want[j] : "nothing");
  }
  dz__source_free(&s, &a);
  /* each kind of letter; columns are characters, of any number of bytes */
  static const char letters[] = "azAZ09_À(é€=x^y";
  static const struct {
    int column;
    size_t at, n;
  } words_of[] = {{1, 0, 9},   {8, 7, 2},   {9, 9, 0},   {10, 10, 5},
                  {11, 12, 3}, {12, 15, 0}, {13, 16, 1}, {99, 19, 0}};
  ck_assert(dz__source_read(letters, &a, &s));
  for (size_t k = 0; k < COUNT(words_of); k++) {
    const dz__seen at = seen_at(1, words_of[k].column);
    size_t n = 99;
    const char *found = dz__called_at(&s, &at, &n);
    ck_assert_uint_eq(n, words_of[k].n);
    if (n) ck_assert_uint_eq((size_t)(found - letters), words_of[k].at);
  }
  dz__source_free(&s, &a);
  char words[DZ__MOST_WORD + 30];
  memset(words, 'w', sizeof words - 1);
  words[sizeof words - 1] = 0;
  size_t n;
  ck_assert(dz__source_read(words, &a, &s));
  const dz__seen first = seen_at(1, 1);
  ck_assert_ptr_eq(dz__called_at(&s, &first, &n), words);
  ck_assert_uint_eq(n, DZ__MOST_WORD);
  dz__source_free(&s, &a);
  ck_assert(dz__source_read(NULL, &a, &s));
  ck_assert_ptr_null(dz__statement_of(&s, &first));
  failing f = {.at = 1};
  const dz_allocator none = failing_allocator(&f);
  ck_assert(!dz__source_read(words, &none, &s));
}
END_TEST

/* ---- options ---- */

START_TEST(arguments_out_of_range) {
  dz_var x = named(dz_input(tape, 1), "x"), y = dz_exp(x);
  size_t none = 0;
  dz_var empty = dz_leaf_tensor(tape, DZ_ROLE_INPUT, 1, &none, NULL);
  text to = {0};
  dz_why_report r;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_write_dot(y, &(dz_dot_options){.style = (dz_picture)99}, append, &to), DZ_ERR_ARGUMENT);
  ck_assert_uint_eq(to.n, 0);
  ck_assert_int_eq(dz_write_dot(y, &(dz_dot_options){.theme = (dz_theme)99}, append, &to), DZ_OK);
  ck_assert_int_eq(dz_why(y, empty, NULL, &r), DZ_ERR_SHAPE);
  dz_wave_color(DZ_THEME_LIGHT, true, 3, NULL); /* nothing is asked for */
  free(to.at);
}
END_TEST

SUITE_ON_TAPE(EACH(each_allocation_may_fail, TEXTS *WAYS), ONCE(systems_are_set),
              ONCE(infinite_numbers_are_set), ONCE(powers_within_exponents), ONCE(forms_of_text),
              ONCE(letters_of_markup), ONCE(places_in_the_source), ONCE(arguments_out_of_range))
