/* Counts that decide how much is told: formulas up to so many operations, and the room that a picture takes.
 */
#include "dz/explain.h"
#include "dz/paths.h"
#include "dz/trace.h"
#include "show/layout.h"

#include "drawn.h"

#include <math.h>

/* sin(sin(...x)), so many times. */
static dz_var chain(int n) {
  dz_var z = named(dz_input(tape, .5), "x");
  for (int k = 0; k < n; k++) z = dz_sin(z);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  return z;
}

/* Up to 40 operations an explanation has their rules as formulas. */
START_TEST(rules_of_so_many_operations) {
  for (int n = 40; n <= 41; n++) {
    text t = {0};
    ck_assert_int_eq(dz_explain(chain(n), NULL, append, &t), DZ_OK);
    ck_assert_int_eq(strstr(t.at, "= cos x =") != NULL, n == 40);
    free(t.at);
    dz_tape_clear(tape);
  }
}
END_TEST

/* As many operations as may have formulas do, one more has none. */
START_TEST(formulas_of_so_many_operations) {
  for (size_t most = 2; most <= 4; most++) {
    text t = {0};
    const dz_trace_options how = {.formulas = most};
    ck_assert_int_eq(dz_write_trace(chain(3), &how, append, &t), DZ_OK);
    ck_assert_int_eq(strstr(t.at, "\"seed\": null") != NULL, most < 3);
    free(t.at);
    dz_tape_clear(tape);
  }
}
END_TEST

/* All spots lie between 0 and the height, the highest and the lowest at its ends, whichever was first. */
START_TEST(a_picture_is_as_high_as_its_spots) {
  for (int first = 0; first < 2; first++) {
    dz__layout l = {.alloc = dz__allocator(NULL)};
    const double half[] = {5, 20};
    ck_assert(dz__layout_spot(&l, 0, 30, half[first]) && dz__layout_spot(&l, 0, 30, half[!first]));
    ck_assert(dz__layout_spot(&l, 1, 30, 3));
    ck_assert(dz__layout_place(&l));
    double top = INFINITY, bottom = -INFINITY;
    for (size_t i = 0; i < 3; i++) {
      top = fmin(top, l.spot[i].y - l.spot[i].height);
      bottom = fmax(bottom, l.spot[i].y + l.spot[i].height);
    }
    ck_assert(top == 0 && bottom == l.height && l.height >= 50);
    dz__layout_free(&l);
  }
}
END_TEST

/* The wire of a circle's result begins at its rim, half way up. */
START_TEST(wires_meet_their_circle) {
  text t = {0};
  ck_assert_int_eq(dz_write_svg(chain(1), NULL, append, &t), DZ_OK);
  const char *last = strrchr(t.at, 'M');
  ck_assert_ptr_nonnull(last);
  const double x = number_behind(t.at, "cx=\""), y = number_behind(t.at, "cy=\""),
               r = number_behind(t.at, " r=\"");
  ck_assert(fabs(number_behind(last, "M") - (x + r)) < .11);
  ck_assert(fabs(number_behind(last, " ") - y) < .11); /* each is rounded to a tenth */
  char *arrow = strstr(t.at, "\" marker-end");         /* of the wire that comes: a little before the rim */
  ck_assert_ptr_nonnull(arrow);
  *arrow = 0;
  while (*--arrow != ' ') {
  }
  while (*--arrow != ' ') {
  }
  const double end = number_behind(arrow, " ");
  ck_assert(end < x - r && end > x - r - 12);
  free(t.at);
}
END_TEST

/* Wires to a circle's two operands come to its rim above and below the middle, where that is farther right.
 */
START_TEST(two_wires_meet_their_circle) {
  const dz_var x = named(dz_input(tape, 1), "x"), y = named(dz_input(tape, 2), "y"), z = dz_add(x, y);
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  text t = {0};
  ck_assert_int_eq(dz_write_svg(z, NULL, append, &t), DZ_OK);
  const double cx = number_behind(t.at, "cx=\""), cy = number_behind(t.at, "cy=\""),
               r = number_behind(t.at, " r=\"");
  int arrows = 0;
  for (char *arrow = t.at; (arrow = strstr(arrow + 1, "\" marker-end")) != NULL;) {
    char *at = arrow;
    for (int words = 0; words < 2;) words += *--at == ' ';
    const double end = number_behind(at, " "), up = number_behind(at + 1, " ") - cy;
    if (end > cx) continue; /* the result's */
    ck_assert(fabs(up) > 1 && fabs(up) < r);
    ck_assert(fabs(end + 7 - (cx - sqrt(r * r - up * up))) < .31); /* 7: the arrow's head; up to a tenth */
    arrows++;
  }
  ck_assert_int_eq(arrows, 2);
  free(t.at);
}
END_TEST

/* In layers a product with a matrix is a dot beside it. */
START_TEST(matrices_beside_a_wire) {
  const dz_var w = named(dz_leaf_tensor(tape, DZ_ROLE_PARAM, DIMS(2, 2), V(1, 2, 3, 4)), "W"),
               x = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2), V(3, 4)), "x"),
               z = total(dz_tanh(dz_matmul(w, x)));
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  text t = drawn(z, &(dz_dot_options){.style = DZ_PICTURE_LAYERS});
  ck_assert_msg(strstr(t.at, "\u00b7") != NULL, "%s", t.at);
  free(t.at);
}
END_TEST

/* At the arrows of variables: formulas, numbers, or both. */
START_TEST(partials_as_they_are_wanted) {
  const dz_var x = named(dz_input(tape, 1), "x"), z = dz_mul(3, dz_sin(x));
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  for (int k = 0; k < 3; k++) {
    const dz_written written[] = {DZ_WRITTEN_SYM, DZ_WRITTEN_NUM, DZ_WRITTEN_BOTH};
    const dz_dot_options how = {.style = DZ_PICTURE_VARS, .written = written[k], .partials = true};
    text t = drawn(z, &how);
    ck_assert_int_eq(strstr(t.at, "0.5403") != NULL, k > 0); /* cos 1 */
    ck_assert_int_eq(strstr(t.at, "cos") != NULL, k != 1);
    free(t.at);
  }
}
END_TEST

/* What follows a power stands on the line again. */
START_TEST(behind_a_power) {
  const dz_var x = named(dz_input(tape, 1), "x"), w = named(dz_input(tape, 2), "w"),
               z = dz_sin(dz_mul(dz_pow(x, 2), w));
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  text t = {0};
  ck_assert_int_eq(dz_write_svg(z, &(dz_dot_options){.written = DZ_WRITTEN_BOTH}, append, &t), DZ_OK);
  ck_assert_ptr_nonnull(strstr(t.at, ">2</tspan><tspan dy=\""));
  free(t.at);
}
END_TEST

/* Both factors, in their order. */
START_TEST(products_of_matrices) {
  const dz_var a = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(1, 2), V(1, 2)), "A"),
               b = named(dz_leaf_tensor(tape, DZ_ROLE_INPUT, DIMS(2, 1), V(3, 4)), "B"),
               z = total(dz_matmul(a, b));
  ck_assert_int_eq(dz_backward(z), DZ_OK);
  static const char *const said[] = {" = A @ B = [[11]]", "=A\\,B=[[11]]",
                                     "<mi>A</mi><mo>\u2062</mo><mi>B</mi>"};
  const dz_explain_format formats[] = {DZ_EXPLAIN_TEXT, DZ_EXPLAIN_LATEX, DZ_EXPLAIN_HTML};
  for (int k = 0; k < 3; k++) {
    text t = {0};
    const dz_explain_options how = {.format = formats[k]};
    ck_assert_int_eq(dz_explain(z, &how, append, &t), DZ_OK);
    ck_assert_msg(strstr(t.at, said[k]) != NULL, "%s", t.at);
    free(t.at);
  }
}
END_TEST

static text paths_of(dz_var y, dz_var x, bool picture) {
  text t = {0};
  dz_paths *p;
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  ck_assert_int_eq(dz_paths_find(y, x, 0, 8, &p), DZ_OK);
  ck_assert_int_eq(picture ? dz_paths_dot(p, NULL, 0, append, &t) : dz_paths_write(p, NULL, append, &t),
                   DZ_OK);
  dz_paths_free(p);
  return t;
}

/* Every digit of a power stands above. */
START_TEST(powers_of_two_digits) {
  const dz_var x = named(dz_input(tape, 2), "x");
  text t = paths_of(dz_pow(x, 12), x, true);
  ck_assert_msg(strstr(t.at, "<SUP>12</SUP>") != NULL, "%s", t.at);
  free(t.at);
}
END_TEST

/* What has no formula takes the room of its name: two places before it and two behind. */
START_TEST(columns_of_a_name_alone) {
  const dz_var x = named(dz_input(tape, 3), "x");
  text t = paths_of(x, x, false);
  ck_assert_msg(strstr(t.at, "\n  x  =  3\n") != NULL, "%s", t.at);
  free(t.at);
}
END_TEST

SUITE_ON_TAPE(ONCE(partials_as_they_are_wanted), ONCE(wires_meet_their_circle),
              ONCE(two_wires_meet_their_circle), ONCE(matrices_beside_a_wire), ONCE(behind_a_power),
              ONCE(products_of_matrices), ONCE(powers_of_two_digits), ONCE(columns_of_a_name_alone),
              ONCE(rules_of_so_many_operations), ONCE(formulas_of_so_many_operations),
              ONCE(a_picture_is_as_high_as_its_spots))
