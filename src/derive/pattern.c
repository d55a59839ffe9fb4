/* Patterns as data: making, copying, transposing. */
#include "derive/pattern.h"

#include <string.h>

dz__pattern *dz__pattern_make(size_t rows, size_t columns, const dz_allocator *given) {
  dz_allocator a = dz__allocator(given);
  dz__pattern *p = dz__alloc(&a, sizeof *p);
  if (!p) return NULL;
  *p = (dz__pattern){.shown = {.rows = rows, .columns = columns}, .alloc = a};
  if (rows == SIZE_MAX || !dz__grow(&a, (void **)&p->starts, &p->starts_cap, rows + 1, sizeof *p->starts) ||
      !dz__pattern_room(p, 1)) {
    dz_pattern_free(&p->shown);
    return NULL;
  }
  memset(p->starts, 0, (rows + 1) * sizeof *p->starts);
  p->shown.starts = p->starts;
  return p;
}

bool dz__pattern_room(dz__pattern *p, size_t elements) {
  bool done = dz__grow(&p->alloc, (void **)&p->column, &p->column_cap, elements, sizeof *p->column);
  p->shown.column = p->column;
  return done;
}

void dz_pattern_free(dz_pattern *pattern) {
  if (!pattern) return;
  dz__pattern *p = (dz__pattern *)(void *)pattern;
  dz_allocator a = p->alloc;
  dz__free(&a, p->starts, p->starts_cap * sizeof *p->starts);
  dz__free(&a, p->column, p->column_cap * sizeof *p->column);
  dz__free(&a, p, sizeof *p);
}

static bool is_pattern(size_t rows, size_t columns, const size_t *starts, const uint32_t *column) {
  if (!starts || starts[0] != 0) return false;
  for (size_t i = 0; i < rows; i++)
    if (starts[i + 1] < starts[i]) return false;
  if (starts[rows] > 0 && !column) return false;
  for (size_t i = 0; i < rows; i++)
    for (size_t e = starts[i]; e < starts[i + 1]; e++)
      if (column[e] >= columns || (e > starts[i] && column[e] <= column[e - 1])) return false;
  return true;
}

dz_status dz_pattern_new(size_t rows, size_t columns, const size_t *starts, const uint32_t *column,
                         const dz_allocator *a, dz_pattern **pattern) {
  if (!pattern) return DZ_ERR_ARGUMENT;
  *pattern = NULL;
  if (columns > UINT32_MAX || rows > UINT32_MAX) return DZ_ERR_LIMIT;
  if (!is_pattern(rows, columns, starts, column)) return DZ_ERR_ARGUMENT;
  dz__pattern *p = dz__pattern_make(rows, columns, a);
  if (!p) return DZ_ERR_MEMORY;
  if (!dz__pattern_room(p, starts[rows])) {
    dz_pattern_free(&p->shown);
    return DZ_ERR_MEMORY;
  }
  memcpy(p->starts, starts, (rows + 1) * sizeof *starts);
  if (starts[rows]) memcpy(p->column, column, starts[rows] * sizeof *column);
  *pattern = &p->shown;
  return DZ_OK;
}

/* Counting sort by column: rows come out ascending. */
dz__pattern *dz__pattern_transposed(const dz_pattern *p, const dz_allocator *a) {
  dz__pattern *q = dz__pattern_make(p->columns, p->rows, a);
  if (!q) return NULL;
  if (!dz__pattern_room(q, p->starts[p->rows])) {
    dz_pattern_free(&q->shown);
    return NULL;
  }
  for (size_t e = 0; e < p->starts[p->rows]; e++) q->starts[p->column[e] + 1]++;
  for (size_t j = 0; j < p->columns; j++) q->starts[j + 1] += q->starts[j];
  for (size_t i = 0; i < p->rows; i++)
    for (size_t e = p->starts[i]; e < p->starts[i + 1]; e++)
      q->column[q->starts[p->column[e]]++] = (uint32_t)i;
  for (size_t j = p->columns; j-- > 0;) q->starts[j + 1] = q->starts[j]; /* each had moved to its end */
  q->starts[0] = 0;
  return q;
}

/* Merges row i of both into `to` (which may be NULL): the number of columns. */
static size_t merge_row(const dz_pattern *p, const dz_pattern *q, size_t i, uint32_t *to) {
  size_t e = p->starts[i], f = q->starts[i], e_end = p->starts[i + 1], f_end = q->starts[i + 1], n = 0;
  for (; e < e_end || f < f_end; n++) {
    uint32_t c = e < e_end ? p->column[e] : UINT32_MAX, d = f < f_end ? q->column[f] : UINT32_MAX;
    e += e < e_end && c <= d;
    f += f < f_end && d <= c;
    if (to) to[n] = c < d ? c : d;
  }
  return n;
}

dz__pattern *dz__pattern_union(const dz_pattern *p, const dz_pattern *q, const dz_allocator *a) {
  dz__pattern *r = dz__pattern_make(p->rows, p->columns, a);
  if (!r) return NULL;
  for (size_t i = 0; i < p->rows; i++) r->starts[i + 1] = r->starts[i] + merge_row(p, q, i, NULL);
  if (!dz__pattern_room(r, r->starts[p->rows])) {
    dz_pattern_free(&r->shown);
    return NULL;
  }
  for (size_t i = 0; i < p->rows; i++) merge_row(p, q, i, r->column + r->starts[i]);
  return r;
}
