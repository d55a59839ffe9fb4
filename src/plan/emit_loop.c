/* Loops as C. Arithmetic goes in blocks: a block is one loop over vectors of eight lanes, whose values stay
   in registers; only what is read behind it goes to the tile's arrays. Functions of the table, and wiring,
   have loops of their own. */
#include "plan/emit_loop.h"

#include <string.h>

/* ---- blocks ---- */

static bool is_loose(const dz__instruction *i) {
  switch ((dz__step_op)i->op) {
  case DZ__I_PART:
  case DZ__I_PARTADD:
    return i->fn != DZ__F_div;
  case DZ__I_FN:
  case DZ__I_FNK:
  case DZ__I_LOAD:
  case DZ__I_GATHER:
  case DZ__I_SELECT:
  case DZ__I_RSELECT:
  case DZ__I_STORE:
  case DZ__I_SCATTER:
    return true;
  default:
    return false;
  }
}

static size_t weight(const dz__instruction *i) {
  return i->op == DZ__I_SUM ? i->b : i->op == DZ__I_RSUM ? i->c : 1;
}

/* The end of the block that begins at k: a loose instruction is one by itself. */
static size_t block_end(const dz__loop *l, size_t k) {
  const dz__routine *c = &l->code;
  size_t end = k < c->reverse ? c->reverse : c->n, terms = weight(&c->at[k]);
  if (is_loose(&c->at[k])) return k + 1;
  for (k++; k < end && !is_loose(&c->at[k]); k++) {
    terms += weight(&c->at[k]);
    if (terms > DZ__BLOCK) break;
  }
  return k;
}

/* ---- what is read behind a block, from the end of the program to its beginning ---- */

static void touch(dz__loop_emitter *k, uint32_t slot) {
  if (k->changed[slot] == k->block) return;
  k->changed[slot] = k->block;
  k->at_end[slot] = k->live[slot];
}

static void written(void *user, uint32_t *place, unsigned access) {
  dz__loop_emitter *k = user;
  if (!dz__is_slot(*place) || !(access & DZ__WRITTEN)) return;
  uint32_t slot = dz__place_index(*place);
  touch(k, slot);
  if (k->local[slot] != k->block && k->at_end[slot]) {
    if (!dz__grow(&k->e->p->alloc, (void **)&k->store, &k->store_cap, k->stores + 1, sizeof *k->store))
      k->failed = true;
    else
      k->store[k->stores++] = slot;
  }
  k->local[slot] = k->block;
  if (!(access & DZ__READ)) k->live[slot] = 0;
}

static void read(void *user, uint32_t *place, unsigned access) {
  dz__loop_emitter *k = user;
  if (!dz__is_slot(*place) || !(access & DZ__READ)) return;
  touch(k, dz__place_index(*place));
  k->live[dz__place_index(*place)] = 1;
}

static void find_stores(dz__loop_emitter *k) {
  const dz__routine *c = &k->l->code;
  for (size_t b = k->blocks; b-- > 0;) {
    size_t from = k->begin[b], end = k->begin[b + 1];
    k->block = (uint32_t)b + 1;
    k->first[b] = k->stores;
    for (size_t i = end; i-- > from;) {
      dz__each_place(c, &c->at[i], written, k);
      dz__each_place(c, &c->at[i], read, k);
    }
    k->count[b] = k->stores - k->first[b];
  }
  memset(k->local, 0, c->slots * sizeof *k->local);
}

/* ---- functions ---- */

static const char arguments[] = "const double *in, double *grad, double *w, const double *t, const uint32_t "
                                "*x, double *R, double *A, size_t lane, size_t n";

/* Blocks from b on until a function is full, or the other direction begins. Returns the first not written. */
static size_t say_piece(dz__loop_emitter *k, size_t b, size_t piece) {
  const dz__routine *c = &k->l->code;
  size_t terms = 0;
  bool back = k->begin[b] >= c->reverse;
  dz__say(k->e, "static void %s_loop%zu_%zu(%s) {\n  size_t i;\n", k->e->name, k->loop, piece, arguments);
  dz__say(k->e, "  (void)in, (void)grad, (void)w, (void)t, (void)x, (void)R, (void)A, (void)lane;\n");
  for (; b < k->blocks && terms < DZ__PIECE && (k->begin[b] >= c->reverse) == back; b++) {
    k->block = (uint32_t)b + 1;
    if (is_loose(&c->at[k->begin[b]]))
      dz__say_loose(k, &c->at[k->begin[b]]);
    else
      dz__say_block(k, b);
    for (size_t i = k->begin[b]; i < k->begin[b + 1]; i++) terms += weight(&c->at[i]);
  }
  dz__say(k->e, "}\n");
  return b;
}

/* One tile: *forward of the pieces are for values. */
static void say_tile(dz__loop_emitter *k, size_t forward, size_t pieces) {
  dz__emitter *e = k->e;
  dz__say(e,
          "static void %s_loop%zu_tile(const double *in, double *grad, double *w, const double *t, const "
          "uint32_t *x, "
          "double *R, double *A, size_t lane, size_t n, int mode) {\n",
          e->name, k->loop);
  if (k->l->kept) dz__say(e, "  if (mode != %u) {\n", DZ__CALL_BACKWARD);
  for (size_t j = 0; j < forward; j++)
    dz__say(e, "  %s_loop%zu_%zu(in, grad, w, t, x, R, A, lane, n);\n", e->name, k->loop, j);
  if (k->l->kept) dz__say(e, "  }\n");
  dz__say(e, "  if (mode == %u) return;\n", DZ__CALL_FORWARD);
  for (size_t j = forward; j < pieces; j++)
    dz__say(e, "  %s_loop%zu_%zu(in, grad, w, t, x, R, A, lane, n);\n", e->name, k->loop, j);
  dz__say(e, "}\n");
}

/* The lanes that do not fill a vector go to accumulators of their own, of which only those lanes count. */
static void say_loop(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  size_t acc = e->p->program.acc, full = l->lanes / DZ__W * DZ__W, rest = l->lanes - full;
  size_t room = l->kept ? l->room : 0, tiles = (l->lanes + l->tile - 1) / l->tile;
  dz__say(e,
          "static void %s_loop%zu(const double *in, double *grad, double *w, const double *t, const uint32_t "
          "*x, int mode) {\n",
          e->name, k->loop);
  dz__say(e, "  double *A = w + %zu, *R = w + %zu;\n  size_t lane, k;\n  (void)k;\n", acc, l->spot);
  dz__say(e, "  memset(A, 0, %zu * sizeof *A);\n", 2 * l->accs * DZ__W);
  dz__say(e, "  for (lane = 0; lane < %zu; lane += %zu, R += %zu)\n", full, l->tile, room);
  dz__say(e,
          "    %s_loop%zu_tile(in, grad, w, t, x, R, A, lane, %zu - lane < %zu ? %zu - lane : %zu, mode);\n",
          e->name, k->loop, full, l->tile, full, l->tile);
  if (rest) {
    dz__say(e, "  %s_loop%zu_tile(in, grad, w, t, x, w + %zu, A + %zu, %zu, %zu, mode);\n", e->name, k->loop,
            l->spot + room * tiles, l->accs * DZ__W, full, rest);
    if (l->accs)
      dz__say(e,
              "  for (k = 0; k < %zu; k++)\n    for (lane = 0; lane < %zu; lane++) A[8 * k + lane] += A[8 * "
              "k + lane + %zu];\n",
              l->accs, rest, l->accs * DZ__W);
  }
  for (size_t j = 0; j < l->accs; j++) {
    bool result = j == 0 && l->reduced;
    dz__say(e,
            "  if (mode != %u) %s[%u] %s ((A[%zu] + A[%zu]) + (A[%zu] + A[%zu])) + ((A[%zu] + A[%zu]) + "
            "(A[%zu] + A[%zu]));\n",
            result ? DZ__CALL_BACKWARD : DZ__CALL_FORWARD, dz__where_of(l->acc[j]) == DZ__GRAD ? "grad" : "w",
            (unsigned)dz__place_index(l->acc[j]), result ? "=" : "+=", 8 * j, 8 * j + 1, 8 * j + 2, 8 * j + 3,
            8 * j + 4, 8 * j + 5, 8 * j + 6, 8 * j + 7);
  }
  dz__say(e, "  (void)mode, (void)grad;\n}\n\n");
}

static void say_all(dz__loop_emitter *k) {
  const dz__routine *c = &k->l->code;
  for (size_t i = 0; i < c->n; i = block_end(k->l, i)) k->begin[k->blocks++] = i;
  k->begin[k->blocks] = c->n;
  find_stores(k);
  if (k->failed) return;
  size_t piece = 0, forward = 0;
  for (size_t b = 0; b < k->blocks;) {
    forward += k->begin[b] < c->reverse;
    b = say_piece(k, b, piece++);
  }
  say_tile(k, forward, piece);
  say_loop(k);
}

dz_status dz__emit_loop(dz__emitter *e, size_t loop) {
  const dz_allocator *a = &e->p->alloc;
  const dz__loop *l = &e->p->program.loop[loop];
  size_t slots = l->code.slots + 1, n = l->code.n + 1;
  dz__loop_emitter k = {.e = e, .l = l, .loop = loop, .spots = dz__spots_of(e->p, loop)};
  k.local = dz__alloc(a, slots * sizeof *k.local);
  k.changed = dz__alloc(a, slots * sizeof *k.changed);
  k.live = dz__alloc(a, slots);
  k.at_end = dz__alloc(a, slots);
  k.first = dz__alloc(a, n * sizeof *k.first);
  k.count = dz__alloc(a, n * sizeof *k.count);
  k.begin = dz__alloc(a, n * sizeof *k.begin);
  bool done = k.local && k.changed && k.live && k.at_end && k.first && k.count && k.begin;
  if (done) {
    memset(k.local, 0, slots * sizeof *k.local);
    memset(k.changed, 0, slots * sizeof *k.changed);
    memset(k.live, 0, slots);
    say_all(&k);
  }
  dz__free(a, k.local, slots * sizeof *k.local);
  dz__free(a, k.changed, slots * sizeof *k.changed);
  dz__free(a, k.live, slots);
  dz__free(a, k.at_end, slots);
  dz__free(a, k.first, n * sizeof *k.first);
  dz__free(a, k.count, n * sizeof *k.count);
  dz__free(a, k.begin, n * sizeof *k.begin);
  dz__free(a, k.store, k.store_cap * sizeof *k.store);
  return done && !k.failed ? DZ_OK : DZ_ERR_MEMORY;
}
