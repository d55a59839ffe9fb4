/* What the language takes at the very bound: as many operands as there may be, and characters at the ends of
   the ranges that cannot be seen. */
#include "dz/lang.h"
#include "dz/print.h"
#include "dz/tensor.h"

#include "suite.h"

#include <math.h>
#include <string.h>

static dz_tape *with_leaves(void) {
  dz_tape *t = dz_tape_new(NULL);
  (void)dz_set_name(dz_input(t, 3), "x");
  (void)dz_set_name(dz_input(t, 5), "y");
  (void)dz_set_name(dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){2}, (double[]){7, 11}), "u");
  return t;
}

/* With the status and the message that are expected, or without. */
static const struct {
  const char *text, *message;
} calls[] = {
    {"reshape(x, 1, 1, 1, 1, 1, 1, 1, 1)", NULL},
    {"broadcast_to(x, 1, 2, 1, 1, 1, 1, 1, 1)", NULL},
    {"reshape(x, 1, 1, 1, 1, 1, 1, 1, 1, 1)", "reshape: 9 extents, at most 8 are possible"},
    {"permute(reshape(x, 1, 1, 1, 1, 1, 1, 1, 1), 7, 6, 5, 4, 3, 2, 1, 0)", NULL},
    {"positions(reshape(x, 1, 1, 1, 1, 1, 1, 1, 1))", NULL},
    {"reshape(x, 1, 1, 1, 1, 1, 1, 1, 1)[0, 0, 0, 0, 0, 0, 0, 0]", NULL},
    {"_room(u, 2)", NULL},
    {"_room(u, 2, 0)", NULL},
    {"_room(u)", "_room takes 2 to 3 arguments, came 1"},
    {"_room(u, 2, 0, 1)", "_room takes 2 to 3 arguments, came 4"},
    {"positions(u, 0)", NULL},
    {"positions(u, 0, 1)", "positions takes 1 to 2 arguments, came 3"},
    {"extent(u, 0)", NULL},
    {"extent(u, 0, 0)", "extent takes 1 to 2 arguments, came 3"},
    {"rank(u, 0)", "rank takes 1 argument, came 2"},
    {"gather(u, [0], 0)", NULL},
    {"gather(u, [0], 0, 0)", "gather takes 2 to 3 arguments, came 4"},
    {"gather(u)", "gather takes 2 to 3 arguments, came 1"},
    {"cumsum(u, 0)", NULL},
    {"cumsum(u, 0, 0)", "cumsum takes 1 to 2 arguments, came 3"},
    {"sum(u, 0, 1)", NULL},
    {"sum(u, 0, 1, 1)", "sum takes 1 to 3 arguments, came 4"},
    {"count(u, 0, 1, 1)", NULL},
    {"count(u, 0, 1, 1, 1)", "count takes 1 to 4 arguments, came 5"},
    {"u @ u + matmul(u, u)", NULL},
    {"matmul(u, u, u)", "matmul takes 2 arguments, came 3"},
    {"noise(u)", "noise takes 2 arguments, came 1"},
    {"noise(u, 1, 2)", "noise takes 2 arguments, came 3"},
    {"solve([[2]], [1], 1)", "solve takes 2 arguments, came 3"},
    {"sin()", "sin takes 1 argument, came 0"},
    {"sin(x, y)", "sin takes 1 argument, came 2"},
    {"clamp(x, y)", "clamp takes 3 arguments, came 2"},
    {"max()", "max takes at least 1 argument, came 0"},
    {"concat()", "concat takes at least 1 argument, came 0"},
    {"reshape(u)", "reshape takes at least 2 arguments, came 1"},
    {"d(x)", "d(f, x) takes at least 2 arguments, came 1"},
    {"d(x, x)", NULL},
    {"stack()", "stack takes at least 1 argument, came 0"},
    {"permute()", "permute takes at least 1 argument, came 0"},
    {"max(u, ddof=1)", "max has no argument 'ddof'"},
    {"concat(u, u, keepdims=1)", "concat has no argument 'keepdims'"},
    {"stack(u, u, keepdims=1)", "stack has no argument 'keepdims'"},
    {"reshape(u, 2, axis=0)", "reshape has no argument 'axis'"},
    {"permute(u, axis=0)", "permute has no argument 'axis'"},
};

START_TEST(as_many_as_there_may_be) {
  dz_tape *t = with_leaves();
  dz_var z = dz_expr(t, calls[_i].text);
  const char *said = dz_valid(z) ? "(nothing)" : dz_tape_error(t)->message;
  const char *want = calls[_i].message ? calls[_i].message : "(nothing)";
  ck_assert_msg(strcmp(said, want) == 0, "%s: %s", calls[_i].text, said);
  dz_tape_free(t);
}
END_TEST

/* The items of a list are looked at to the last. */
START_TEST(items_of_one_shape) {
  static const struct {
    const char *text, *message;
  } of[] = {{"[[1, 2], [3, 4], [5]]", "items of a list have one shape: item 0 has [2], item 2 has [1]"},
            {"[1, 2, 3, [4]]", "items of a list have one shape: item 0 has [], item 3 has [1]"},
            {"[[1], 2]", "items of a list have one shape: item 0 has [1], item 1 has []"}};
  for (size_t k = 0; k < COUNT(of); k++) {
    dz_tape *t = with_leaves();
    ck_assert(!dz_valid(dz_expr(t, of[k].text)));
    ck_assert_str_eq(dz_tape_error(t)->message, of[k].message);
    dz_tape_free(t);
  }
}
END_TEST

static bool append(void *user, const char *text, size_t size) {
  char *to = user;
  const size_t n = strlen(to);
  ck_assert_uint_lt(n + size, 200);
  memcpy(to + n, text, size);
  to[n + size] = 0;
  return true;
}

/* sin(x)*cos(x) has five parts: a product, two functions, and twice x. Where parts of five may stand inside
   it does, where but parts of four may it has a line of its own. */
START_TEST(parts_of_so_many) {
  for (int most = 4; most <= 5; most++) {
    dz_tape *t = with_leaves();
    const dz_print_options how = {DZ_PRINT_EXPAND, 0, (size_t)most, 0};
    char text[200] = "";
    ck_assert_int_eq(dz_print(dz_expr(t, "s = sin(x)*cos(x); s + exp(s)"), &how, append, text), DZ_OK);
    ck_assert_str_eq(text,
                     most == 4 ? "t1 = sin(x)*cos(x)\nt1 + exp(t1)" : "sin(x)*cos(x) + exp(sin(x)*cos(x))");
    dz_tape_free(t);
  }
}
END_TEST

/* The first and the last character of each range of those that cannot be seen, and the ones beside. */
static const struct {
  const char *bytes, *told;
} unseen[] = {
    {"\xc2\xac", NULL},       {"\xc2\xad", "00AD"},   {"\xc2\xae", NULL},       {"\xe2\x80\x8c", "200C"},
    {"\xe2\x80\x8f", "200F"}, {"\xe2\x80\x90", NULL}, {"\xe2\x80\xa7", NULL},   {"\xe2\x80\xa8", "2028"},
    {"\xe2\x80\xae", "202E"}, {"\xe2\x81\x9e", NULL}, {"\xe2\x81\xa0", "2060"}, {"\xe2\x81\xaf", "206F"},
    {"\xe2\x81\xb6", NULL},
};

START_TEST(what_cannot_be_seen_is_told_by_number) {
  char text[40], want[100];
  dz_error e;
  snprintf(text, sizeof text, "x %s y", unseen[_i].bytes);
  ck_assert_ptr_null(dz_program_parse(text, strlen(text), NULL, NULL, &e));
  snprintf(want, sizeof want, "unexpected character U+%s, which cannot be seen",
           unseen[_i].told ? unseen[_i].told : "");
  if (unseen[_i].told)
    ck_assert_str_eq(e.message, want);
  else
    ck_assert_msg(!strstr(e.message, "cannot be seen"), "%s", e.message);
}
END_TEST

/* As many names are told as 299 bytes hold, with a comma and a space between two. */
START_TEST(as_many_missing_as_are_told) {
  char a[101], b[199], text[400], message[400];
  memset(a, 'a', sizeof a), memset(b, 'b', sizeof b);
  a[100] = 0;
  for (size_t n = 197; n <= 198; n++) {
    b[n] = 0;
    snprintf(text, sizeof text, "%s + %s", a, b);
    snprintf(message, sizeof message, n == 197 ? "no value for %s, %s" : "no value for %s and 1 more", a, b);
    b[n] = 'b';
    dz_tape *t = dz_tape_new(NULL);
    ck_assert(!dz_valid(dz_expr(t, text)));
    ck_assert_str_eq(dz_tape_error(t)->message, message);
    dz_tape_free(t);
  }
}
END_TEST

/* The least limit on what functions expand to with which a text is recorded, without which it is refused. */
static uint64_t least_limit(const char *text) {
  for (uint64_t most = 0; most < 100; most++) {
    dz_tape *t = dz_tape_new(NULL);
    (void)dz_set_name(dz_input(t, 2), "x");
    ck_assert_int_eq(dz_tape_limit(t, DZ_LIMIT_STEPS, most), DZ_OK);
    const bool done = dz_valid(dz_expr(t, text));
    ck_assert_int_eq(dz_tape_error(t)->status, done ? DZ_OK : DZ_ERR_LIMIT);
    dz_tape_free(t);
    if (done) return most;
  }
  return UINT64_MAX;
}

/* As much as the limit says, and no more, over all calls; a program's own lines do not count. */
START_TEST(steps_up_to_the_limit) {
  const uint64_t one = least_limit("f(a) = -a\nf(x)");
  ck_assert(least_limit("sin(x) + 2*x") == 0 && one > 1);
  ck_assert_uint_eq(least_limit("f(a) = -a\nf(x) + f(f(x))"), 3 * one);
}
END_TEST

/* Of a text that goes on behind its end nothing of that is taken up. */
START_TEST(behind_the_end) {
  static const struct {
    const char *text;
    size_t rest;
    const char *message;
  } of[] = {{"x + \xE2\x88\x9A", 1, "invalid UTF-8: byte 0xE2 begins no character"},
            {"（x） + \xEF\xBC\x8B", 1, "invalid UTF-8: byte 0xEF begins no character"},
            {"x(1)", 1, "unknown function 'x' (to multiply write x*(…))"},
            {"1,234.5", 2, "a comma separates arguments: a number is written with a point, 1.234"},
            {"1 + 2.5.", 1, NULL},
            {"sin(x)", 1, "'(' is never closed"}};
  for (size_t k = 0; k < COUNT(of); k++) {
    dz_error e;
    dz_program *p = dz_program_parse(of[k].text, strlen(of[k].text) - of[k].rest, NULL, NULL, &e);
    ck_assert_msg((p != NULL) == !of[k].message, "%s: %s", of[k].text, e.message);
    if (!p) ck_assert_str_eq(e.message, of[k].message);
    dz_program_free(p);
  }
}
END_TEST

/* A place may be a constant that is made of constants, of which so many nodes are looked at. */
START_TEST(a_constant_of_so_many_nodes) {
  for (int nodes = 32; nodes <= 33; nodes++) {
    char text[100] = "k = 1\nu[";
    for (int k = 1; k < nodes; k++) strcat(text, "-");
    strcat(text, "k]");
    dz_tape *t = with_leaves();
    ck_assert_int_eq(dz_valid(dz_expr(t, text)), nodes == 32);
    dz_tape_free(t);
  }
}
END_TEST

/* Only what a function derives by becomes a node of its own when the function is called. */
START_TEST(nodes_of_a_call) {
  static const struct {
    const char *text;
    size_t nodes;
  } of[] = {{"f(a) = max(1, a)\nf(x)", 1},
            {"f(a, b) = hypot(b, a)\nf(x, y)", 1},
            {"f(a) = sin(a)\nf(x)", 1},
            {"g(a, b) = d(a, b)\ng(x, y)", 2}, /* b and the derivative, 0 */
            {"max(1, x)", 1}};
  for (size_t k = 0; k < COUNT(of); k++) {
    dz_tape *t = with_leaves();
    const size_t before = dz_tape_size(t);
    ck_assert(dz_valid(dz_expr(t, of[k].text)));
    ck_assert_msg(dz_tape_size(t) - before == of[k].nodes, "%s: %zu", of[k].text, dz_tape_size(t) - before);
    dz_tape_free(t);
  }
}
END_TEST

SUITE(EACH(as_many_as_there_may_be, COUNT(calls)), ONCE(items_of_one_shape), ONCE(parts_of_so_many),
      EACH(what_cannot_be_seen_is_told_by_number, COUNT(unseen)), ONCE(as_many_missing_as_are_told),
      ONCE(steps_up_to_the_limit), ONCE(behind_the_end), ONCE(a_constant_of_so_many_nodes),
      ONCE(nodes_of_a_call))
