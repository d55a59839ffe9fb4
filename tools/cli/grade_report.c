/* What a grading says. */
#ifdef HAVE_MPFR
#include "buffer.h"
#include "dz/text.h"
#include "grading.h"
#include "json.h"
#include "speech.h"

#include <math.h>
#include <string.h>

enum { SHORT = 6 }; /* digits that tell points apart */

static const char *const keys[] = {"equal", "equal to rounding", "loses accuracy", "wrong"};

static char (*number_texts(const double *v, size_t n, int digits, char (*out)[32]))[32] {
  for (size_t i = 0; i < n; i++) dz_number_write(v[i], digits, out[i]);
  return out;
}

/* "  double  worst 4e15 ULP at x = 50: 0, and it is 1.9e-22" */
static void add_side(buffer *b, const grading *g, const char *label, const grade_side *s, int digits) {
  char n[4][32];
  number_texts((double[]){s->worst < 0x1p-20 ? 0 : s->worst}, 1, 3,
               n); /* less is the reference's own error */
  number_texts((double[]){s->at}, 1, digits > 0 ? digits : SHORT, n + 1);
  number_texts((double[]){s->got, s->truth}, 2, digits, n + 2);
  const char *args[] = {n[0], g->wrt, n[1], n[2], n[3]};
  buffer_text(b, "  ");
  buffer_text(b, speech(label, NULL));
  buffer_text(b, "  ");
  speech_form(b, "worst {0} ULP at {1} = {2}: gives {3}, right is {4}", args, 5);
  buffer_text(b, "\n");
}

/* "loses accuracy from x >= 3.1, all of it from x >= 37.1" */
static void add_loss(buffer *b, const grading *g, const grade_side *s) {
  char n[4][32];
  number_texts((double[]){s->from, s->to, s->all_from, s->all_to}, 4, 4, n);
  const char *args[] = {g->wrt, n[0], n[1], n[2], n[3]};
  size_t said = 0;
  if (s->from <= s->to) { /* from each end on to the other */
    buffer_text(b, speech("over the whole range", NULL));
    return;
  }
  if (!isnan(s->from)) {
    speech_form(b, "from {0} ≥ {1}", args, 5), said++;
    if (!isnan(s->all_from)) speech_form(b, " (all of it from {0} ≥ {3})", args, 5);
  }
  if (!isnan(s->to)) {
    if (said++ > 0) buffer_text(b, speech(" and ", NULL));
    speech_form(b, "from {0} ≤ {2} down", args, 5);
    if (!isnan(s->all_to)) speech_form(b, " (all of it from {0} ≤ {4} down)", args, 5);
  }
  if (s->inside || said == 0) {
    number_texts((double[]){s->at}, 1, 4, n);
    if (said > 0) buffer_text(b, speech(" and ", NULL));
    speech_form(b, said > 0 ? "at points in between" : "near {0} = {1}", args, 5);
  }
}

static void add_verdict(buffer *b, const grading *g, int digits) {
  grade_verdict v = grade_verdict_of(g);
  char n[3][32];
  number_texts((double[]){g->wrong_at}, 1, digits > 0 ? digits : SHORT, n);
  number_texts((double[]){g->wrong_claim, g->wrong_truth}, 2, digits, n + 1);
  const char *args[] = {g->wrt, n[0], n[1], n[2]};
  if (v == GRADE_WRONG) {
    speech_form(b, "wrong, e.g. at {0} = {1}: the claim is {2}, the derivative {3}", args, 4);
  } else if (v == GRADE_EQUAL) {
    buffer_text(b, speech("equal", NULL));
  } else if (v == GRADE_ROUNDING) {
    buffer_text(b, speech("equal to rounding", NULL));
  } else {
    buffer_text(b, speech("right as algebra; in double it loses accuracy ", NULL));
    add_loss(b, g, &g->in_double);
  }
  buffer_text(b, "\n");
  if (v != GRADE_WRONG && g->in_float.worst > g->allowed) {
    buffer_text(b, speech("in float it loses accuracy ", NULL));
    add_loss(b, g, &g->in_float);
    buffer_text(b, "\n");
  }
}

static void add_count(buffer *b, size_t n, const char *english) {
  buffer one = {0};
  if (n == 0) return;
  buffer_whole(&one, n);
  buffer_add(&one, "", 1);
  const char *args[] = {one.text};
  buffer_text(b, "  ");
  speech_form(b, english, args, 1);
  buffer_text(b, "\n");
  buffer_free(&one);
}

void grade_text(const grading *g, int digits) {
  buffer b = {0}, points = {0};
  char n[3][32];
  number_texts((double[]){g->range.low, g->range.high, g->allowed}, 3, 0, n);
  buffer_whole(&points, g->points);
  buffer_add(&points, "", 1);
  const char *args[] = {model_name(&g->f), g->wrt, n[0], n[1], points.text, n[2]};
  speech_form(&b, "d{0}/d{1} for {1} from {2} to {3}, {4} points; rounding may cost {5} ULP", args, 6);
  buffer_text(&b, "\n");
  add_side(&b, g, "dz     in double", &g->graph, digits);
  add_side(&b, g, "claim  in double", &g->in_double, digits);
  add_side(&b, g, "claim  in float ", &g->in_float, digits);
  add_count(&b, g->kinks, "left out: {0} at a kink or an edge of the domain");
  add_count(&b, g->outside, "left out: {0} outside the domain");
  add_count(&b, g->unknown, "left out: {0} where no reference was found");
  add_verdict(&b, g, digits);
  output(&b);
  buffer_free(&points);
  buffer_free(&b);
}

static cJSON *side_json(const grade_side *s) {
  const double v[] = {s->worst, s->at, s->got, s->truth, s->from, s->all_from, s->to, s->all_to};
  static const char *const names[] = {"worst_ulp", "at",       "claim", "derivative",
                                      "from",      "all_from", "to",    "all_to"};
  cJSON *object = json_object();
  for (size_t i = 0; i < sizeof v / sizeof *v; i++)
    json_put(object, names[i], i >= 4 && isnan(v[i]) ? json_text(NULL) : json_number(v[i]));
  return object;
}

void grade_json(const grading *g) {
  cJSON *object = json_object(), *example = json_object();
  json_put(object, "verdict", json_text(keys[grade_verdict_of(g)]));
  json_put(object, "wrt", json_text(g->wrt));
  json_put(object, "points", json_whole(g->points));
  json_put(object, "kinks", json_whole(g->kinks));
  json_put(object, "outside", json_whole(g->outside));
  json_put(object, "unknown", json_whole(g->unknown));
  json_put(object, "allowed_ulp", json_number(g->allowed));
  json_put(example, "at", json_number(g->wrong_at));
  json_put(example, "claim", json_number(g->wrong_claim));
  json_put(example, "derivative", json_number(g->wrong_truth));
  if (!g->wrong) cJSON_Delete(example);
  json_put(object, "wrong", g->wrong ? example : json_text(NULL));
  json_put(object, "graph", side_json(&g->graph));
  json_put(object, "double", side_json(&g->in_double));
  json_put(object, "float", side_json(&g->in_float));
  json_print(object);
}
#else
#include "buffer.h" /* ISO C wants something in a file */
#endif
