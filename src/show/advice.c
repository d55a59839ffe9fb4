/* The answer of dz_why in words. */
#include "show/why.h"

#include "dz/print.h"
#include "tape/tape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONG = 60 };

/* x in one short line, into `one`; false when it takes more: a part with a line of its own is long already.
 */
static bool in_one_line(dz__sheet *s, dz_var x, dz__sheet *one) {
  static const dz_print_options how = {.names = DZ_PRINT_CALL, .digits = 6, .inlined = 64, .most = 4 * LONG};
  const dz_status status = dz_print(x, &how, dz__sheet_writer, one);
  if (status == DZ_ERR_MEMORY || one->failed) s->failed = true;
  return !status && one->n <= LONG;
}

void dz__why_expression(dz__sheet *s, dz_var x) {
  dz__sheet one = {.alloc = s->alloc};
  if (dz_name(x)) {
    dz__sheet_put(s, dz_name(x));
  } else if (in_one_line(s, x, &one)) {
    dz__sheet_put(s, one.text);
  } else {
    dz__sheet_put(s, dz_describe(x).op);
    dz__sheet_put(s, "(…)");
  }
  dz__sheet_free(&one);
}

/* ---- what: the operation, and its operands' values ---- */

/* Under its name a definition is still written out. */
static void put_operation(dz__inquiry *q, dz__sheet *s, dz_var z) {
  dz__sheet one = {.alloc = s->alloc};
  if (dz_describe(z).role != DZ_ROLE_NONE)
    dz__label_put(&q->labels, s, z);
  else if (in_one_line(s, z, &one))
    dz__sheet_put(s, one.text);
  else
    dz__label_formula(&q->labels, s, z);
  dz__sheet_free(&one);
}

static void put_equal(dz__sheet *s, dz_var x, double value) {
  dz__why_expression(s, x);
  dz__sheet_put(s, " = ");
  dz__sheet_number(s, value);
}

/* ", x = -2": of a tensor the element to blame. */
static void put_operands(dz__inquiry *q, dz__sheet *s, dz_var z) {
  int n = dz_describe(z).nargs;
  for (int k = 0; k < n; k++) {
    dz_var x = dz_operand(z, k);
    bool blamed = q->edge && q->edge->operand == k;
    if (dz_is_number(x) || (dz_role_of(x) == DZ_ROLE_CONST && !dz_name(x))) continue;
    if (dz_rank(x) > 0 && !blamed) continue;
    dz__sheet_put(s, ", ");
    if (dz_rank(x) == 0) {
      put_equal(s, x, dz_value(x));
      continue;
    }
    bool named = dz_name(x) != NULL;
    dz__sheet_put(s, named ? "" : "(");
    dz__why_expression(s, x);
    dz__sheet_put(s, named ? "" : ")");
    dz__label_index(s, x, q->g.vertex[q->edge->from].element);
    dz__sheet_put(s, " = ");
    dz__sheet_number(s, q->g.vertex[q->edge->from].value);
  }
}

/* ---- messages ---- */

/* Where: {0} the operation and its operands, {1} its derivative, {2} the gradient that arrives, {3} what the
   paths come from, {4} and {5} how many factors of how many, {6} its value, or that of a plain number. */
typedef struct line {
  const char *code, *message, *of_value, *advice; /* of_value: when not an operand but a value is to blame */
} line;

static const line lines[] = {
    [DZ_WHY_NOTHING] = {"ordinary",
                        "nothing remarkable: neither 0, nor smaller than 2^-20, nor larger than 2^20", NULL,
                        NULL},
    [DZ_WHY_UNREACHABLE] = {"unreachable", "the result is not made of it", NULL,
                            "look for a name that is misspelt, or a line whose value nothing uses"},
    [DZ_WHY_DETACHED] = {"detached", "{0}: stop() lets the value pass and holds the gradient back", NULL,
                         "take stop() away if a gradient is wanted here"},
    [DZ_WHY_STEP] =
        {"step", "{0}: a step is flat wherever it has a slope at all, so no gradient passes", NULL,
         "use a smooth function in its place, as sigmoid(k*x) for x > 0; or let the gradient pass "
         "by x + stop(round(x) - x)"},
    [DZ_WHY_MASK] = {"mask", "{0}: switched off for this operand, its slope is 0 here", NULL,
                     "start from a point where it is on, or use a function that is nowhere flat, as softplus "
                     "for relu"},
    [DZ_WHY_BRANCH] = {"branch",
                       "{0}: the other branch is the selected one, so nothing comes back through this", NULL,
                       "start from a point where the condition selects the branch that it is in"},
    [DZ_WHY_TIE] = {"tie", "{0}: exactly at a kink, where dz takes the slope of least size, 0", NULL,
                    "move the point a little; dz ops says what each operation answers at its hard points"},
    [DZ_WHY_ZERO_FACTOR] = {"zero factor", "{0}: the other factor is 0", NULL,
                            "weights that all start at 0 never move: start from random ones"},
    [DZ_WHY_FLAT] = {"flat", "{0}: the slope is exactly 0 at this point", NULL,
                     "this may be an extremum; if it is a starting point, start elsewhere"},
    [DZ_WHY_SATURATION] = {"saturation", "{0}: saturated; so far out the slope is only {1}", NULL,
                           "keep its operand within a few units of 0 (scale the inputs), or compute the loss "
                           "from the operand itself, as log_sigmoid and cross_entropy do"},
    [DZ_WHY_UNDERFLOW] = {"underflow",
                          "{0}: the slope {1} times the gradient {2} that arrives is too small for a "
                          "double",
                          NULL, "compute with logarithms: sums in place of products"},
    [DZ_WHY_CANCELLATION] =
        {"cancellation", "the gradients that come back to {3} by its several uses cancel", NULL,
         "this may be an extremum, as where a prediction is exact; what always cancels need not be computed"},
    [DZ_WHY_LARGE_SUM] =
        {"large sum",
         "the gradients that come back to {3} by its several uses add up to more than a double holds", NULL,
         "compute with logarithms, or scale"},
    [DZ_WHY_SMALL_SLOPE] = {"small slope", "{0}: the slope is only {1}", NULL,
                            "scale the variable; or this may be near an extremum"},
    [DZ_WHY_LARGE_SLOPE] = {"large slope", "{0}: the slope is {1}", NULL,
                            "keep the operand away from where the function is steep, or scale the variable"},
    [DZ_WHY_VANISHING] =
        {"vanishing",
         "{4} of the {5} factors on the largest path are below 1; the smallest, {1}, is that of "
         "{0}",
         NULL, "let the gradient pass by: x + f(x) in place of f(x); or scale each step"},
    [DZ_WHY_EXPLODING] =
        {"exploding",
         "{4} of the {5} factors on the largest path are above 1; the largest, {1}, is that of {0}",
         "none of the {5} factors on the largest path is above 1: many paths add up to this",
         "scale each step, or clip the gradient"},
    [DZ_WHY_INFINITE_SLOPE] = {"infinite slope", "{0}: the slope is {1}", NULL,
                               "keep the operand away from there: add a small number to it"},
    [DZ_WHY_NO_SLOPE] = {"no slope", "{0}: it has no slope here", NULL,
                         "treat this point apart, by where(…)"},
    [DZ_WHY_POLE] = {"pole", "{0}: the value is {6}, a pole", "{0}: the value is {6}, a pole",
                     "keep the operand away from the pole: add a small number to it"},
    [DZ_WHY_DOMAIN] = {"domain", "{0}: not a number",
                       "{0}: not a number; the operand lies outside the domain",
                       "look at the sign of the operand; or treat the point apart, by where(…)"},
    [DZ_WHY_INFINITIES] = {"infinities", "{0}: infinities that cancel or divide each other are not a number",
                           "{0}: infinities that cancel or divide each other are not a number",
                           "scale, or compute with logarithms, so that none arises"},
    [DZ_WHY_OVERFLOW] = {"overflow",
                         "{0}: the slope {1} times the gradient {2} that arrives is too large for a double",
                         "{0}: the value is too large for a double", "compute with logarithms, or scale"},
    [DZ_WHY_ZERO_TIMES_INFINITY] =
        {"0*inf",
         "{0}: its slope is {1}, and a gradient of {2} arrives: 0 times infinity "
         "is not a number",
         "{0}: 0 times infinity is not a number",
         "treat the point apart, by where(…): a branch that is not selected carries "
         "nothing"},
    [DZ_WHY_GIVEN] = {"given", "{0}: the number in it was given as {6}", "{0} was given as {6}",
                      "look at where the number comes from"},
};

/* The value; of a tensor an element that is not finite, a NaN first. */
static double telling_value(dz_var x) {
  double found = 0;
  if (dz_rank(x) == 0) return dz_value(x);
  for (size_t e = 0; e < dz_size(x); e++) {
    double v = dz__element_of(x, e);
    if (isnan(v)) return v;
    if (isinf(v) && found == 0) found = v;
  }
  return found;
}

static void write_number(double x, int digits, char out[32]) { dz_number_write(x, digits, out); }

static bool keep(dz__sheet *s, char *to, size_t room) {
  bool done = !s->failed;
  if (!done) return false;
  size_t n = s->n < room - 1 ? s->n : room - 1;
  while (n > 0 && n < s->n && ((unsigned char)s->text[n] & 0xC0u) == 0x80u) n--;
  if (n) memcpy(to, s->text, n);
  to[n] = 0;
  s->n = 0;
  return true;
}

bool dz__why_tell(dz__inquiry *q) {
  dz_why_report *r = q->r;
  const line *l = &lines[r->cause];
  char numbers[5][32];
  int digits = q->options->digits > 0 ? q->options->digits : 6;
  dz__sheet s = {.alloc = q->g.alloc,
                 .digits = digits,
                 .translate = q->options->translate,
                 .translate_user = q->options->translate_user};
  dz__sheet from = s;
  bool done = true;
  snprintf(r->code, sizeof r->code, "%s", l->code);
  if (r->node.tape) {
    put_operation(q, &s, r->node);
    put_operands(q, &s, r->node);
    done = keep(&s, r->what, sizeof r->what);
  }
  if (q->edge) dz__why_expression(&from, q->g.vertex[q->edge->from].node);
  write_number(r->partial, digits, numbers[0]);
  write_number(r->arriving, digits, numbers[1]);
  snprintf(numbers[2], sizeof numbers[2], "%zu", q->small);
  snprintf(numbers[3], sizeof numbers[3], "%zu", q->factors);
  bool number = r->cause == DZ_WHY_GIVEN && r->operand >= 0;
  write_number(telling_value(number ? dz_operand(r->node, r->operand) : r->node), digits, numbers[4]);
  const char *args[] = {r->what,    numbers[0], numbers[1], from.text ? from.text : "",
                        numbers[2], numbers[3], numbers[4]};
  dz__sheet_form(&s, l->of_value && r->operand < 0 ? l->of_value : l->message, args, 7);
  done = done && keep(&s, r->message, sizeof r->message);
  dz__why_rewrite(q, &s);
  if (s.n == 0 && l->advice) dz__sheet_say(&s, l->advice);
  done = done && keep(&s, r->suggestion, sizeof r->suggestion) && !from.failed;
  dz__sheet_free(&s);
  dz__sheet_free(&from);
  return done;
}
