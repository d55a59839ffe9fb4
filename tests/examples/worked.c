/* Every number that the documents show and WORKED-EXAMPLES lists, by its label there. A number printed with k
   decimals is met when ours rounds to it: half a unit of its last digit, plus the few ULP that the operations
   may lose (negligible beside it). Whole results are met exactly. */
#include "dz/dz.h"
#include "suite.h"

#include <math.h>
#include <string.h>

typedef struct leaf {
  const char *name;
  double value, gradient;
} leaf;

typedef struct worked {
  const char *label, *text;
  double seed, value;
  double half; /* half a unit of the last digit that the document prints; 0: exact */
  leaf leaves[6];
} worked;

static const worked table[] = {
    {"G2", "x + y", 2.5, 7, 0, {{"x", 3, 2.5}, {"y", 4, 2.5}}},
    {"G3", "x * y", 2.5, 12, 0, {{"x", 3, 10}, {"y", 4, 7.5}}},
    {"G4", "x / y", 2, .75, 0, {{"x", 3, .5}, {"y", 4, -.375}}},
    {"G5", "x ^ y", 2, 8, 5e-11, {{"x", 2, 24}, {"y", 3, 11.0903548890}}},
    {"G6", "e ^ x", 2, 2.7182818285, 5e-11, {{"x", 1, 5.4365636569}}},
    {"G7", "log_base(x, y)", 2, 3, 5e-11, {{"x", 2, -4.3280851227}, {"y", 8, .3606737602}}},
    {"G8", "ln(x)", 3, 0, 0, {{"x", 1, 3}}},
    {"G9 at x = 1",
     "a^2/(a^2 + exp(a*x))",
     1,
     .7310585786,
     5e-11,
     {{"a", -1, -.5898357997}, {"x", 1, .1966119332}}},
    {"G9 at x = 0", "a^2/(a^2 + exp(a*x))", 1, .5, 0, {{"a", -1, -.5}, {"x", 0, .25}}},
    {"G9 at x = -2", "a^2/(a^2 + exp(a*x))", 1, .1192029220, 5e-11, {{"a", -1, 0}, {"x", -2, .1049935854}}},
    {"G12 wires",
     "s = a^2; m = a*x; p = exp(m); q = s + p; s/q",
     1,
     .7310585786,
     5e-11,
     {{"s", NAN, .1966119332},
      {"m", NAN, -.1966119332},
      {"p", NAN, -.5344466454},
      {"q", NAN, -.5344466454},
      {"a", -1, -.5898357997},
      {"x", 1, .1966119332}}},
    {"G14",
     "x^2*y + y/(z+x) + z^x",
     1,
     3.3333333,
     5e-8,
     {{"x", 1, 3.2751833}, {"y", 1, 1.3333333}, {"z", 2, .8888889}}},
    {"G13 a^x", "a^x", 1, 8, 5e-11, {{"a", 2, 12}, {"x", 3, 5.5451774445}}},
    {"G13 sin", "sin(x)", 1, 0, 0, {{"x", 0, 1}}},
    {"G13 cos", "cos(x)", 1, 1, 0, {{"x", 0, 0}}},
    {"G13 tan", "tan(x)", 1, 0, 0, {{"x", 0, 1}}},
    {"G13 1/g", "1/x", 1, .25, 0, {{"x", 4, -.0625}}},
    {"G15", "exp(sin(x)^2)", 1, 1, 0, {{"x", 0, 0}}},
    {"N2 perceptron, wrong side", "perceptron(y, s)", 1, 2, 0, {{"y", -1, -2}, {"s", 2, 1}}},
    {"N2 perceptron, right side", "perceptron(y, s)", 1, 0, 0, {{"y", 1, 0}, {"s", 2, 0}}},
    {"N2 hinge in the margin", "hinge(y, s)", 1, .5, 0, {{"y", 1, -.5}, {"s", .5, -1}}},
    {"N2 0/1 loss", "(y - s)^2/4", 1, 1, 0, {{"y", 1, 1}, {"s", -1, -1}}},
    {"N3 logistic",
     "log(1 + e^(-y*s))",
     1,
     .3132616875,
     5e-11,
     {{"y", 1, -.2689414214}, {"s", 1, -.2689414214}}},
    {"N4 hard tanh", "hard_tanh(x)", 1, .5, 0, {{"x", .5, 1}}},
    {"N4 hard tanh, flat", "hard_tanh(x)", 1, 1, 0, {{"x", 3, 0}}},
    {"N9 relu at 0", "relu(x)", 1, 0, 0, {{"x", 0, 0}}},
    {"classic 1", "(a+b)*(b+1)", 1, 6, 0, {{"a", 2, 2}, {"b", 1, 5}}},
    {"classic 2", "(x+y)*z", 1, -12, 0, {{"x", -2, -4}, {"y", 5, -4}, {"z", -4, 3}}},
    {"apples", "yen*apples*tax", 1, 220, 5e-11, {{"yen", 100, 2.2}, {"apples", 2, 110}, {"tax", 1.1, 200}}},
    {"apples and oranges",
     "(p*m + q*n)*tax",
     1,
     715,
     5e-11,
     {{"p", 100, 2.2}, {"m", 2, 110}, {"q", 150, 3.3}, {"n", 3, 165}, {"tax", 1.1, 650}}},
    {"x*x", "x*x", 1, 9, 0, {{"x", 3, 6}}},
};

static void meets(const char *label, const char *what, double got, double want, double half) {
  ck_assert_msg(fabs(got - want) <= half, "%s: %s is %.17g, not %.17g", label, what, got, want);
}

START_TEST(numbers_of_the_documents) {
  const worked *w = &table[_i];
  dz_tape *t = dz_tape_new(NULL);
  for (int k = 0; k < 6 && w->leaves[k].name; k++)
    if (!isnan(w->leaves[k].value)) dz_set_name(dz_input(t, w->leaves[k].value), w->leaves[k].name);
  dz_var y = dz_expr(t, w->text);
  ck_assert_msg(dz_valid(y), "%s: %s", w->label, dz_tape_error(t)->message);
  meets(w->label, "the value", dz_value(y), w->value, w->half);
  ck_assert(dz_backward_with(y, w->seed) == DZ_OK);
  for (int k = 0; k < 6 && w->leaves[k].name; k++)
    meets(w->label, w->leaves[k].name, dz_adjoint(dz_named(t, w->leaves[k].name)), w->leaves[k].gradient,
          w->half);
  dz_tape_free(t);
}
END_TEST

/* G9 for many x against the closed forms, which have their own rounding: z(1-z) of a z that is off by d ULP
   is off by about 2 + d z / (1 - z) ULP. Below x = 3 that is under 40 ULP of the result. */
START_TEST(sigmoid_is_z_1_minus_z) {
  dz_tape *t = dz_tape_new(NULL);
  for (double at = -30; at <= 3; at += .37) {
    dz_mark m = dz_tape_mark(t);
    dz_var a = dz_input(t, -1), x = dz_input(t, at);
    dz_var s = dz_pow(a, 2), z = dz_div(s, dz_add(s, dz_exp(dz_mul(a, x))));
    dz_backward(z);
    double v = dz_value(z), slope = v * (1 - v), ulps = 40 * 0x1p-52;
    ck_assert(fabs(dz_adjoint(x) - slope) <= ulps * fabs(slope));
    double by_a =
        -(at + 2) * slope; /* a sum of three terms that may cancel: compared on the scale of its terms */
    ck_assert(fabs(dz_adjoint(a) - by_a) <= ulps * (fabs(at) + 2) * slope);
    dz_tape_rewind(t, m);
  }
  dz_tape_free(t);
}
END_TEST

/* G16: the gradient of softmax + cross-entropy at the logits is y - t. */
START_TEST(softmax_and_cross_entropy) {
  const double logits[] = {1, 2, 3}, target[] = {0, 0, 1};
  dz_tape *t = dz_tape_new(NULL);
  dz_var a = dz_leaf_tensor(t, DZ_ROLE_INPUT, 1, (size_t[]){3}, logits);
  dz_var c = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){3}, target);
  dz_set_name(a, "a");
  dz_set_name(c, "t");
  dz_var y = dz_expr(t, "softmax(a)"), loss = dz_expr(t, "cross_entropy(a, t)");
  ck_assert_msg(dz_valid(loss), "%s", dz_tape_error(t)->message);
  double sum = dz_values(y)[0] + dz_values(y)[1] + dz_values(y)[2];
  ck_assert(fabs(sum - 1) <= 4 * 0x1p-53);
  const double soft[] = {.0900305732, .2447284711, .6652409558};
  dz_backward(loss);
  for (int k = 0; k < 3; k++) {
    meets("G16", "softmax", dz_values(y)[k], soft[k], 5e-11);
    meets("G16", "y - t", dz_adjoints(a)[k], soft[k] - target[k], 5e-11);
  }
  meets("G16", "cross entropy", dz_value(loss), .4076059644, 5e-11);
  dz_tape_free(t);
}
END_TEST

/* G17: two affine maps are one; small whole numbers make every step exact. */
START_TEST(affine_maps_collapse) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 3);
  dz_var twice = dz_add(dz_mul(5, dz_add(dz_mul(2, x), 7)), 11), once = dz_add(dz_mul(10, x), 46);
  ck_assert(dz_value(twice) == dz_value(once));
  dz_backward(twice);
  ck_assert(dz_adjoint(x) == 10);
  dz_var between = dz_add(dz_mul(5, dz_relu(dz_sub(0, dz_add(dz_mul(2, x), 7)))), 11);
  dz_backward(between);
  ck_assert(dz_value(between) == 11 && dz_adjoint(x) == 0);
  dz_tape_free(t);
}
END_TEST

/* L5, L6: one neuron, and the change of the loss that its gradient predicts. With step h the measured change
   is -h |grad|^2 + O(h^2): the ratio of two misses with h and h/2 is near 4, which a wrong gradient does not
   give. */
static double neuron(dz_tape *t, const double *w, double *gradient) {
  const double x[2][3] = {{1, 2, -1}, {-2, .5, 3}}, target[] = {1, 0};
  dz_mark m = dz_tape_mark(t);
  dz_var p[4], loss = dz_const(t, 0);
  for (int i = 0; i < 4; i++) p[i] = dz_param(t, w[i]);
  for (int n = 0; n < 2; n++) {
    dz_var s = p[3];
    for (int i = 0; i < 3; i++) s = dz_add(s, dz_mul(p[i], x[n][i]));
    dz_var miss = dz_sub(dz_sigmoid(s), target[n]);
    loss = dz_add(loss, dz_div(dz_mul(miss, miss), 4));
  }
  dz_backward(loss);
  double value = dz_value(loss);
  for (int i = 0; i < 4; i++) gradient[i] = dz_adjoint(p[i]);
  dz_tape_rewind(t, m);
  return value;
}

START_TEST(predicted_and_measured_change_of_the_loss) {
  dz_tape *t = dz_tape_new(NULL);
  double w[] = {.3, -.2, .1, .05}, g[4], moved[4], unused[4], miss[2];
  double before = neuron(t, w, g), square = 0;
  for (int i = 0; i < 4; i++) square += g[i] * g[i];
  ck_assert(square > 0);
  for (int k = 0; k < 2; k++) {
    double h = k ? 1. / 128 : 1. / 64;
    for (int i = 0; i < 4; i++) moved[i] = w[i] - h * g[i];
    double change = neuron(t, moved, unused) - before;
    ck_assert(change < 0);
    miss[k] = change + h * square;
  }
  ck_assert(miss[0] / miss[1] > 3.8 && miss[0] / miss[1] < 4.2);
  dz_tape_free(t);
}
END_TEST

SUITE(EACH(numbers_of_the_documents, COUNT(table)), ONCE(sigmoid_is_z_1_minus_z),
      ONCE(softmax_and_cross_entropy), ONCE(affine_maps_collapse),
      ONCE(predicted_and_measured_change_of_the_loss))
