#include "derive/sets.h"

#include <string.h>

bool dz__sets_init(dz__sets *s, const dz_allocator *a) {
  *s = (dz__sets){.alloc = a, .n = 1};
  s->cache = dz__alloc(a, DZ__SET_CACHE * sizeof *s->cache);
  if (!s->cache || !dz__grow(a, (void **)&s->set, &s->cap, 1, sizeof *s->set)) return false;
  memset(s->cache, 0, DZ__SET_CACHE * sizeof *s->cache);
  s->set[0] = (dz__set){0, 0};
  return true;
}

void dz__sets_free(dz__sets *s) {
  dz__free(s->alloc, s->set, s->cap * sizeof *s->set);
  dz__free(s->alloc, s->item, s->item_cap * sizeof *s->item);
  dz__free(s->alloc, s->cache, DZ__SET_CACHE * sizeof *s->cache);
  dz__free(s->alloc, s->met, s->met_cap * sizeof *s->met);
  dz__free(s->alloc, s->met_column, s->met_column_cap * sizeof *s->met_column);
  dz__free(s->alloc, s->stack, s->stack_cap * sizeof *s->stack);
}

/* ---- making ---- */

/* A new set with `size` items, `count` of which are columns. */
static uint32_t new_set(dz__sets *s, uint32_t count, size_t size, const uint32_t *items) {
  if (s->failed || s->n >= UINT32_MAX ||
      !dz__grow(s->alloc, (void **)&s->set, &s->cap, s->n + 1, sizeof *s->set) ||
      !dz__grow(s->alloc, (void **)&s->item, &s->item_cap, s->items + size, sizeof *s->item)) {
    s->failed = true;
    return 0;
  }
  memcpy(s->item + s->items, items, size * sizeof *items);
  s->set[s->n] = (dz__set){s->items, count};
  s->items += size;
  return (uint32_t)s->n++;
}

uint32_t dz__set_of(dz__sets *s, uint32_t column) { return new_set(s, 1, 1, &column); }

static uint32_t merge(const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m, uint32_t *out) {
  uint32_t i = 0, j = 0, k = 0;
  while (i < n || j < m) {
    uint32_t x = i < n ? a[i] : UINT32_MAX, y = j < m ? b[j] : UINT32_MAX, least = x < y ? x : y;
    i += i < n && x == least;
    j += j < m && y == least;
    out[k++] = least;
  }
  return k;
}

/* A union that is one of the two is that one; one that is too long for a list becomes a pair. */
static uint32_t make_union(dz__sets *s, uint32_t a, uint32_t b) {
  dz__set x = s->set[a], y = s->set[b];
  uint32_t both[2 * DZ__SET_LIST], pair[2] = {a, b};
  if (x.count == 0 || y.count == 0) return new_set(s, 0, 2, pair);
  uint32_t n = merge(s->item + x.first, x.count, s->item + y.first, y.count, both);
  if (n == x.count) return a;
  if (n == y.count) return b;
  return n <= DZ__SET_LIST ? new_set(s, n, n, both) : new_set(s, 0, 2, pair);
}

uint32_t dz__set_union(dz__sets *s, uint32_t a, uint32_t b) {
  if (a == b || b == 0 || s->failed) return a;
  if (a == 0) return b;
  if (a > b) {
    uint32_t c = a;
    a = b;
    b = c;
  }
  dz__union *u = &s->cache[(a * 0x9e3779b1u ^ b * 0x85ebca6bu) >> 7 & (DZ__SET_CACHE - 1)];
  if (u->a != a || u->b != b) *u = (dz__union){a, b, make_union(s, a, b)};
  return u->is;
}

/* ---- listing ---- */

static void sift(uint32_t *a, size_t i, size_t n) {
  uint32_t x = a[i];
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && a[child + 1] > a[child]) child++;
    if (a[child] <= x) break;
    a[i] = a[child];
  }
  a[i] = x;
}

/* Heapsort: no recursion, no memory. */
static void sort(uint32_t *a, size_t n) {
  for (size_t i = n / 2; i-- > 0;) sift(a, i, n);
  while (n > 1) {
    uint32_t x = a[--n];
    a[n] = a[0];
    a[0] = x;
    sift(a, 0, n);
  }
}

static bool ready_to_list(dz__sets *s, uint32_t columns) {
  if (s->met) return true;
  s->columns = columns;
  if (!dz__grow(s->alloc, (void **)&s->met, &s->met_cap, s->n, sizeof *s->met) ||
      !dz__grow(s->alloc, (void **)&s->met_column, &s->met_column_cap, (size_t)columns + 1,
                sizeof *s->met_column) ||
      !dz__grow(s->alloc, (void **)&s->stack, &s->stack_cap, s->n + 1, sizeof *s->stack))
    return false;
  memset(s->met, 0, s->met_cap * sizeof *s->met);
  memset(s->met_column, 0, s->met_column_cap * sizeof *s->met_column);
  return true;
}

/* Appends the set's columns that the present row has not yet. */
static bool append_new(dz__sets *s, dz__set x, uint32_t **list, size_t *size, size_t *cap) {
  if (!dz__grow(s->alloc, (void **)list, cap, *size + x.count, sizeof **list)) return false;
  for (uint32_t k = 0; k < x.count; k++) {
    uint32_t c = s->item[x.first + k];
    if (s->met_column[c] == s->row) continue;
    s->met_column[c] = s->row;
    (*list)[(*size)++] = c;
  }
  return true;
}

/* Each set is on the stack once at most, hence the stack's size. */
static void visit(dz__sets *s, uint32_t set, size_t *depth) {
  if (s->met[set] == s->row) return;
  s->met[set] = s->row;
  s->stack[(*depth)++] = set;
}

/* Many are quicker put in order by looking at every column's mark. */
static void put_in_order(const dz__sets *s, uint32_t *list, size_t n) {
  if (n < s->columns / 32) {
    sort(list, n);
    return;
  }
  for (uint32_t c = 0; c < s->columns; c++)
    if (s->met_column[c] == s->row) *list++ = c;
}

bool dz__set_list(dz__sets *s, uint32_t set, uint32_t columns, uint32_t **list, size_t *size, size_t *cap) {
  if (set == 0) return true;
  dz__set x = s->set[set];
  if (x.count > 0) {
    if (!dz__grow(s->alloc, (void **)list, cap, *size + x.count, sizeof **list)) return false;
    memcpy(*list + *size, s->item + x.first, x.count * sizeof **list);
    *size += x.count;
    return true;
  }
  if (!ready_to_list(s, columns)) return false;
  if (++s->row == 0) { /* every mark is of an old row now: begin anew */
    memset(s->met, 0, s->met_cap * sizeof *s->met);
    memset(s->met_column, 0, s->met_column_cap * sizeof *s->met_column);
    s->row = 1;
  }
  size_t depth = 0, first = *size;
  visit(s, set, &depth);
  while (depth > 0) {
    x = s->set[s->stack[--depth]];
    if (!append_new(s, x, list, size, cap)) return false;
    if (x.count > 0) continue;
    visit(s, s->item[x.first], &depth);
    visit(s, s->item[x.first + 1], &depth);
  }
  put_in_order(s, *list + first, *size - first);
  return true;
}
