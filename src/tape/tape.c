/* The tape as an object: making, freeing, marks, liveness of handles, errors. */
#include "tape/adjoints.h"
#include "tape/single.h"

#include <stdarg.h>
#include <stdio.h>

/* When the stamps that an id can carry are used up, they start again and no handle is taken for one of the
   present stamp at sight: the general road, which is safe with any handle, does all the recording. */
static void set_stamp(dz__tape *s, uint64_t stamp) {
  s->stamp = stamp;
  s->hot.fresh = (uint64_t)(DZ__FLAGS | (uint32_t)(stamp & DZ__STAMPS)) << 32;
  dz__set_origin(&s->hot);
  s->hot.first = stamp <= DZ__STAMPS ? s->hot.fresh : UINT64_MAX;
}

/* A tape without nodes. Handles with a stamp below `stamp` are dead. */
static void make_empty(dz__tape *s, dz_allocator a, uint32_t floor, uint64_t stamp) {
  *s = (dz__tape){.hot = {.floor = floor}, .alloc = a, .cleared = stamp};
  set_stamp(s, stamp);
  dz__arena_init(&s->arena, &a);
  dz__arena_init(&s->kept.arena, &a);
  dz__arena_init(&s->held, &a);
  dz__arena_init(&s->reached.arena, &a);
  dz__arena_init(&s->tangent.arena, &a);
  dz__arena_init(&s->touched.arena, &a);
  dz__names_init(&s->names, &a);
}

static void add_floats(dz__tape *s, dz__single *f) {
  *f = (dz__single){.few = NULL};
  dz__arena_init(&f->adjoint.arena, &s->alloc);
  s->single = f;
}

static void make_new(dz__tape *s, dz_allocator a) {
  make_empty(s, a, UINT32_MAX, 1);
  s->most[DZ_LIMIT_NODES] = DZ__MOST_CELLS;
  s->most[DZ_LIMIT_STEPS] = UINT64_C(1) << 26;
}

dz_tape *dz_tape_new(const dz_allocator *given) {
  dz_allocator a = dz__allocator(given);
  dz__tape *s = dz__alloc(&a, sizeof *s);
  if (!s) return NULL;
  make_new(s, a);
  return &s->hot;
}

/* One block, so that one thing can fail. */
typedef struct both {
  dz__tape tape;
  dz__single floats;
} both;

static size_t size_of(const dz__tape *s) { return s->single ? sizeof(both) : sizeof *s; }

dz_tape *dz_tape_new_single(const dz_allocator *given) {
  dz_allocator a = dz__allocator(given);
  both *s = dz__alloc(&a, sizeof *s);
  if (!s) return NULL;
  make_new(&s->tape, a);
  add_floats(&s->tape, &s->floats);
  return &s->tape.hot;
}

bool dz_tape_is_single(const dz_tape *t) { return t && dz__of_const(t)->single; }

dz_status dz_tape_share(dz_tape *t, size_t first, size_t rows) {
  if (!t) return DZ_ERR_ARGUMENT;
  if (first > SIZE_MAX / 4 || rows > SIZE_MAX / 4) return DZ_ERR_LIMIT;
  dz__of(t)->share.first = first;
  dz__of(t)->share.rows = rows;
  return DZ_OK;
}

dz_status dz_tape_limit(dz_tape *t, dz_limit what, uint64_t most) {
  if (!t || (unsigned)what > DZ_LIMIT_STEPS) return DZ_ERR_ARGUMENT;
  if (what == DZ_LIMIT_NODES && most > DZ__MOST_CELLS) return DZ_ERR_LIMIT;
  dz__of(t)->most[what] = most;
  dz__set_end(dz__of(t));
  return DZ_OK;
}

static void release_floats(dz__tape *s) {
  dz__single *f = s->single;
  dz__value_copies_drop(s, 0);
  dz__adjoint_copies_drop(s, 0);
  dz__free(&s->alloc, f->value, f->value_cap * sizeof *f->value);
  dz__free(&s->alloc, f->few, f->few_cap * sizeof *f->few);
  dz__adjoints_free(s, &f->adjoint);
}

/* Gives back everything that grows. */
static void release(dz__tape *s) {
  const dz_allocator *a = &s->alloc;
  if (s->single) release_floats(s);
  dz__free(a, s->hot.cell, s->cell_cap * sizeof *s->hot.cell);
  dz__free(a, s->hot.pool, s->pool_cap * sizeof *s->hot.pool);
  dz__free(a, s->wide, s->wide_cap * sizeof *s->wide);
  dz__free(a, s->wide_args, s->wide_args_cap * sizeof *s->wide_args);
  dz__free(a, s->wide_attr, s->wide_attr_cap * sizeof *s->wide_attr);
  dz__free(a, s->wide_dims, s->wide_dims_cap * sizeof *s->wide_dims);
  dz__free(a, s->rewound, s->rewound_cap * sizeof *s->rewound);
  dz__free(a, s->place, s->place_cap * sizeof *s->place);
  dz__free(a, s->spare, s->spare_cap * sizeof *s->spare);
  dz__free(a, s->call_args, s->call_args_cap * sizeof *s->call_args);
  dz__free(a, s->call_ga, s->call_ga_cap * sizeof *s->call_ga);
  dz__free(a, s->call_reached, s->call_reached_cap * sizeof *s->call_reached);
  if (s->notes) dz__free(a, s->notes, DZ__MAX_NOTES * sizeof *s->notes);
  dz__adjoints_free(s, &s->kept);
  dz__arena_free(&s->held);
  dz__free(a, s->leaf, s->leaf_cap * sizeof *s->leaf);
  dz__free(a, s->rows, s->rows_cap * sizeof *s->rows);
  dz__free(a, s->leaf_rows, s->leaf_rows_cap * sizeof *s->leaf_rows);
  dz__adjoints_free(s, &s->reached);
  dz__adjoints_free(s, &s->tangent);
  dz__adjoints_free(s, &s->touched);
  dz__free(a, s->zeros, s->zeros_cap * sizeof *s->zeros);
  dz__names_free(&s->names);
  dz__arena_free(&s->arena);
  dz__free(a, s->branches, s->branches_cap * sizeof *s->branches);
  if (s->prelude_free) s->prelude_free(s->prelude);
  if (s->users_free) s->users_free(s);
}

void dz_tape_free(dz_tape *t) {
  if (!t) return;
  dz__tape *s = dz__of(t);
  dz_allocator a = s->alloc;
  size_t size = size_of(s);
  release(s);
  dz__free(&a, s, size);
}

/* The stamp goes on from where it was, and everything below it is dead, since nothing is recorded and the
   floor is 0: a handle from before is below no node that exists, and once nodes exist again its stamp
   differs. */
void dz_tape_clear(dz_tape *t) {
  if (!t) return;
  dz__tape *s = dz__of(t);
  dz_allocator a = s->alloc;
  uint64_t stamp = s->stamp + 1, most[DZ_LIMIT_STEPS + 1];
  memcpy(most, s->most, sizeof most);
  dz__single *floats = s->single;
  release(s);
  make_empty(s, a, 0, stamp);
  memcpy(s->most, most, sizeof most);
  if (floats) add_floats(s, floats);
}

size_t dz_tape_size(const dz_tape *t) { return t ? dz__count(t) : 0; }

/* ---- errors ---- */

const dz_error *dz_tape_error(const dz_tape *t) {
  static const dz_error null_tape = {.status = DZ_ERR_ARGUMENT, .op = "tape", .message = "the tape is NULL"};
  return t ? &dz__of_const(t)->error : &null_tape;
}

void dz_tape_forgive(dz_tape *t) {
  if (t) dz__of(t)->error = (dz_error){.status = DZ_OK};
}

static dz_var poisoned(dz_tape *t) { return (dz_var){.tape = t, .id = DZ__NONE}; }

dz_var dz__poison(dz_tape *t, dz_status status, const char *op, const char *format, ...) {
  if ((uintptr_t)t <= 1) return poisoned(NULL);
  dz__tape *s = dz__of(t);
  if (!s->error.status) {
    char text[sizeof s->error.message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    dz__fail(&s->error, status, op, "%s", text);
    if (s->line) dz__fail_at(&s->error, NULL, s->line, s->column);
  }
  return poisoned(t);
}

void dz__locate(dz_var bad, const char *file, int line) {
  dz__fail_at(&dz__of(bad.tape)->error, file, line, 0);
}

/* Nodes from the present end on come from the tape's place: run by run, so a tape recorded by C calls alone
   keeps nothing. Without memory for it the place is forgotten, which only a message would have shown. */
static void note_place(dz__tape *s) {
  while (s->places > 0 && s->place[s->places - 1].first >= dz__count(&s->hot)) s->places--;
  const dz__place *last = s->places ? &s->place[s->places - 1] : NULL;
  if (last ? last->line == s->line && last->column == s->column : s->line == 0) return;
  if (!dz__grow(&s->alloc, (void **)&s->place, &s->place_cap, s->places + 1, sizeof *s->place)) return;
  s->place[s->places++] = (dz__place){dz__count(&s->hot), s->line, s->column};
}

void dz_tape_at(dz_tape *t, int line, int column) {
  if (!t) return;
  dz__of(t)->line = line;
  dz__of(t)->column = column;
  note_place(dz__of(t));
}

/* ---- liveness ---- */

static uint32_t stamp_now(const dz__tape *s) { return (uint32_t)s->stamp & DZ__STAMPS; }

/* The handle's stamp in full: the latest one with these low bits. */
static uint64_t full_stamp(const dz__tape *s, dz_var x) {
  return s->stamp - (((uint32_t)s->stamp - dz__stamp(x)) & DZ__STAMPS);
}

static bool live(const dz__tape *s, dz_var x) {
  uint32_t i = dz__index(x);
  if (i >= dz__count(&s->hot)) return false;
  if (i < s->hot.floor || dz__stamp(x) == stamp_now(s)) return true;
  uint64_t stamp = full_stamp(s, x);
  if (stamp < s->cleared) return false;
  for (size_t k = 0; k < s->rewounds; k++)
    if (s->rewound[k].stamp > stamp) return i < s->rewound[k].low;
  return true;
}

bool dz_valid(dz_var x) { return dz_is_number(x) || (x.tape && live(dz__of(x.tape), x)); }

bool dz__check_handle(dz_tape *t, dz_var x, const char *op) {
  if (dz_is_number(x)) return true;
  if (!x.tape)
    return dz__poison(t, DZ_ERR_HANDLE, op, "an operand is no handle (all zero: never set?)"), false;
  if (x.tape != t) return dz__poison(t, DZ_ERR_HANDLE, op, "operands belong to two different tapes"), false;
  const dz__tape *s = dz__of(t);
  if (live(s, x)) return true;
  if (dz__index(x) == DZ__NONE)
    dz__poison(t, DZ_ERR_HANDLE, op, "an operand is invalid: it is the result of an earlier error");
  else
    dz__poison(t, DZ_ERR_HANDLE, op, "an operand is stale: its node was dropped by a rewind or clear");
  return false;
}

/* ---- marks ---- */

static bool room_for_rewind(dz__tape *s, size_t rewinds) {
  return dz__grow(&s->alloc, (void **)&s->rewound, &s->rewound_cap, rewinds, sizeof *s->rewound);
}

/* Makes room for the rewind already, so that a loop's second turn allocates nothing; where that fails, the
   rewind says so. */
dz_mark dz_tape_mark(dz_tape *t) {
  if (!t) return (dz_mark){0};
  dz__tape *s = dz__of(t);
  (void)room_for_rewind(s, s->rewounds + 1);
  return (dz_mark){t, dz__count(t), t->pooled, t->leaves, stamp_now(s)};
}

/* A mark is live while no rewind since went below it; otherwise other nodes may stand there now. */
static bool mark_live(const dz__tape *s, dz_mark m) {
  if (m.at > dz__count(&s->hot)) return false;
  return m.at == 0 || live(s, (dz_var){.tape = m.tape, .id = (uint64_t)m.stamp << 32 | (m.at - 1)});
}

/* `size` is how many nodes the tape has from now on. */
static void new_stamp(dz__tape *s, uint32_t size) {
  set_stamp(s, s->stamp + 1);
  s->unseen = size;
  s->handed = false;
}

/* A stamp that no handle has is as good as a new one: setting many leaves in a row takes one stamp. */
void dz__forget_values(dz__tape *s) {
  if (s->handed || dz__count(&s->hot) != s->unseen) new_stamp(s, dz__count(&s->hot));
}

/* Keeps `rewound` short: an older rewind to a node at or above `low` says nothing that this one does not. */
static bool note_rewind(dz__tape *s, uint32_t low) {
  size_t k = s->rewounds;
  while (k > 0 && s->rewound[k - 1].low >= low) k--;
  if (!room_for_rewind(s, k + 1)) return false;
  new_stamp(s, low);
  s->rewound[k] = (dz__rewound){s->stamp, low};
  s->rewounds = k + 1;
  if (low < s->hot.floor) s->hot.floor = low;
  return true;
}

static void drop_wides(dz__tape *s, uint32_t from) {
  const dz__wide *w = NULL;
  while (s->wides > 0 && s->wide[s->wides - 1].node >= from) w = &s->wide[--s->wides];
  if (!w) return;
  if (s->single) dz__value_copies_drop(s, s->wides);
  if (s->single) dz__adjoint_copies_drop(s, s->wides);
  dz__arena_rewind(&s->arena, w->before);
  s->wide_nargs = w->arg0;
  s->wide_nattr = w->attr0;
  s->wide_ndims = w->dims0;
}

dz_status dz_tape_rewind(dz_tape *t, dz_mark mark) {
  if (!t || mark.tape != t) return DZ_ERR_ARGUMENT;
  dz__tape *s = dz__of(t);
  if (!mark_live(s, mark)) return DZ_ERR_HANDLE;
  if (mark.at == dz__count(t)) return DZ_OK;
  if (!note_rewind(s, mark.at)) return DZ_ERR_MEMORY;
  t->next = t->cell + mark.at;
  t->pooled = mark.pooled;
  t->leaves = mark.leaves;
  drop_wides(s, mark.at);
  note_place(s);
  dz__names_drop(&s->names, mark.at);
  dz__adjoints_rewind(s, &s->kept);
  if (s->single) dz__adjoints_rewind(s, &s->single->adjoint);
  dz__adjoints_rewind(s, &s->reached);
  dz__adjoints_rewind(s, &s->tangent);
  dz__adjoints_rewind(s, &s->touched);
  if (s->swept.nodes > dz__count(t)) {
    s->swept.nodes = dz__count(t);
    s->swept.again = false;
  }
  if (s->swept.leaves > t->leaves) s->swept.leaves = t->leaves;
  return DZ_OK;
}

/* Of the copies too. */
static size_t float_bytes(const dz__tape *s) {
  const dz__single *f = s->single;
  if (!f) return 0;
  size_t n = dz__adjoints_bytes(&f->adjoint) + f->value_cap * sizeof *f->value + f->few_cap * sizeof *f->few;
  for (size_t k = 0; k < s->wides; k++) {
    if (k < f->value_cap && f->value[k]) n += dz__copy_bytes(&s->wide[k]);
    if (k < s->kept.wide && s->kept.tensor[k]) n += dz__copy_bytes(&s->wide[k]);
  }
  return n;
}

size_t dz_tape_bytes(const dz_tape *t) {
  if (!t) return 0;
  const dz__tape *s = dz__of_const(t);
  return size_of(s) + float_bytes(s) + s->cell_cap * sizeof *t->cell + s->pool_cap * sizeof *t->pool +
         s->wide_cap * sizeof *s->wide + s->wide_args_cap * sizeof *s->wide_args +
         s->wide_attr_cap * sizeof *s->wide_attr + s->wide_dims_cap * sizeof *s->wide_dims +
         s->rewound_cap * sizeof *s->rewound + s->place_cap * sizeof *s->place +
         s->spare_cap * sizeof *s->spare + s->call_args_cap * sizeof *s->call_args +
         s->call_ga_cap * sizeof *s->call_ga + s->call_reached_cap * sizeof *s->call_reached +
         (s->notes ? DZ__MAX_NOTES * sizeof *s->notes : 0) + dz__arena_bytes(&s->arena) +
         dz__adjoints_bytes(&s->kept) + dz__adjoints_bytes(&s->reached) + dz__adjoints_bytes(&s->tangent) +
         dz__adjoints_bytes(&s->touched) + s->zeros_cap * sizeof *s->zeros + s->leaf_cap * sizeof *s->leaf +
         s->rows_cap * sizeof *s->rows + s->leaf_rows_cap * sizeof *s->leaf_rows + dz__arena_bytes(&s->held) +
         dz__names_bytes(&s->names) + s->branches_cap * sizeof *s->branches + s->users_cap * sizeof *s->users;
}
