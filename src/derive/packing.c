/* A colouring as an object: which elements each product gives, and from where. */
#include "derive/coloring.h"

#include <string.h>

/* ---- room ---- */

static size_t elements_of(const dz_coloring *c) { return c->pattern->starts[c->pattern->shown.rows]; }

static bool make_colors(dz_coloring *c) {
  size_t rows = c->pattern->shown.rows, columns = c->pattern->shown.columns;
  c->color = dz__alloc(&c->alloc, ((rows > columns ? rows : columns) + 1) * sizeof *c->color);
  return c->color != NULL;
}

/* Once kind, products and colours are known. */
static bool make_parts(dz_coloring *c) {
  const dz_allocator *a = &c->alloc;
  size_t n = elements_of(c) + 1, starts = (size_t)c->products + 1;
  bool by_rows = c->kind == DZ_COLORING_ROWS;
  c->seeds = by_rows ? c->pattern->shown.rows : c->pattern->shown.columns;
  c->results = by_rows ? c->pattern->shown.columns : c->pattern->shown.rows;
  c->seed_start = dz__alloc(a, starts * sizeof *c->seed_start);
  c->part = dz__alloc(a, starts * sizeof *c->part);
  c->element = dz__alloc(a, n * sizeof *c->element);
  c->seed = dz__alloc(a, (c->seeds + 1) * sizeof *c->seed);
  c->from = dz__alloc(a, n * sizeof *c->from);
  c->direction = dz__alloc(a, (c->seeds + 1) * sizeof *c->direction);
  c->result = dz__alloc(a, (c->results + 1) * sizeof *c->result);
  if (!c->seed_start || !c->part || !c->element || !c->seed || !c->from || !c->direction || !c->result)
    return false;
  memset(c->seed_start, 0, starts * sizeof *c->seed_start);
  memset(c->part, 0, starts * sizeof *c->part);
  memset(c->direction, 0, (c->seeds + 1) * sizeof *c->direction);
  return true;
}

void dz_coloring_free(dz_coloring *c) {
  if (!c) return;
  dz_allocator a = c->alloc;
  size_t rows = c->pattern ? c->pattern->shown.rows : 0, columns = c->pattern ? c->pattern->shown.columns : 0;
  size_t n = c->pattern ? elements_of(c) + 1 : 0, starts = (size_t)c->products + 1;
  dz__free(&a, c->color, ((rows > columns ? rows : columns) + 1) * sizeof *c->color);
  dz__free(&a, c->seed_start, starts * sizeof *c->seed_start);
  dz__free(&a, c->part, starts * sizeof *c->part);
  dz__free(&a, c->element, n * sizeof *c->element);
  dz__free(&a, c->seed, (c->seeds + 1) * sizeof *c->seed);
  dz__free(&a, c->from, n * sizeof *c->from);
  dz__free(&a, c->direction, (c->seeds + 1) * sizeof *c->direction);
  dz__free(&a, c->result, (c->results + 1) * sizeof *c->result);
  if (c->pattern) dz_pattern_free(&c->pattern->shown);
  dz__free(&a, c, sizeof *c);
}

/* ---- choosing a colouring ---- */

/* No colouring of columns has fewer colours than the longest row has elements. */
static size_t longest_row(const dz_pattern *p) {
  size_t most = 0;
  for (size_t i = 0; i < p->rows; i++)
    if (p->starts[i + 1] - p->starts[i] > most) most = p->starts[i + 1] - p->starts[i];
  return most;
}

static bool by_columns(dz_coloring *c, const dz_pattern *p, const dz_pattern *q) {
  c->kind = DZ_COLORING_COLUMNS;
  return dz__color_columns(p, q, &c->alloc, c->color, &c->products);
}

static bool by_rows(dz_coloring *c, const dz_pattern *p, const dz_pattern *q) {
  c->kind = DZ_COLORING_ROWS;
  return dz__color_columns(q, p, &c->alloc, c->color, &c->products);
}

/* First the one with the smaller bound; the other only if it may still do better. */
static bool fewest(dz_coloring *c, const dz_pattern *p, const dz_pattern *q) {
  size_t columns = longest_row(p), rows = longest_row(q);
  bool columns_first = columns <= rows;
  if (!(columns_first ? by_columns(c, p, q) : by_rows(c, p, q))) return false;
  if ((columns_first ? rows : columns) >= c->products) return true;
  uint32_t before = c->products;
  if (!(columns_first ? by_rows(c, p, q) : by_columns(c, p, q))) return false;
  return c->products <= before || (columns_first ? by_columns(c, p, q) : by_rows(c, p, q));
}

/* q is p transposed: as high as p is wide, and as wide as p is high. Row i of either has as many elements as
   there are i among the other's columns, so where those are the same the starts are. */
static bool same(const dz_pattern *p, const dz_pattern *q) {
  return p->rows == q->rows && memcmp(p->column, q->column, p->starts[p->rows] * sizeof *p->column) == 0;
}

static dz_status color(dz_coloring *c, dz_coloring_kind kind) {
  const dz_pattern *p = &c->pattern->shown;
  dz__pattern *transposed = dz__pattern_transposed(p, &c->alloc);
  if (!transposed || !make_colors(c)) {
    if (transposed) dz_pattern_free(&transposed->shown);
    return DZ_ERR_MEMORY;
  }
  const dz_pattern *q = &transposed->shown;
  bool done = true, fits = kind != DZ_COLORING_STAR || same(p, q);
  c->kind = kind;
  if (fits)
    done = kind == DZ_COLORING_COLUMNS ? by_columns(c, p, q)
           : kind == DZ_COLORING_ROWS  ? by_rows(c, p, q)
           : kind == DZ_COLORING_STAR  ? dz__color_star(p, &c->alloc, c->color, &c->products)
                                       : fewest(c, p, q);
  dz_pattern_free(&transposed->shown);
  return !fits ? DZ_ERR_ARGUMENT : done ? DZ_OK : DZ_ERR_MEMORY;
}

/* ---- the parts ---- */

/* Which product gives element (i, j), and where in it. `several` says that row i has more than one column of
   j's colour (star): then row j has one only of i's. */
typedef struct source {
  uint32_t product, from;
} source;

static source source_of(const dz_coloring *c, uint32_t i, uint32_t j, bool several) {
  if (c->kind == DZ_COLORING_ROWS) return (source){c->color[i], j};
  return several ? (source){c->color[i], j} : (source){c->color[j], i};
}

/* Calls for every element; `room` has two numbers for each product. In the first pass parts are counted, in
   the second filled. */
static void each_element(dz_coloring *c, uint32_t *room, bool fill) {
  const dz_pattern *p = &c->pattern->shown;
  uint32_t *row = room, *count = room + c->products;
  memset(room, 0, 2 * (size_t)c->products * sizeof *room);
  for (uint32_t i = 0; i < p->rows; i++) {
    for (size_t e = p->starts[i]; c->kind == DZ_COLORING_STAR && e < p->starts[i + 1]; e++) {
      uint32_t k = c->color[p->column[e]];
      count[k] = row[k] == i + 1 ? count[k] + 1 : 1;
      row[k] = i + 1;
    }
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++) {
      uint32_t j = p->column[e];
      source s = source_of(c, i, j, c->kind == DZ_COLORING_STAR && count[c->color[j]] > 1);
      if (!fill) {
        c->part[s.product + 1]++;
        continue;
      }
      c->element[c->part[s.product]] = e;
      c->from[c->part[s.product]++] = s.from;
    }
  }
}

static void accumulate(size_t *start, size_t n) {
  for (size_t k = 0; k < n; k++) start[k + 1] += start[k];
}

/* After filling, each start has moved to its end. */
static void move_back(size_t *start, size_t n) {
  for (size_t k = n; k > 0; k--) start[k] = start[k - 1];
  start[0] = 0;
}

static bool pack(dz_coloring *c) {
  size_t k = c->products, bytes = (2 * k + 1) * sizeof(uint32_t);
  uint32_t *room = dz__alloc(&c->alloc, bytes);
  if (!room || !make_parts(c)) {
    dz__free(&c->alloc, room, bytes);
    return false;
  }
  for (size_t j = 0; j < c->seeds; j++)
    if (c->color[j] != DZ__UNCOLORED) c->seed_start[c->color[j] + 1]++;
  accumulate(c->seed_start, k);
  for (size_t j = 0; j < c->seeds; j++)
    if (c->color[j] != DZ__UNCOLORED) c->seed[c->seed_start[c->color[j]]++] = (uint32_t)j;
  move_back(c->seed_start, k);
  each_element(c, room, false);
  accumulate(c->part, k);
  each_element(c, room, true);
  move_back(c->part, k);
  dz__free(&c->alloc, room, bytes);
  return true;
}

/* ---- the public functions ---- */

dz_status dz_coloring_new(const dz_pattern *pattern, dz_coloring_kind kind, const dz_allocator *given,
                          dz_coloring **coloring) {
  if (!coloring) return DZ_ERR_ARGUMENT;
  *coloring = NULL;
  if (!pattern || (unsigned)kind > DZ_COLORING_STAR) return DZ_ERR_ARGUMENT;
  dz_allocator a = dz__allocator(given);
  dz_coloring *c = dz__alloc(&a, sizeof *c);
  dz_pattern *copy = NULL;
  if (!c) return DZ_ERR_MEMORY;
  *c = (dz_coloring){.alloc = a};
  dz_status status =
      dz_pattern_new(pattern->rows, pattern->columns, pattern->starts, pattern->column, &a, &copy);
  c->pattern = (dz__pattern *)(void *)copy;
  if (!status) status = color(c, kind);
  if (!status && !pack(c)) status = DZ_ERR_MEMORY;
  if (status)
    dz_coloring_free(c);
  else
    *coloring = c;
  return status;
}

size_t dz_coloring_products(const dz_coloring *c) { return c ? c->products : 0; }
dz_coloring_kind dz_coloring_kind_of(const dz_coloring *c) { return c ? c->kind : DZ_COLORING_FEWEST; }
const dz_pattern *dz_coloring_pattern(const dz_coloring *c) { return c ? &c->pattern->shown : NULL; }
