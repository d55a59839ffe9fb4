#include "base/names.h"

#include <string.h>

/* Small blocks are rounded up to a class and kept for the next name when one is dropped, so a loop that names
   and drops the same nodes allocates nothing after its first turn. */
enum { CLASS = 64 };

typedef struct dz__spare {
  struct dz__spare *next;
} spare;

static size_t class_of(size_t size) { return (size - 1) / CLASS; }

static size_t rounded(size_t size) {
  return class_of(size) < DZ__SPARES ? (class_of(size) + 1) * CLASS : size;
}

/* uthash asks for memory through these two: wherever its macros stand, a variable `names` says whose it is.
 */
static void *take(dz__names *names, size_t size) {
  spare **kept = class_of(size) < DZ__SPARES ? &names->spares[class_of(size)] : NULL;
  if (kept && *kept) {
    spare *p = *kept;
    *kept = p->next;
    return p;
  }
  void *p = dz__alloc(&names->alloc, rounded(size));
  if (p) names->bytes += rounded(size);
  return p;
}

static void give(dz__names *names, void *block, size_t size) {
  if (class_of(size) < DZ__SPARES) {
    spare *p = block;
    p->next = names->spares[class_of(size)];
    names->spares[class_of(size)] = p;
    return;
  }
  dz__free(&names->alloc, block, size);
  names->bytes -= size;
}

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) take(names, size)
#define uthash_free(block, size) give(names, block, size)
#include <uthash.h>

/* Every entry is in by_text and in the heap. The first entry of a value is in by_value; value_hh.tbl of the
   others is NULL. The heap is a pairing heap: no child has a larger value than its parent. */
typedef struct dz__entry {
  dz__name name;
  UT_hash_handle text_hh, value_hh;
  struct dz__entry *child, *next; /* first child; next child of the same parent */
  char text[];
} entry;

static size_t entry_bytes(size_t text_size) { return sizeof(entry) + text_size + 1; }

/* One heap of two, either of which may be empty. */
static entry *meld(entry *x, entry *y) {
  if (!x || !y) return x ? x : y;
  if (x->name.value < y->name.value) {
    entry *higher = y;
    y = x;
    x = higher;
  }
  y->next = x->child;
  x->child = y;
  return x;
}

/* The heap without its root: the children meld in pairs from the first, and the pairs from the last. */
static entry *without_root(entry *root) {
  entry *pairs = NULL, *heap = NULL;
  for (entry *x = root->child; x;) {
    entry *y = x->next, *rest = y ? y->next : NULL;
    x->next = NULL;
    if (y) y->next = NULL;
    x = meld(x, y);
    x->next = pairs;
    pairs = x;
    x = rest;
  }
  while (pairs) {
    entry *rest = pairs->next;
    pairs->next = NULL;
    heap = meld(heap, pairs);
    pairs = rest;
  }
  return heap;
}

void dz__names_init(dz__names *names, const dz_allocator *a) { *names = (dz__names){.alloc = *a}; }

void dz__names_free(dz__names *names) {
  dz__names_drop(names, 0);
  for (size_t k = 0; k < DZ__SPARES; k++)
    while (names->spares[k]) {
      spare *p = names->spares[k];
      names->spares[k] = p->next;
      dz__free(&names->alloc, p, (k + 1) * CLASS);
    }
  names->bytes = 0;
}

/* Whether there was memory for it: x->text_hh.tbl says so, NULL otherwise. */
static bool add_text(dz__names *names, entry *x) {
  HASH_ADD_KEYPTR(text_hh, names->by_text, x->text, x->name.size, x);
  return x->text_hh.tbl != NULL;
}

static bool add_value(dz__names *names, entry *x) {
  if (dz__names_of(names, x->name.value)) return true;
  HASH_ADD(value_hh, names->by_value, name.value, sizeof x->name.value, x);
  return x->value_hh.tbl != NULL;
}

bool dz__names_add(dz__names *names, const char *text, size_t size, uint32_t value) {
  if (size > UINT32_MAX) return false;
  entry *x = take(names, entry_bytes(size));
  if (!x) return false;
  memset(x, 0, sizeof *x);
  memcpy(x->text, text, size);
  x->text[size] = '\0';
  x->name = (dz__name){value, (uint32_t)size, x->text};
  if (!add_text(names, x)) {
    give(names, x, entry_bytes(size));
    return false;
  }
  if (!add_value(names, x)) {
    HASH_DELETE(text_hh, names->by_text, x);
    give(names, x, entry_bytes(size));
    return false;
  }
  names->top = meld(names->top, x);
  return true;
}

const dz__name *dz__names_find(const dz__names *names, const char *text, size_t size) {
  if (size > UINT32_MAX) return NULL;
  entry *x;
  HASH_FIND(text_hh, names->by_text, text, (unsigned)size, x);
  return x ? &x->name : NULL;
}

const dz__name *dz__names_of(const dz__names *names, uint32_t value) {
  entry *x;
  HASH_FIND(value_hh, names->by_value, &value, sizeof value, x);
  return x ? &x->name : NULL;
}

void dz__names_drop(dz__names *names, uint32_t from) {
  while (names->top && names->top->name.value >= from) {
    entry *x = names->top;
    names->top = without_root(x);
    HASH_DELETE(text_hh, names->by_text, x);
    if (x->value_hh.tbl) HASH_DELETE(value_hh, names->by_value, x);
    give(names, x, entry_bytes(x->name.size));
  }
}

size_t dz__names_bytes(const dz__names *names) { return names->bytes; }

/* ---- suggestions ---- */

enum { LONGEST = 64 }; /* a longer name gets no suggestion */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static size_t least(size_t x, size_t y) { return x < y ? x : y; }

/* The edit distance up to capitals, with swaps of neighbours, no part edited twice: the dynamic programme
   over prefixes, of which three rows are kept. */
static size_t distance(const char *x, size_t nx, const char *y, size_t ny) {
  size_t row[3][LONGEST + 3];
  for (size_t j = 0; j < LONGEST + 3; j++) row[0][j] = j;
  for (size_t i = 1; i <= nx; i++) {
    const size_t *before = row[(i + 1) % 3], *up = row[(i - 1) % 3];
    size_t *d = row[i % 3];
    d[0] = i;
    for (size_t j = 1; j <= ny; j++) {
      const bool same = lower(x[i - 1]) == lower(y[j - 1]);
      d[j] = least(up[j - 1] + !same, 1 + least(up[j], d[j - 1]));
      if (i > 1 && j > 1 && lower(x[i - 1]) == lower(y[j - 2]) && lower(x[i - 2]) == lower(y[j - 1]))
        d[j] = least(d[j], before[j - 2] + 1);
    }
  }
  return row[nx % 3][ny];
}

const char *dz__nearest(const char *text, size_t size, const char *(*each)(void *user, size_t i),
                        void *user) {
  const char *best = NULL, *name;
  if (size > LONGEST) return NULL;
  size_t bound = least(5, size); /* distances are counted in halves and lie below this */
  for (size_t i = 0; (name = each(user, i)) != NULL; i++) {
    const size_t n = strlen(name);
    if (n > size + 2 || n + 2 < size || (n == size && memcmp(name, text, n) == 0)) continue;
    const size_t d = 2 * distance(text, size, name, n);
    const size_t halves = d == 0 ? 1 : d;
    if (halves < bound) {
      bound = halves;
      best = name;
    }
  }
  return best;
}
