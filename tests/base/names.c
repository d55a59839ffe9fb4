#include "base/names.h"
#include "../failing.h"
#include "suite.h"

#include <stdio.h>

enum { COUNT = 3000 };

/* Name i of a test and the value it gets: values repeat, and neither rise nor fall throughout. */
static size_t write_name(char text[32], unsigned i) { return (size_t)snprintf(text, 32, "name%u", i); }
static uint32_t value_of(unsigned i) { return (uint32_t)(i * 7919u % 1000u); }

static void check_name(const dz__names *names, unsigned i, bool there) {
  char text[32];
  const size_t n = write_name(text, i);
  const dz__name *name = dz__names_find(names, text, n);
  const bool right = name && name->value == value_of(i) && name->size == n && strcmp(name->text, text) == 0;
  if (there ? !right : name != NULL) ck_abort_msg("%s should %s", text, there ? "be there" : "not be there");
}

START_TEST(finds_what_was_added) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz__names names;
  char text[32];
  dz__names_init(&names, &a);
  ck_assert_ptr_null(dz__names_find(&names, "x", 1));
  ck_assert_ptr_null(dz__names_of(&names, 0));
  ck_assert_uint_eq(dz__names_bytes(&names), 0);
  for (unsigned i = 0; i < COUNT; i++)
    ck_assert(dz__names_add(&names, text, write_name(text, i), value_of(i)));
  for (unsigned i = 0; i < COUNT; i++) check_name(&names, i, true);
  check_name(&names, COUNT, false);
  ck_assert_uint_eq(dz__names_bytes(&names), f.bytes);
  dz__names_free(&names);
  ck_assert_uint_eq(f.blocks, 0);
  ck_assert_uint_eq(dz__names_bytes(&names), 0);
}
END_TEST

START_TEST(the_text_is_copied_and_measured_by_size) {
  dz__names names;
  const dz_allocator a = dz__allocator(NULL);
  char text[] = "alphabet";
  dz__names_init(&names, &a);
  ck_assert(dz__names_add(&names, text, 5, 1));
  ck_assert(dz__names_add(&names, "", 0, 2));
  memset(text, '-', sizeof text);
  ck_assert_str_eq(dz__names_find(&names, "alpha!", 5)->text, "alpha");
  ck_assert_ptr_null(dz__names_find(&names, "alphabet", 8));
  ck_assert_uint_eq(dz__names_find(&names, "", 0)->value, 2);
  dz__names_free(&names);
}
END_TEST

/* Around every size of the blocks that are kept for the next name, and above. */
START_TEST(names_of_all_lengths_come_and_go) {
  enum { LENGTHS = 1300 };
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  dz__names names;
  char text[LENGTHS];
  memset(text, 'x', sizeof text);
  dz__names_init(&names, &a);
  for (int turn = 0; turn < 2; turn++) {
    for (uint32_t n = 0; n < LENGTHS; n++) ck_assert(dz__names_add(&names, text, n, n));
    for (uint32_t n = 0; n < LENGTHS; n++) {
      const dz__name *name = dz__names_find(&names, text, n);
      ck_assert(name && name->value == n && strlen(name->text) == n);
    }
    ck_assert_uint_eq(dz__names_bytes(&names), f.bytes);
    dz__names_drop(&names, 0);
    ck_assert_uint_eq(dz__names_bytes(&names), f.bytes);
  }
  dz__names_free(&names);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

START_TEST(the_first_name_of_a_value_is_its_name) {
  dz__names names;
  const dz_allocator a = dz__allocator(NULL);
  dz__names_init(&names, &a);
  ck_assert(dz__names_add(&names, "one", 3, 7));
  ck_assert(dz__names_add(&names, "two", 3, 7));
  ck_assert(dz__names_add(&names, "three", 5, UINT32_MAX));
  ck_assert_str_eq(dz__names_of(&names, 7)->text, "one");
  ck_assert_str_eq(dz__names_of(&names, UINT32_MAX)->text, "three");
  dz__names_drop(&names, 7);
  ck_assert_ptr_null(dz__names_of(&names, 7));
  ck_assert(dz__names_add(&names, "two", 3, 7));
  ck_assert_str_eq(dz__names_of(&names, 7)->text, "two");
  dz__names_free(&names);
}
END_TEST

START_TEST(dropping_takes_the_values_from_a_point_on) {
  failing f = {0};
  const dz_allocator a = failing_allocator(&f);
  const uint32_t points[] = {1000, 999, 998, 500, 499, 100, 1, 0};
  dz__names names;
  char text[32];
  dz__names_init(&names, &a);
  for (unsigned i = 0; i < COUNT; i++)
    ck_assert(dz__names_add(&names, text, write_name(text, i), value_of(i)));
  for (size_t k = 0; k < sizeof points / sizeof *points; k++) {
    dz__names_drop(&names, points[k]);
    for (unsigned i = 0; i < COUNT; i++) check_name(&names, i, value_of(i) < points[k]);
    for (uint32_t v = 0; v < 1000; v++) ck_assert_int_eq(dz__names_of(&names, v) != NULL, v < points[k]);
    ck_assert_uint_eq(dz__names_bytes(&names), f.bytes);
  }
  size_t calls = f.calls; /* what was dropped is used again */
  ck_assert(dz__names_add(&names, text, write_name(text, 1), 5));
  ck_assert_uint_eq(f.calls, calls);
  dz__names_free(&names);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

/* A loop that names things, drops them and names them again: the table must stay right throughout. */
START_TEST(names_come_and_go) {
  dz__names names;
  const dz_allocator a = dz__allocator(NULL);
  char text[32];
  dz__names_init(&names, &a);
  for (uint32_t turn = 0; turn < 50; turn++) {
    for (unsigned i = 0; i < 200; i++)
      if (!dz__names_find(&names, text, write_name(text, i)))
        ck_assert(dz__names_add(&names, text, strlen(text), value_of(i)));
    for (unsigned i = 0; i < 200; i++) check_name(&names, i, true);
    dz__names_drop(&names, turn * 20);
    for (unsigned i = 0; i < 200; i++) check_name(&names, i, value_of(i) < turn * 20);
  }
  dz__names_free(&names);
}
END_TEST

/* Every k-th allocation fails, _i being k (the first name alone takes 5): an addition that failed leaves no
 * trace, and works when tried again. */
START_TEST(survives_failing_allocations) {
  failing f = {.every = (size_t)_i};
  const dz_allocator a = failing_allocator(&f);
  dz__names names;
  char text[32];
  dz__names_init(&names, &a);
  for (unsigned i = 0; i < COUNT; i++) {
    const size_t n = write_name(text, i);
    size_t tries = 0;
    while (!dz__names_add(&names, text, n, value_of(i))) {
      ck_assert_ptr_null(dz__names_find(&names, text, n));
      ck_assert_uint_eq(dz__names_bytes(&names), f.bytes);
      if (i >= 1000)
        ck_assert_ptr_nonnull(dz__names_of(&names, value_of(i)));
      else
        ck_assert_ptr_null(dz__names_of(&names, value_of(i)));
      ck_assert_uint_lt(tries++, 10);
    }
  }
  ck_assert_uint_gt(f.failed, 0);
  for (unsigned i = 0; i < COUNT; i++) check_name(&names, i, true);
  dz__names_drop(&names, 500);
  for (unsigned i = 0; i < COUNT; i++) check_name(&names, i, value_of(i) < 500);
  dz__names_free(&names);
  ck_assert_uint_eq(f.blocks, 0);
}
END_TEST

/* The n-th allocation and all later ones fail; what was there before stays. */
static void run_out_at(size_t n) {
  failing f = {.at = n};
  const dz_allocator a = failing_allocator(&f);
  dz__names names;
  char text[32];
  unsigned added = 0;
  dz__names_init(&names, &a);
  while (added < COUNT && dz__names_add(&names, text, write_name(text, added), value_of(added))) added++;
  ck_assert_uint_lt(added, COUNT);
  for (unsigned i = 0; i < COUNT; i++) check_name(&names, i, i < added);
  dz__names_free(&names);
  ck_assert_uint_eq(f.blocks, 0);
}

START_TEST(keeps_what_it_has_when_memory_is_out) {
  for (size_t n = 1; n <= COUNT; n += 1 + n / 100) run_out_at(n);
}
END_TEST

/* ---- suggestions ---- */

static const char *each_of(void *user, size_t i) { return ((const char *const *)user)[i]; }

static const struct {
  const char *text, *nearest;
} suggestion[] = {
    {"sgmoid", "sigmoid"},   /* one letter missing */
    {"sigmmoid", "sigmoid"}, /* one too many */
    {"sigmaid", "sigmoid"},  /* one wrong */
    {"sigmodi", "sigmoid"},  /* two swapped: distance 1, not 2 */
    {"sgimodi", "sigmoid"},  /* two swaps */
    {"sgmid", "sigmoid"},    /* two missing */
    {"smid", NULL},          /* three missing */
    {"SIN", "sin"},          /* capitals alone are nearer than another letter (sinh, min) */
    {"Sigmoid", "sigmoid"},
    {"SIGMODI", "sigmoid"},
    {"sin", "sinh"}, /* itself is no correction */
    {"sun", "sin"},
    {"cas", "cos"},
    {"aos", "cos"},
    {"f", NULL},  /* distance 1 is not less than half of 1 */
    {"mi", NULL}, /* nor half of 2 */
    {"xos", "cos"},
    {"ta", NULL},
    {"mim", "min"},
    {"tin", "sin"}, /* a tie with tan and min: the first listed */
    {"expp", "exp"},
    {"exp_12", NULL},
    {"\xcf\x83x", "\xcf\x80x"}, /* σx and πx: one byte apart */
    {"", NULL},
};

START_TEST(suggests_the_nearest_name) {
  static const char *const list[] = {"sin", "sinh", "cos", "tan", "min", "exp", "sigmoid", "\xcf\x80x", NULL};
  const char *found =
      dz__nearest(suggestion[_i].text, strlen(suggestion[_i].text), each_of, (void *)(uintptr_t)list);
  if (suggestion[_i].nearest)
    ck_assert_str_eq(found ? found : "(none)", suggestion[_i].nearest);
  else
    ck_assert_msg(!found, "%s for '%s'", found, suggestion[_i].text);
}
END_TEST

START_TEST(suggests_with_long_names) {
  char text[301], other[301];
  const char *list[] = {other, NULL};
  memset(text, 'a', 300);
  memset(other, 'a', 300);
  text[300] = other[300] = '\0';
  text[7] = 'b';
  ck_assert_ptr_null(dz__nearest(text, 300, each_of, list));
  text[64] = '\0';
  other[66] = '\0';
  ck_assert_ptr_null(dz__nearest(text, 64, each_of, list)); /* two longer and one different: 3 */
  text[7] = 'a';
  ck_assert_ptr_eq(dz__nearest(text, 64, each_of, list), other);
  other[67] = 'a';
  ck_assert_ptr_null(dz__nearest(text, 63, each_of, list));
}
END_TEST

/* Capitals, both ends of the alphabet; of two letters less; a single letter has no neighbour but for swaps.
 */
START_TEST(suggests_by_letters) {
  static const struct {
    const char *text, *list[3], *nearest;
  } c[] = {{"ABZ", {"abx", "abz", NULL}, "abz"}, {"Axy", {"bxy", "axy", NULL}, "axy"},
           {"ab[", {"abx", "ab{", NULL}, "abx"}, {"@xy", {"bxy", "`xy", NULL}, "bxy"},
           {"abcdef", {"abcd", NULL}, "abcd"},   {"abdc", {"abcd", "ABDC", NULL}, "ABDC"},
           {"bac", {"abc", NULL}, "abc"},        {"X", {"x", NULL}, NULL}};
  for (size_t k = 0; k < sizeof c / sizeof *c; k++) {
    const char *found = dz__nearest(c[k].text, strlen(c[k].text), each_of, (void *)(uintptr_t)c[k].list);
    ck_assert_pstr_eq(found, c[k].nearest);
  }
}
END_TEST

/* Of names that are much longer than the text, or much shorter, nothing is read into a table of its size. */
START_TEST(names_of_any_length_are_passed_over) {
  char other[4000];
  const char *list[] = {other, "tanh", NULL};
  memset(other, 't', sizeof other);
  other[sizeof other - 1] = '\0';
  ck_assert_str_eq(dz__nearest("tanhh", 5, each_of, list), "tanh");
}
END_TEST

/* Sizes are kept in 32 bits; nothing of such a text is read. */
START_TEST(a_text_that_is_too_long_is_no_name) {
  const dz_allocator a = dz_system_allocator();
  const size_t size = (size_t)UINT32_MAX + 1;
  if (size == 0) return;
  dz__names names;
  dz__names_init(&names, &a);
  ck_assert(!dz__names_add(&names, "x", size, 0));
  ck_assert_ptr_null(dz__names_find(&names, "x", size));
  ck_assert_ptr_null(dz__names_find(&names, "x", 1));
  dz__names_free(&names);
}
END_TEST

SUITE(ONCE(finds_what_was_added), ONCE(names_of_all_lengths_come_and_go), ONCE(suggests_by_letters),
      ONCE(the_text_is_copied_and_measured_by_size), ONCE(the_first_name_of_a_value_is_its_name),
      ONCE(dropping_takes_the_values_from_a_point_on), ONCE(names_come_and_go),
      BETWEEN(survives_failing_allocations, 6, 12), ONCE(keeps_what_it_has_when_memory_is_out),
      EACH(suggests_the_nearest_name, COUNT(suggestion)), ONCE(suggests_with_long_names),
      ONCE(names_of_any_length_are_passed_over), ONCE(a_text_that_is_too_long_is_no_name))
