/* conformance FILE.json...: the boundary rows as data, on the tape, in tensors and in derivative graphs.

   Each case is run with its inputs as they are. When it is made of scalars and pointwise operations only, it
   is run again with its inputs in tensors of shape [1], and of shape [3] between ordinary values. Every run
   checks the value, the gradient by the sweep, the gradient as nodes (dz_grad), and the second derivative, by
   the sweep over those nodes and by dz_grad of them; the first also forward mode. The format of the files:
   README.md beside this one. */
#include "dz/derive.h"
#include "dz/lang.h"
#include "dz/ops.h"
#include "dz/tangent.h"
#include "ops/boundary.h"
#include "plan/every.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, INPUTS = 8 };

typedef struct array {
  int rank;
  size_t dims[DZ_MAX_RANK], size;
  double v[MOST];
} array;

typedef enum road { PLAIN, ONE, LANES, ROADS } road;
static const char *const road_name[] = {"scalars", "tensors of shape [1]", "lanes"};
static const double lane[] = {.75, 0, 1.25}; /* the case goes in the middle */

typedef struct run {
  const cJSON *c;
  const char *file, *name;
  road road;
  dz_tape *t;
  dz_var y, seed, x[INPUTS], g[INPUTS]; /* x: active inputs, g: their gradients as nodes */
  const char *x_name[INPUTS];
  int n;
} run;

static int failures, checks;
static char cache[] = "/tmp/dz-conformance-XXXXXX"; /* for native code */
static bool covered[1024];

/* ---- reading ---- */

static _Noreturn void bad(const char *file, const char *name, const char *what) {
  fprintf(stderr, "%s: '%s': %s\n", file, name, what);
  exit(2);
}

static double number(const run *r, const cJSON *j) {
  const char *s = cJSON_GetStringValue(j);
  if (cJSON_IsNumber(j)) return j->valuedouble;
  if (s && strcmp(s, "nan") == 0) return NAN;
  if (s && strcmp(s, "inf") == 0) return INFINITY;
  if (s && strcmp(s, "-inf") == 0) return -INFINITY;
  bad(r->file, r->name, "neither a number nor \"nan\", \"inf\", \"-inf\"");
}

static void elements(const run *r, const cJSON *j, array *a) {
  const cJSON *k;
  if (cJSON_IsArray(j)) {
    cJSON_ArrayForEach(k, j) elements(r, k, a);
  } else {
    if (a->size == MOST) bad(r->file, r->name, "too many elements");
    a->v[a->size++] = number(r, j);
  }
}

static array array_of(const run *r, const cJSON *j) {
  array a = {0};
  for (const cJSON *k = j; cJSON_IsArray(k); k = k->child) a.dims[a.rank++] = (size_t)cJSON_GetArraySize(k);
  elements(r, j, &a);
  return a;
}

static bool listed(const cJSON *list, const char *word) {
  const cJSON *k;
  cJSON_ArrayForEach(k, list) if (strcmp(k->valuestring, word) == 0) return true;
  return false;
}

static double field(const run *r, const char *key, double otherwise) {
  const cJSON *j = cJSON_GetObjectItemCaseSensitive(r->c, key);
  return j ? number(r, j) : otherwise;
}

/* ---- judging ---- */

static void fail(const run *r, const char *what, const char *name, size_t i, double got, double want) {
  failures++;
  printf("%s: %s, as %s: %s %s[%zu] is %.17g, not %.17g\n", r->file, r->name, road_name[r->road], what, name,
         i, got, want);
}

static int64_t place(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits < 0 ? INT64_MIN - bits : bits;
}

/* 0, infinities and NaN are exact whatever the tolerance; the sign of a zero is not looked at. */
static bool near(double got, double want, double ulps) {
  if (isnan(want)) return isnan(got);
  if (want == 0 || isinf(want) || !isfinite(got)) return got == want;
  return got == want || fabs((double)place(got) - (double)place(want)) <= ulps;
}

/* Compares n elements; in lanes the one element of `want` with the middle. */
static void compare(const run *r, const char *what, const char *name, const double *got, size_t n,
                    const double *want, size_t n_want, double ulps) {
  checks++;
  if (!got || n != (r->road == LANES ? 3 * n_want : n_want)) {
    failures++;
    printf("%s: %s, as %s: %s %s has %zu elements, not %zu\n", r->file, r->name, road_name[r->road], what,
           name, got ? n : 0, n_want);
    return;
  }
  for (size_t i = 0; i < n_want; i++)
    if (!near(got[r->road == LANES ? 1 : i], want[i], ulps))
      fail(r, what, name, i, got[r->road == LANES ? 1 : i], want[i]);
}

/* ---- one run ---- */

static dz_var leaf(const run *r, const array *a, bool active) {
  dz_role role = active ? DZ_ROLE_INPUT : DZ_ROLE_DATA;
  const size_t one = 1, three = 3;
  const double lanes[] = {lane[0], a->v[0], lane[2]};
  if (r->road == ONE) return dz_leaf_tensor(r->t, role, 1, &one, a->v);
  if (r->road == LANES) return dz_leaf_tensor(r->t, role, 1, &three, lanes);
  return a->rank ? dz_leaf_tensor(r->t, role, a->rank, a->dims, a->v) : dz_leaf(r->t, role, a->v[0]);
}

static void bind(run *r) {
  const cJSON *in, *constants = cJSON_GetObjectItemCaseSensitive(r->c, "constants");
  cJSON_ArrayForEach(in, cJSON_GetObjectItemCaseSensitive(r->c, "inputs")) {
    array a = array_of(r, in);
    bool active = !listed(constants, in->string);
    dz_var x = leaf(r, &a, active);
    if (r->n == INPUTS || dz_set_name(x, in->string)) bad(r->file, r->name, "an input that cannot be bound");
    if (!active) continue;
    r->x[r->n] = x;
    r->x_name[r->n++] = in->string;
  }
}

/* The seed that picks element e of a tensor like `like` (SIZE_MAX: all of them); in lanes the middle one. */
static dz_var pick(const run *r, dz_var like, size_t e) {
  double v[MOST];
  size_t dims[DZ_MAX_RANK], n = dz_size(like);
  int rank = dz_rank(like);
  for (int k = 0; k < rank; k++) dims[k] = dz_extent(like, k);
  for (size_t i = 0; i < n; i++) v[i] = e == SIZE_MAX || i == (r->road == LANES ? 1 : e);
  return rank ? dz_leaf_tensor(r->t, DZ_ROLE_DATA, rank, dims, v) : dz_num(1);
}

static void check_gradients(run *r, double ulps) {
  const cJSON *gradient = cJSON_GetObjectItemCaseSensitive(r->c, "gradient");
  if (cJSON_GetArraySize(gradient) != r->n) bad(r->file, r->name, "a gradient for each active input");
  dz_status swept = dz_backward_with(r->y, r->seed);
  for (int k = 0; k < r->n; k++) {
    array want = array_of(r, cJSON_GetObjectItemCaseSensitive(gradient, r->x_name[k]));
    compare(r, "the sweep's gradient", r->x_name[k], swept ? NULL : dz_adjoints(r->x[k]), dz_size(r->x[k]),
            want.v, want.size, ulps);
  }
  dz_grad_with(r->y, r->seed, r->n, r->x, r->g);
  for (int k = 0; k < r->n; k++) {
    array want = array_of(r, cJSON_GetObjectItemCaseSensitive(gradient, r->x_name[k]));
    compare(r, "the graph's gradient", r->x_name[k], dz_values(r->g[k]), dz_size(r->g[k]), want.v, want.size,
            ulps);
  }
}

/* Along one element of an input at a time. */
static void check_tangents(run *r, double ulps) {
  const cJSON *gradient = cJSON_GetObjectItemCaseSensitive(r->c, "gradient");
  for (int k = 0; k < r->n; k++) {
    array want = array_of(r, cJSON_GetObjectItemCaseSensitive(gradient, r->x_name[k]));
    for (size_t e = 0; e < want.size; e++) {
      double along[MOST] = {0}, out;
      along[e] = 1;
      dz_status status = dz_tangent(r->y, 1, &r->x[k], along, &out);
      compare(r, "the tangent along", r->x_name[k], status ? NULL : &out, 1, &want.v[e], 1, ulps);
    }
  }
}

static int input_of(const run *r, const char *name, size_t size) {
  for (int k = 0; k < r->n; k++)
    if (strlen(r->x_name[k]) == size && memcmp(r->x_name[k], name, size) == 0) return k;
  bad(r->file, r->name, "a second derivative by what is no active input");
}

static void check_second(run *r, const cJSON *want_json, double ulps) {
  const char *name = want_json->string, *comma = strchr(name, ',');
  if (!comma) bad(r->file, r->name, "a second derivative is named \"x,y\"");
  int i = input_of(r, name, (size_t)(comma - name)), j = input_of(r, comma + 1, strlen(comma + 1));
  array want = array_of(r, want_json);
  size_t rows = r->road == LANES ? 1 : dz_size(r->g[i]), columns = rows ? want.size / rows : 0;
  for (size_t e = 0; e < rows; e++) {
    dz_var seed = pick(r, r->g[i], e), h;
    if (dz_is_active(r->g[i]) && dz_node_index(r->g[i]) > dz_node_index(r->x[j])) {
      dz_status swept = dz_backward_with(r->g[i], seed);
      compare(r, "the sweep's second derivative", name, swept ? NULL : dz_adjoints(r->x[j]), dz_size(r->x[j]),
              want.v + e * columns, columns, ulps);
    }
    dz_status graph = dz_grad_with(r->g[i], seed, 1, &r->x[j], &h);
    compare(r, "the graph's second derivative", name, graph ? NULL : dz_values(h), dz_size(h),
            want.v + e * columns, columns, ulps);
  }
}

/* The kinds of notes are those that the case lists, no more and no fewer. In lanes the neighbours may have
 * their own. */
static void check_notes(const run *r) {
  const cJSON *k, *want = cJSON_GetObjectItemCaseSensitive(r->c, "notes");
  if (r->road == LANES) return;
  checks++;
  for (size_t i = 0; i < dz_note_count(r->t); i++)
    if (!listed(want, dz_note_at(r->t, i)->kind)) {
      failures++;
      printf("%s: %s, as %s: a note of kind '%s': %s\n", r->file, r->name, road_name[r->road],
             dz_note_at(r->t, i)->kind, dz_note_at(r->t, i)->message);
    }
  cJSON_ArrayForEach(k, want) {
    bool found = false;
    for (size_t i = 0; i < dz_note_count(r->t); i++)
      found |= strcmp(dz_note_at(r->t, i)->kind, k->valuestring) == 0;
    if (found) continue;
    failures++;
    printf("%s: %s, as %s: no note of kind '%s'\n", r->file, r->name, road_name[r->road], k->valuestring);
  }
}

/* ---- plans ---- */

typedef struct planned {
  const run *r;
  double ulps;
} planned;

static void check_plan(void *user, const char *way, const double *values, const double *gradient) {
  const planned *p = user;
  const run *r = p->r;
  array value = array_of(r, cJSON_GetObjectItemCaseSensitive(r->c, "value"));
  compare(r, way, "value", values, dz_size(r->y), value.v, value.size, p->ulps);
  for (int k = 0; k < r->n; gradient += dz_size(r->x[k++])) {
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(r->c, "gradient");
    array want = array_of(r, cJSON_GetObjectItemCaseSensitive(all, r->x_name[k]));
    compare(r, way, r->x_name[k], gradient, dz_size(r->x[k]), want.v, want.size, p->ulps);
  }
}

/* Every tenth case, or with DZ_LONG=1 all, also as native code. */
static void check_plans(const run *r, double ulps) {
  planned p = {r, ulps};
  double seeds[MOST];
  dz_error e;
  bool native = cache[0] && r->road == PLAIN && (getenv("DZ_LONG") || checks % 10 == 0);
  for (size_t i = 0; i < dz_size(r->y); i++) seeds[i] = r->road != LANES || i == 1;
  dz_status status = every_plan(r->y, r->n, r->x, r->road == LANES ? seeds : NULL, native ? cache : NULL,
                                check_plan, &p, &e);
  checks++;
  if (!status || strstr(e.message, "plans cannot do 'solve'")) return;
  failures++;
  printf("%s: %s, as %s: no plan: %s\n", r->file, r->name, road_name[r->road], e.message);
}

/* ---- which rows of the table the cases reach ---- */

static double operand(dz_var x, int k) {
  dz_var v = dz_operand(x, k);
  return dz_is_number(v) ? dz__number(v) : dz_value(v);
}

/* True when the node is a scalar of a leaf or a pointwise operation. */
static bool cover(dz_var x) {
  dz_node d = dz_describe(x);
  if (d.role != DZ_ROLE_NONE) return dz_rank(x) == 0;
  dz_op_info op = dz_op_at(dz_op_find(d.op));
  if (!op.value || dz_rank(x) > 0) return false;
  double v[3] = {0, 0, 0};
  for (int k = 0; k < d.nargs; k++) v[k] = operand(x, k);
  for (size_t i = 0; i < dz__boundary_total; i++) {
    const dz__boundary *b = &dz__boundaries[i];
    if (b->at && strcmp(b->op, d.op) == 0) covered[i] |= b->at(v[0], v[1], v[2]);
  }
  return true;
}

static bool has_op(const run *r, const char *op) {
  for (size_t i = 0; i < dz_tape_size(r->t); i++)
    if (strcmp(dz_describe(dz_node_at(r->t, i)).op, op) == 0) return true;
  return false;
}

/* Rows about tensors and functions are in words, "norm: all are 0", and the case says which it is for. */
static void cover_points(const run *r, bool error) {
  const cJSON *k;
  char text[256];
  cJSON_ArrayForEach(k, cJSON_GetObjectItemCaseSensitive(r->c, "points")) {
    bool found = false;
    for (size_t i = 0; i < dz__boundary_total; i++) {
      const dz__boundary *b = &dz__boundaries[i];
      snprintf(text, sizeof text, "%s: %s", b->op, b->point);
      if (b->at || strcmp(text, k->valuestring) != 0) continue;
      const char *expression = cJSON_GetObjectItemCaseSensitive(r->c, "expression")->valuestring;
      bool used = b->fn == DZ__F_END ? strstr(expression, b->op) != NULL : error || has_op(r, b->op);
      covered[i] |= used;
      found |= used;
    }
    if (!found) bad(r->file, r->name, "'points' names no row of boundaries.def that the case uses");
  }
}

static bool all_scalars(const run *r) {
  bool scalars = true;
  for (size_t i = 0; i < dz_tape_size(r->t); i++) scalars &= cover(dz_node_at(r->t, i));
  return scalars;
}

/* ---- cases ---- */

/* Returns whether the case can also be run in tensors. */
static bool run_case(const char *file, const cJSON *c, road way) {
  run r = {.c = c, .file = file, .road = way, .t = dz_tape_new(NULL)};
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(c, "name"), *second,
              *text = cJSON_GetObjectItemCaseSensitive(c, "expression");
  r.name = cJSON_IsString(name) ? name->valuestring : "?";
  if (!r.t || !cJSON_IsString(text)) bad(file, r.name, "no expression");
  bind(&r);
  r.y = dz_expr(r.t, text->valuestring);
  bool error = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "error")), scalars = false;
  if (way == PLAIN) cover_points(&r, error);
  checks++;
  if (error != !dz_valid(r.y)) {
    failures++;
    printf("%s: %s: %s\n", file, r.name, error ? "should be an error" : dz_tape_error(r.t)->message);
  }
  if (!error && dz_valid(r.y)) {
    scalars = way == PLAIN && all_scalars(&r);
    double ulps = field(&r, "ulps", 0);
    array want = array_of(&r, cJSON_GetObjectItemCaseSensitive(c, "value"));
    compare(&r, "the value", "", dz_values(r.y), dz_size(r.y), want.v, want.size, ulps);
    r.seed = pick(&r, r.y, SIZE_MAX);
    if (dz_is_active(r.y)) {
      if (dz_backward_with(r.y, r.seed) == DZ_OK) dz_diagnose(r.y);
      check_notes(&r);
    }
    check_gradients(&r, ulps);
    if (way == PLAIN) check_tangents(&r, ulps);
    if (!dz_is_number(r.y)) check_plans(&r, ulps);
    cJSON_ArrayForEach(second, cJSON_GetObjectItemCaseSensitive(c, "second"))
        check_second(&r, second, field(&r, "second_ulps", 0));
  }
  dz_tape_free(r.t);
  return scalars;
}

static cJSON *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  char *text = NULL;
  size_t size = 0, cap = 0;
  if (!f) bad(path, "", "cannot be opened");
  do {
    if (cap - size < 65536) text = realloc(text, cap += 65536 + cap);
    if (!text) bad(path, "", "out of memory");
    size += fread(text + size, 1, cap - size - 1, f);
  } while (!feof(f) && !ferror(f));
  fclose(f);
  text[size] = 0;
  cJSON *j = cJSON_Parse(text);
  free(text);
  if (!j) bad(path, "", "is no JSON");
  return j;
}

int main(int argc, char **argv) {
  int cases = 0, in_tensors = 0, missing = 0;
  if (!mkdtemp(cache)) cache[0] = 0;
  for (int i = 1; i < argc; i++) {
    cJSON *j = read_file(argv[i]);
    const cJSON *c;
    const char *file = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(j, "cases")) {
      cases++;
      if (!run_case(file, c, PLAIN)) continue;
      in_tensors++;
      run_case(file, c, ONE);
      run_case(file, c, LANES);
    }
    cJSON_Delete(j);
  }
  for (size_t i = 1; i < dz__boundary_total; i++)
    if (dz__boundaries[i].fn < dz__boundaries[i - 1].fn) {
      failures++;
      printf("boundaries.def: %s is out of order\n", dz__boundaries[i].op);
    }
  for (size_t i = 0; i < dz__boundary_total; i++)
    if (!covered[i]) {
      missing++;
      printf("boundaries.def: no case for %s: %s\n", dz__boundaries[i].op, dz__boundaries[i].point);
    }
  char clean[64];
  snprintf(clean, sizeof clean, "rm -rf '%s'", cache);
  if (cache[0] && system(clean)) failures++;
  printf("%d cases, %d of them also in tensors, %d checks, %d failed; %zu rows, %d without a case\n", cases,
         in_tensors, checks, failures, dz__boundary_total, missing);
  return cases == 0 || failures || missing;
}
