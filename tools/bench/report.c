/* What was measured: tables for people, or one line of JSON. */
#include "measure.h"

#include "dz/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

enum { LABEL = 26 };

void bench_cell(int width, double value, int digits) {
  char text[32] = "-";
  if (value == value) dz_number_write(value, digits, text);
  printf("%*s", width, text);
}

static void whole(int width, size_t value) { printf("%*zu", width, value); }

static void head(const char *first, int width, const char *const *titles) {
  printf("\n%-*s", LABEL, first);
  for (; *titles; titles++) printf("%*s", width, *titles);
  printf("\n");
}

static void label(const bench_result *r) { printf("%s %-*s", r->w->name, LABEL - 3, r->w->what); }

static bool ran(const bench_result *r) { return !r->skipped[0] && !r->failed[0]; }

static void times(const bench_result *r, int count) {
  static const char *const titles[] = {"plain",  "hand",    "record", "reverse", "dz",
                                       "ADOL-C", "cold dz", "ADOL-C", NULL};
  head("ms, medians", 10, titles);
  for (int i = 0; i < count; i++, r++) {
    const double seconds[] = {r->plain, r->hand,  r->record, r->reverse,
                              r->total, r->adolc, r->cold,   r->cold_adolc};
    if (!ran(r)) continue;
    label(r);
    for (size_t k = 0; k < sizeof seconds / sizeof *seconds; k++) bench_cell(10, 1e3 * seconds[k], 3);
    printf("\n");
  }
}

static void ratios(const bench_result *r, int count) {
  static const char *const titles[] = {"dz/ADOL-C", "target", "dz/plain", "dz/hand", "hand/plain", NULL};
  head("ratios", 12, titles);
  for (int i = 0; i < count; i++, r++) {
    if (!ran(r)) continue;
    double share = r->total / r->adolc, target = r->w->target;
    label(r);
    bench_cell(12, share, 3);
    bench_cell(12, target > 0 ? target : NAN, 3);
    bench_cell(12, r->total / r->plain, 3);
    bench_cell(12, r->total / r->hand, 3);
    bench_cell(12, r->hand / r->plain, 3);
    printf("%s\n", target > 0 && share > target ? "  over the target" : "");
  }
}

static void memory(const bench_result *r, int count) {
  static const char *const titles[] = {"operations",  "expected",   "bytes/op",
                                       "warm allocs", "difference", NULL};
  head("what dz recorded", 12, titles);
  for (int i = 0; i < count; i++, r++) {
    if (!ran(r)) continue;
    label(r);
    whole(12, r->ops);
    whole(12, r->w->ops);
    bench_cell(12, r->bytes_per_op, 3);
    whole(12, r->allocations);
    bench_cell(12, r->difference, 2);
    printf("%s\n", r->ops == r->w->ops ? "" : "  not the expected count");
  }
}

static void chain_table(const bench_chain *c) {
  printf("\nchain on a stack of %d KiB, recorded, swept, freed\n", CHAIN_STACK / 1024);
  if (c->failed) {
    printf("  failed: %s\n", c->failed);
    return;
  }
  for (int k = 0; k < CHAIN_LENGTHS; k++) {
    whole(12, c->ops[k]);
    printf(" operations");
    bench_cell(10, 1e3 * c->seconds[k], 3);
    printf(" ms");
    bench_cell(8, 1e9 * c->seconds[k] / (double)c->ops[k], 3);
    printf(" ns each\n");
  }
}

static void tables(const bench_result *r, int count, const bench_chain *c, const bench_options *o) {
  if (count) {
    printf(
        "Record and reverse, warm; %d rounds. plain: no derivative; hand: adjoint C; cold: a first call.\n",
        o->rounds);
    printf("difference: of gradients, relative, the largest to the hand-written one.\n");
    times(r, count);
    ratios(r, count);
    memory(r, count);
  }
  for (int i = 0; i < count; i++) {
    if (r[i].skipped[0]) printf("\n%s was skipped: %s\n", r[i].w->name, r[i].skipped);
    if (r[i].failed[0]) printf("\n%s FAILED: %s\n", r[i].w->name, r[i].failed);
  }
  if (c) chain_table(c);
}

/* ---- the README's table ---- */

void bench_markdown_cell(double value, int digits) {
  char text[32] = "";
  if (value == value) dz_number_write(value, digits, text);
  printf(" %s |", text);
}

static void markdown(const bench_result *r, int count) {
  printf("| gradient, ms | operations | plain value | dz: record | reverse | both | ADOL-C | dz / ADOL-C | "
         "bytes an "
         "operation |\n|---|---|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < count; i++, r++) {
    const double seconds[] = {r->plain, r->record, r->reverse, r->total, r->adolc};
    if (!ran(r)) continue;
    printf("| %s %s | %zu |", r->w->name, r->w->what, r->ops);
    for (size_t k = 0; k < sizeof seconds / sizeof *seconds; k++) bench_markdown_cell(1e3 * seconds[k], 3);
    bench_markdown_cell(r->total / r->adolc, 2);
    bench_markdown_cell(r->bytes_per_op, 3);
    printf("\n");
  }
}

/* ---- JSON ---- */

void bench_json_put(cJSON *object, const char *key, double value) {
  char text[32];
  if (value != value) return;
  dz_number_write(value, 6, text);
  if (isinf(value))
    cJSON_AddStringToObject(object, key, text);
  else
    cJSON_AddRawToObject(object, key, text);
}

static cJSON *workload_json(const bench_result *r) {
  cJSON *o = cJSON_CreateObject();
  cJSON_AddStringToObject(o, "name", r->w->name);
  if (r->skipped[0]) cJSON_AddStringToObject(o, "skipped", r->skipped);
  if (r->failed[0]) cJSON_AddStringToObject(o, "failed", r->failed);
  if (!ran(r)) return o;
  bench_json_put(o, "expected_operations", (double)r->w->ops);
  bench_json_put(o, "operations", (double)r->ops);
  bench_json_put(o, "plain_ms", 1e3 * r->plain);
  bench_json_put(o, "hand_ms", 1e3 * r->hand);
  bench_json_put(o, "record_ms", 1e3 * r->record);
  bench_json_put(o, "reverse_ms", 1e3 * r->reverse);
  bench_json_put(o, "dz_ms", 1e3 * r->total);
  bench_json_put(o, "adolc_ms", 1e3 * r->adolc);
  bench_json_put(o, "cold_ms", 1e3 * r->cold);
  bench_json_put(o, "cold_adolc_ms", 1e3 * r->cold_adolc);
  bench_json_put(o, "dz_adolc", r->total / r->adolc);
  if (r->w->target > 0) bench_json_put(o, "target", r->w->target);
  bench_json_put(o, "dz_plain", r->total / r->plain);
  bench_json_put(o, "dz_hand", r->total / r->hand);
  bench_json_put(o, "bytes_per_operation", r->bytes_per_op);
  bench_json_put(o, "warm_allocations", (double)r->allocations);
  bench_json_put(o, "difference", r->difference);
  return o;
}

static cJSON *chain_json(const bench_chain *c) {
  cJSON *list = cJSON_CreateArray();
  for (int k = 0; k < CHAIN_LENGTHS && !c->failed; k++) {
    cJSON *o = cJSON_CreateObject();
    bench_json_put(o, "operations", (double)c->ops[k]);
    bench_json_put(o, "ms", 1e3 * c->seconds[k]);
    bench_json_put(o, "ns_per_operation", 1e9 * c->seconds[k] / (double)c->ops[k]);
    cJSON_AddItemToArray(list, o);
  }
  return list;
}

void bench_json_print(cJSON *json) {
  char *text = cJSON_PrintUnformatted(json);
  if (text) puts(text);
  cJSON_free(text);
}

static void json(const bench_result *r, int count, const bench_chain *c, const bench_options *o) {
  cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "workloads");
  bench_json_put(root, "rounds", o->rounds);
  for (int i = 0; i < count; i++) cJSON_AddItemToArray(list, workload_json(&r[i]));
  if (c) cJSON_AddItemToObject(root, "chain", chain_json(c));
  if (c && c->failed) cJSON_AddStringToObject(root, "chain_failed", c->failed);
  bench_json_print(root);
  cJSON_Delete(root);
}

void bench_report(const bench_result *r, int count, const bench_chain *c, const bench_options *o) {
  if (o->json)
    json(r, count, c, o);
  else if (o->readme)
    markdown(r, count);
  else
    tables(r, count, c, o);
}
