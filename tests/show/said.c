/* What is said of a gradient, to the byte: the room of a report, what nothing comes through, the slope of a
   choice, the sign of a power. */
#include "dz/explain.h"
#include "dz/trace.h"
#include "dz/why.h"

#include "drawn.h"

#include <math.h>

static void name_of_length(char *to, char letter, size_t n) {
  memset(to, letter, n);
  to[n] = 0;
}

/* Names of all lengths: what is told of them ends within its room, whether it is shorter, as long, or longer.
   An operation and its operands by their values take twice their names and what is between them, and a digit
   more where the value has one. */
START_TEST(words_end_within_their_room) {
  char long_name[256];
  size_t shorter = 0, cut = 0;
  for (size_t n = 130; n <= 160; n++)
    for (int more = 0; more < 2; more++) {
      dz_tape_clear(tape);
      name_of_length(long_name, 'x', n);
      const dz_var x = named(dz_input(tape, more ? 12 : 2), long_name), b = named(dz_input(tape, 0), "b");
      dz_why_report r;
      memset(&r, 'z', sizeof r);
      ck_assert_int_eq(dz_why(dz_mul(x, b), x, NULL, &r), DZ_OK);
      ck_assert_ptr_nonnull(memchr(r.what, 0, sizeof r.what));
      ck_assert_ptr_nonnull(memchr(r.message, 0, sizeof r.message));
      ck_assert_ptr_nonnull(memchr(r.suggestion, 0, sizeof r.suggestion));
      shorter += strlen(r.what) < sizeof r.what - 1;
      cut += strlen(r.what) == sizeof r.what - 1;
    }
  ck_assert_msg(shorter > 0 && cut > 0, "%zu, %zu", shorter, cut);
}
END_TEST

static void explains(dz_var y, const char *want) {
  text t = {0};
  ck_assert_msg(dz_valid(y), "%s", dz_tape_error(tape)->message);
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_explain(y, NULL, append, &t), DZ_OK);
  ck_assert_msg(strstr(t.at, want) != NULL, "%s\nis not in\n%s", want, t.at);
  free(t.at);
}

/* The slope of sqrt at 0 is infinite, and 0 times that would be no number. */
START_TEST(nothing_comes_through_what_is_not_selected) {
  const dz_var x = named(dz_input(tape, 0), "x"), root = dz_sqrt(x);
  explains(dz_where(dz_gt(x, 0), root, 2), "= inf;  g(v1) × ∂v1/∂x = nothing comes through what is not "
                                           "selected: 0\n");
}
END_TEST

/* By each branch the slope is 1 where it is chosen and 0 where it is not. */
START_TEST(slopes_of_a_choice) {
  const dz_var x = named(dz_input(tape, 2), "x"), a = named(dz_input(tape, 1), "a"),
               b = named(dz_input(tape, 3), "b"), z = named(dz_where(dz_gt(x, 0), a, b), "z");
  explains(z, "∂z/∂a = v1 ? 1 : 0 = 1;");
  explains(z, "∂z/∂b = v1 ? 0 : 1 = 0;");
}
END_TEST

/* A circle's sign stands in the circle; a power is raised, and where it is the last nothing follows. */
START_TEST(the_sign_of_a_power) {
  const dz_var z = dz_pow(named(dz_input(tape, 1), "x"), 2);
  text t = {0};
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_write_svg(z, NULL, append, &t), DZ_OK);
  const char *circle = strstr(t.at, "<circle"), *sign = strstr(t.at, ">( · )<tspan dy=\"-");
  ck_assert(circle && sign && circle < sign);
  const char *said = strstr(circle, "<text");
  ck_assert(said && said < sign);
  ck_assert(fabs(number_behind(said, " y=\"") - number_behind(circle, " cy=\"")) <
            number_behind(circle, " r=\""));
  const char *power = strstr(sign, ">2</tspan>");
  ck_assert_ptr_nonnull(power);
  ck_assert_ptr_eq(strstr(power, "</text>"), power + strlen(">2</tspan>"));
  free(t.at);
}
END_TEST

/* The same as formulas, where the condition is 0: at 1. */
START_TEST(formulas_of_a_choice) {
  const dz_var x = named(dz_input(tape, 1), "x"), z = dz_where(dz_lt(x, 1), x, dz_sin(x));
  text t = {0};
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  ck_assert_int_eq(dz_write_trace(z, NULL, append, &t), DZ_OK);
  ck_assert_ptr_nonnull(strstr(t.at, "\"partial_formula\": {\"text\": \"x \\u003c 1 ? 1 : 0\""));
  ck_assert_ptr_nonnull(strstr(t.at, "\"partial_formula\": {\"text\": \"x \\u003c 1 ? 0 : 1\""));
  free(t.at);
}
END_TEST

SUITE_ON_TAPE(ONCE(words_end_within_their_room), ONCE(nothing_comes_through_what_is_not_selected),
              ONCE(slopes_of_a_choice), ONCE(formulas_of_a_choice), ONCE(the_sign_of_a_power))
