/* What was measured: a table for people, one line of JSON, or Markdown for the README. */
#include "accuracy.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *quantity(int k) {
  return k == VALUE ? "value" : k == 0 ? "to x" : k == 1 ? "to y" : "to w";
}

/* The quantities of a row: its value, then its slopes. -1 after the last. */
static int nth(const result *r, int i) { return i == 0 ? VALUE : i <= r->arity ? i - 1 : -1; }

static const char *number(double x, int digits, char text[32]) {
  dz_number_write(x, digits, text);
  return text;
}

/* ---- sums over rows ---- */

typedef enum share_of { ALL_SLOPES, SMOOTH_UNARY } share_of;

static tally added(const result *r, size_t count, share_of which) {
  tally sum = {.points = 0};
  for (size_t i = 0; i < count; i++, r++)
    for (int k = 0; k < r->arity; k++) {
      if (which == SMOOTH_UNARY && (r->arity != 1 || r->r->slope)) continue;
      sum.points += r->of[k].points;
      sum.over += r->of[k].over;
      if (r->of[k].worst > sum.worst) sum.worst = r->of[k].worst;
    }
  return sum;
}

static double percent(const tally *t) { return t->points ? 100 * (double)t->over / (double)t->points : 0; }

/* Each note once, behind the names of the rows that share it, which are neighbours. */
static void notes(const result *r, size_t count, const char *quote) {
  for (size_t i = 0; i < count; i++) {
    const char *note = r[i].r->note;
    if (!note) continue;
    printf("%s%s%s%s", i > 0 && r[i - 1].r->note == note ? ", " : "\n", quote, r[i].r->name, quote);
    if (i + 1 == count || r[i + 1].r->note != note) printf(": %s\n", note);
  }
}

/* ---- for people ---- */

static void line(const result *r, int k) {
  const tally *t = &r->of[k];
  char text[32];
  printf("%-12s%-6s%8zu", r->r->name, quantity(k), t->points);
  printf(" %8s", number(t->worst, t->worst < 10 ? 3 : 4, text));
  printf("%9s%8zu ", number(allowed_for(r->r), 3, text), t->over);
  for (int j = 0; j < r->arity && t->worst > 0; j++) printf(" %s", number(t->at[j], 0, text));
  if (!(t->worst <= allowed_for(r->r))) printf("  TOO MUCH");
  if (t->unknown) printf("  NO REFERENCE at %zu points", t->unknown);
  printf("\n");
}

static void table(const result *r, size_t count) {
  const tally all = added(r, count, ALL_SLOPES), smooth = added(r, count, SMOOTH_UNARY);
  char text[32];
  printf("%-12s%-6s%8s%9s%9s%8s  %s\n", "operation", "of", "points", "worst", "allowed", "over 4",
         "where the worst is");
  for (size_t i = 0; i < count; i++) {
    if (r[i].failed[0]) printf("%-12s FAILED: %s\n", r[i].r->name, r[i].failed);
    for (int j = 0, k; !r[i].failed[0] && (k = nth(&r[i], j)) >= 0; j++) line(&r[i], k);
  }
  printf("\nSlopes off by more than 4 ULP: %s %% of %zu", number(percent(&all), 2, text), all.points);
  printf("; of smooth functions of one operand %s %% of %zu.\n", number(percent(&smooth), 2, text),
         smooth.points);
  notes(r, count, "");
}

/* ---- JSON ---- */

static void put(cJSON *object, const char *key, double value) {
  char text[32];
  number(value, 0, text);
  if (isfinite(value))
    cJSON_AddRawToObject(object, key, text);
  else
    cJSON_AddStringToObject(object, key, text);
}

static cJSON *tally_json(const result *r, int k) {
  const tally *t = &r->of[k];
  cJSON *o = cJSON_CreateObject(), *at = cJSON_CreateArray();
  cJSON_AddStringToObject(o, "of", k == VALUE ? "value" : quantity(k) + strlen("to "));
  put(o, "points", (double)t->points);
  put(o, "worst_ulp", t->worst);
  put(o, "allowed_ulp", allowed_for(r->r));
  put(o, "over_4_ulp", (double)t->over);
  put(o, "without_reference", (double)t->unknown);
  for (int j = 0; j < r->arity; j++) {
    char text[32];
    cJSON_AddItemToArray(at, cJSON_CreateRaw(number(t->at[j], 0, text)));
  }
  cJSON_AddItemToObject(o, "at", at);
  return o;
}

static void json(const result *r, size_t count) {
  const tally all = added(r, count, ALL_SLOPES), smooth = added(r, count, SMOOTH_UNARY);
  cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "operations");
  bool good = true;
  for (size_t i = 0; i < count; i++) {
    cJSON *o = cJSON_CreateObject(), *of = cJSON_CreateArray();
    cJSON_AddStringToObject(o, "name", r[i].r->name);
    if (r[i].failed[0]) cJSON_AddStringToObject(o, "failed", r[i].failed);
    for (int j = 0, k; (k = nth(&r[i], j)) >= 0; j++) cJSON_AddItemToArray(of, tally_json(&r[i], k));
    cJSON_AddItemToObject(o, "quantities", of);
    if (r[i].r->note) cJSON_AddStringToObject(o, "note", r[i].r->note);
    cJSON_AddItemToArray(list, o);
    good = good && holds(&r[i]);
  }
  put(root, "slopes_over_4_ulp_percent", percent(&all));
  put(root, "smooth_unary_slopes_over_4_ulp_percent", percent(&smooth));
  cJSON_AddBoolToObject(root, "within_bounds", good);
  char *text = cJSON_PrintUnformatted(root);
  if (text) puts(text);
  cJSON_free(text);
  cJSON_Delete(root);
}

/* ---- Markdown ---- */

static bool exact(const result *r) {
  for (int k = 0; k <= VALUE; k++)
    if (r->of[k].worst > 0) return false;
  return true;
}

static void readme_row(const result *r) {
  char text[32];
  printf("| `%s` |", r->r->name);
  for (int i = 0; i <= OPERANDS; i++) {
    const int k = nth(r, i);
    if (i > 2) continue; /* all with three operands are exact */
    printf(" %s |", k < 0 ? "" : number(r->of[k].worst, r->of[k].worst < 1 ? 2 : 3, text));
  }
  printf("\n");
}

static void readme(const result *r, size_t count) {
  /* Measured on 28 functions of one operand, 500 points each, against 50 digits. */
  static const struct {
    const char *name, *share;
  } peers[] = {{"CoDiPack", "11.1"},
               {"CppAD", "13.5"},
               {"HIPS autograd", "11.9"},
               {"PyTorch", "15.0"},
               {"Stan Math", "10.4"}};
  const tally smooth = added(r, count, SMOOTH_UNARY);
  char text[32];
  size_t functions = 0;
  for (size_t i = 0; i < count; i++) functions += r[i].arity == 1 && !r[i].r->slope;
  printf("| engine | slopes off by more than 4 ULP |\n|---|---|\n");
  printf("| **dz** (%zu functions of one operand, ", functions);
  printf("%zu points each) | **%s %%** |\n", functions ? smooth.points / functions : 0,
         number(percent(&smooth), 2, text));
  for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
    printf("| %s (28 functions, 500 points each) | %s %% |\n", peers[i].name, peers[i].share);
  printf("\n| operation | value | slope to x | slope to y |\n|---|---|---|---|\n");
  for (size_t i = 0; i < count; i++)
    if (!exact(&r[i])) readme_row(&r[i]);
  printf("\nWorst errors found, in ULP. Without any:");
  for (size_t i = 0; i < count; i++)
    if (exact(&r[i])) printf(" `%s`", r[i].r->name);
  printf(".\n");
  notes(r, count, "`");
}

void report(const result *r, size_t count, style s) {
  if (s == TABLE) table(r, count);
  if (s == JSON) json(r, count);
  if (s == README) readme(r, count);
}
