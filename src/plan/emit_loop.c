/* Loops as C. Arithmetic goes in blocks: a block is one loop over vectors of eight lanes, whose values stay
   in registers; only what is read behind it goes to the tile's arrays. Functions of the table, and wiring,
   have loops of their own. */
#include "plan/emit_loop.h"

#include "base/never.h"
#include "plan/emit_fold.h"

#include <string.h>

/* ---- blocks ---- */

bool dz__is_loose(const dz__loop_emitter *k, size_t at) {
  const dz__instruction *i = &k->l->code.at[at];
  switch ((dz__step_op)i->op) {
  case DZ__I_PART:
  case DZ__I_PARTADD:
    return i->fn != DZ__F_div && i->fn != DZ__F_sqrt && i->fn != DZ__F_log && i->fn != DZ__F_log2 &&
           i->fn != DZ__F_log10 && i->fn != DZ__F_log1p;
  case DZ__I_LOAD:
    return i->c != 1;
  case DZ__I_STORE:
    return at < k->runs;
  case DZ__I_FN:
  case DZ__I_FNK:
  case DZ__I_GATHER:
  case DZ__I_SELECT:
  case DZ__I_RSELECT:
  case DZ__I_SCATTER:
    return true;
  default:
    return false;
  }
}

static size_t weight(const dz__instruction *i) {
  return i->op == DZ__I_SUM ? i->b : i->op == DZ__I_RSUM ? i->c : 1;
}

static size_t sums_of(const dz__routine *c, const dz__instruction *i) {
  size_t sums = dz__op_sums(i->op);
  for (uint32_t j = 0; i->op == DZ__I_RSUM && j < i->c; j++) {
    unsigned how = c->list[i->b + 3 * j] & DZ__T_MASK;
    sums += dz__flow_sums(how);
  }
  return sums;
}

/* Sums of the instructions from i on that are nothing else. */
static size_t sums_from(const dz__routine *c, size_t i, size_t end) {
  size_t sums = 0;
  for (; i < end && sums_of(c, &c->at[i]); i++) sums += sums_of(c, &c->at[i]);
  return sums;
}

/* The machine adds up all lanes of one instruction before those of the next; a block takes lane by lane. So
   no block adds to an accumulator twice. */
static void look_for_sum(dz__loop_emitter *k, uint32_t acc) { k->twice |= k->summed[acc] == k->summing; }
static void note_sum(dz__loop_emitter *k, uint32_t acc) { k->summed[acc] = k->summing; }

static bool sums_again(dz__loop_emitter *k, const dz__instruction *i) {
  if (!k->summed) return false;
  k->twice = false;
  dz__each_sum(k, i, look_for_sum);
  return k->twice;
}

enum { MANY_SUMS = 12 };

/* The end of the block that begins at i. Many sums stand alone: registers do not hold more. */
static size_t block_end(dz__loop_emitter *k, size_t i) {
  const dz__routine *c = &k->l->code;
  size_t end = i < c->reverse ? c->reverse : c->n, terms = 0, sums = 0, first = i;
  if (dz__is_loose(k, i)) return i + 1;
  k->summing++;
  for (; i < end && !dz__is_loose(k, i); i++) {
    size_t more = sums_of(c, &c->at[i]);
    if (i > first && i < k->runs && more && !sums && terms >= MANY_SUMS && sums_from(c, i, end) >= MANY_SUMS)
      break;
    if (i > first && i < k->runs && !more && sums >= MANY_SUMS) break;
    if (sums_again(k, &c->at[i])) break;
    if (k->summed) dz__each_sum(k, &c->at[i], note_sum);
    terms += weight(&c->at[i]);
    sums += more;
    if (i > first && i < k->runs && (terms > (k->map ? DZ__LONG_BLOCK : DZ__BLOCK) || sums > k->sums)) break;
  }
  return i;
}

/* Values and adjoints of a tile one after another: where the last arithmetic of the one and the first of the
   other meet, nothing between them need be stored. */
static void find_blocks(dz__loop_emitter *k) {
  const dz__routine *c = &k->l->code;
  k->joint = SIZE_MAX;
  for (size_t i = 0; i < c->n; i = block_end(k, i)) {
    const bool meet = i == c->reverse && !k->l->kept;
    /* The last value goes to a sum or an array, the first adjoint comes from around. */
    if (meet && !DZ__NEVER(dz__is_loose(k, i) || dz__is_loose(k, i - 1)))
      k->joint = k->blocks - 1;
    else
      k->begin[k->blocks++] = i;
  }
  k->begin[k->blocks] = c->n;
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
  const unsigned kept = k->at_end[slot] & (dz__is_made_again(k, &k->l->code.at[k->at]) ? 2u : 3u);
  if (k->local[slot] != k->block && kept) {
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
  k->live[dz__place_index(*place)] |= dz__is_loose(k, k->at) ? 2 : 1;
}

static void find_stores(dz__loop_emitter *k) {
  const dz__routine *c = &k->l->code;
  for (size_t b = k->blocks; b-- > 0;) {
    size_t from = k->begin[b], end = k->begin[b + 1];
    k->block = (uint32_t)b + 1;
    k->first[b] = k->stores;
    for (k->at = end; k->at-- > from;) {
      dz__each_place(c, &c->at[k->at], written, k);
      dz__each_place(c, &c->at[k->at], read, k);
    }
    k->count[b] = k->stores - k->first[b];
  }
  memset(k->local, 0, c->slots * sizeof *k->local);
}

/* ---- functions ---- */

static const char arguments[] = "const double *in, double *grad, double *w, const double *t, const uint32_t "
                                "*x, double *R, double *A, size_t lane, size_t n";

static void open_piece(dz__loop_emitter *k, const char *kind, size_t piece) {
  dz__say(k->e, "static void %s_loop%zu_%s%zu(%s%s) {\n  size_t i;\n", k->e->name, k->loop, kind, piece,
          arguments, dz__kernels(k->e));
  if (k->e->outside) dz__say(k->e, "  const size_t m = (n + 7) / 8 * 8;\n  (void)q, (void)m;\n");
  dz__say(k->e, "  (void)in, (void)grad, (void)w, (void)t, (void)x, (void)R, (void)A, (void)lane;\n");
}

/* Block b, or as many as are said together. Returns the first behind. */
static size_t say_unit(dz__loop_emitter *k, size_t b) {
  const dz__routine *c = &k->l->code;
  const size_t first = k->begin[b];
  k->block = (uint32_t)b + 1;
  if (!dz__is_loose(k, first)) return dz__say_block(k, b, k->begin[b + 1]), b + 1;
  b += dz__say_loose(k, first);
  for (size_t i = first; i < k->begin[b]; i++) dz__note_maker(k, &c->at[i]);
  return b;
}

/* All blocks. False when memory is out. */
static bool say_units(dz__loop_emitter *k, dz__fold *f) {
  const dz__routine *c = &k->l->code;
  dz__fold_begin(f, k->e);
  for (size_t b = 0, end; b < k->blocks; b = end) {
    size_t terms = 0;
    end = say_unit(k, b);
    for (size_t i = k->begin[b]; i < k->begin[end]; i++) terms += weight(&c->at[i]);
    dz__fold_unit(f, k->e, terms, k->begin[b] >= c->reverse, b == k->joint);
  }
  return dz__fold_end(f, k->e);
}

/* Turns of blocks from t on until a function is full, or the other direction begins. Returns the first not
   written. */
static size_t say_piece(dz__loop_emitter *k, const dz__fold *f, size_t t, size_t piece) {
  size_t terms = 0;
  const bool back = f->unit[f->turns[t].first].back;
  open_piece(k, "", piece);
  for (bool alone = false; t < f->n_turns && terms < DZ__PIECE && !alone; t++) {
    const dz__turns *at = &f->turns[t];
    const dz__unit *u = &f->unit[at->first];
    alone = u->alone;
    if (u->back != back || (alone && terms)) break;
    dz__fold_say(f, k->e, at);
    for (size_t j = 0; j < at->units; j++) terms += u[j].weight;
  }
  dz__say(k->e, "}\n");
  return t;
}

/* The values of the block that goes on to adjoints, for those who want only them. */
static void say_values(dz__loop_emitter *k) {
  k->block = (uint32_t)k->blocks + 1;
  dz__note_makers(k, k->begin[k->joint]);
  open_piece(k, "values", 0);
  dz__say_block(k, k->joint, k->l->code.reverse);
  dz__say(k->e, "}\n");
}

static void say_call(const dz__loop_emitter *k, const char *kind, size_t piece) {
  dz__say(k->e, "  %s_loop%zu_%s%zu(in, grad, w, t, x, R, A, lane, n%s);\n", k->e->name, k->loop, kind, piece,
          dz__the_kernels(k->e));
}

/* One tile: the first `forward` pieces are for values. */
static void say_tile(dz__loop_emitter *k, size_t forward, size_t pieces) {
  dz__emitter *e = k->e;
  dz__say(e,
          "static void %s_loop%zu_tile(const double *in, double *grad, double *w, const double *t, const "
          "uint32_t *x, "
          "double *R, double *A, size_t lane, size_t n, int mode%s) {\n",
          e->name, k->loop, dz__kernels(e));
  if (k->l->kept) dz__say(e, "  if (mode != %u) {\n", DZ__CALL_BACKWARD);
  for (size_t j = 0; j < forward; j++) say_call(k, "", j);
  if (k->l->kept) dz__say(e, "  }\n");
  dz__say(e, "  if (mode == %u) {\n", DZ__CALL_FORWARD);
  if (k->joint < k->blocks) say_call(k, "values", 0);
  dz__say(e, "  return;\n  }\n");
  for (size_t j = forward; j < pieces; j++) say_call(k, "", j);
  dz__say(e, "}\n");
}

/* All pieces; returns how many, of which *forward are for values. */
static size_t say_pieces(dz__loop_emitter *k, size_t *forward) {
  dz__fold f;
  size_t piece = 0;
  *forward = 0;
  if (!say_units(k, &f)) k->failed = true;
  for (size_t t = 0; t < f.n_turns && !k->failed;) {
    const dz__unit *u = &f.unit[f.turns[t].first];
    *forward += !u->back && !u->alone;
    t = say_piece(k, &f, t, piece++);
  }
  dz__fold_free(&f);
  if (k->joint < k->blocks) say_values(k);
  return piece;
}

static void say_all(dz__loop_emitter *k) {
  size_t forward, pieces = say_pieces(k, &forward);
  say_tile(k, forward, pieces);
  dz__say_around(k);
}

/* One tile of samples: their numbers are in `in`, values go to A, rows of the Jacobian to grad. */
static void say_map(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  size_t forward, pieces = say_pieces(k, &forward);
  dz__say(e,
          "void %s_map(const double *in, double *grad, double *w, double *A, size_t lane, size_t n, const "
          "kernels *q);\n"
          "void %s_map(const double *in, double *grad, double *w, double *A, size_t lane, size_t n, const "
          "kernels *q) {\n  double *R = w + %zu;\n  const double *t = NULL;\n  const uint32_t *x = NULL;\n",
          e->name, e->name, k->l->spot);
  for (size_t j = 0; j < forward; j++) say_call(k, "", j);
  dz__say(e, "  if (!grad) {\n");
  if (k->joint < k->blocks) say_call(k, "values", 0);
  dz__say(e, "    return;\n  }\n");
  for (size_t j = forward; j < pieces; j++) say_call(k, "", j);
  dz__say(e, "}\n\n");
}

static void *zeros(const dz_allocator *a, size_t bytes) {
  void *x = dz__alloc(a, bytes);
  return x ? memset(x, 0, bytes) : NULL;
}

static bool make_room(dz__loop_emitter *k, bool quick) {
  const dz_allocator *a = &k->e->p->alloc;
  size_t slots = k->l->code.slots + 1, n = k->l->code.n + 1;
  k->local = zeros(a, slots * sizeof *k->local);
  k->changed = zeros(a, slots * sizeof *k->changed);
  k->maker = zeros(a, slots * sizeof *k->maker);
  k->live = zeros(a, slots);
  k->at_end = dz__alloc(a, slots);
  k->first = dz__alloc(a, n * sizeof *k->first);
  k->count = dz__alloc(a, n * sizeof *k->count);
  k->begin = dz__alloc(a, n * sizeof *k->begin);
  k->summed = quick ? NULL : zeros(a, (k->l->accs + 1) * sizeof *k->summed);
  return k->local && k->changed && k->maker && k->live && k->at_end && k->first && k->count && k->begin &&
         (quick || k->summed);
}

static void free_room(dz__loop_emitter *k) {
  const dz_allocator *a = &k->e->p->alloc;
  size_t slots = k->l->code.slots + 1, n = k->l->code.n + 1;
  dz__free(a, k->local, slots * sizeof *k->local);
  dz__free(a, k->changed, slots * sizeof *k->changed);
  dz__free(a, k->maker, slots * sizeof *k->maker);
  dz__free(a, k->live, slots);
  dz__free(a, k->at_end, slots);
  dz__free(a, k->first, n * sizeof *k->first);
  dz__free(a, k->count, n * sizeof *k->count);
  dz__free(a, k->begin, n * sizeof *k->begin);
  dz__free(a, k->summed, (k->l->accs + 1) * sizeof *k->summed);
  dz__free(a, k->store, k->store_cap * sizeof *k->store);
}

static dz_status say_with(dz__loop_emitter *k, void (*say)(dz__loop_emitter *k)) {
  const bool done = make_room(k, dz__machine_is_quick(k->e->p->lanes));
  k->sums = dz__machine_isa(k->e->p->lanes) == DZ__AVX512 ? 24 : 8;
  k->again = dz__makes_again(k->l, k->map);
  if (done) {
    dz__find_runs(k);
    find_blocks(k);
    find_stores(k);
    if (!k->failed) say(k);
  }
  free_room(k);
  return done && !k->failed ? DZ_OK : DZ_ERR_MEMORY;
}

dz_status dz__emit_loop(dz__emitter *e, size_t loop) {
  const dz_allocator *a = &e->p->alloc;
  dz__loop_emitter k = {
      .e = e, .l = &e->p->program.loop[loop], .loop = loop, .spots = dz__spots_of(e->p, loop)};
  bool quick = e->outside && dz__machine_is_quick(e->p->lanes);
  if (quick && dz__hoist(a, k.l, &k.hoisted)) k.l = &k.hoisted.loop;
  dz_status status = say_with(&k, say_all);
  dz__hoisted_free(a, &k.hoisted);
  return status;
}

dz_status dz__emit_map(dz__emitter *e) {
  dz__loop_emitter k = {.e = e, .l = e->p->program.map, .loop = e->p->program.loops, .map = true};
  return say_with(&k, say_map);
}
