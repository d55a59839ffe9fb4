/* Loops as C. Arithmetic goes in blocks: a block is one loop over vectors of eight lanes, whose values stay
   in registers; only what is read behind it goes to the tile's arrays. Functions of the table, and wiring,
   have loops of their own. */
#include "plan/emit.h"

#include "kernels/pointwise.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 120, PIECE = 240 }; /* terms to a block, and to a function */

typedef struct work {
  dz__emitter *e;
  const dz__loop *l;
  dz__spots spots;
  size_t loop;
  uint32_t block;         /* the number of the block at hand, from 1 */
  uint32_t *local;        /* per slot the last block in which it has a variable */
  uint32_t *changed;      /* per slot the last block whose end has been looked at; */
  uint8_t *live, *at_end; /* whether it is read later, now and there */
  uint32_t *store;        /* slots that a block has to store */
  size_t stores, store_cap;
  size_t *first; /* per instruction that begins a block: where its stores begin; and their number */
  size_t *count, *begin;
  size_t blocks;
  uint32_t
      uniform[3 * BLOCK + 64]; /* what the block has variables for: numbers for all lanes, accumulators */
  size_t uniforms;
  bool failed;
} work;

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
    if (terms > BLOCK) break;
  }
  return k;
}

/* ---- what is read behind a block, from the end of the program to its beginning ---- */

static bool is_slot(uint32_t place) { return dz__where_of(place) == DZ__REG; }

static void touch(work *k, uint32_t slot) {
  if (k->changed[slot] == k->block) return;
  k->changed[slot] = k->block;
  k->at_end[slot] = k->live[slot];
}

static void written(void *user, uint32_t *place, unsigned access) {
  work *k = user;
  if (!is_slot(*place) || !(access & DZ__WRITTEN)) return;
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
  work *k = user;
  if (!is_slot(*place) || !(access & DZ__READ)) return;
  touch(k, dz__place_index(*place));
  k->live[dz__place_index(*place)] = 1;
}

static void find_stores(work *k) {
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

/* ---- operands ---- */

typedef struct spot {
  char text[64];
} spot;

/* A vector's first element for the lanes at hand. */
static spot array_at(const work *k, uint32_t place) {
  spot s;
  unsigned n = dz__place_index(place);
  switch ((dz__where)dz__where_of(place)) {
  case DZ__REG:
    snprintf(s.text, sizeof s.text, "R + %zu", n * k->l->tile);
    break;
  case DZ__ROW:
    snprintf(s.text, sizeof s.text, "t + %zu + lane", k->spots.table + n * dz__padded(k->l->lanes));
    break;
  case DZ__INS:
    snprintf(s.text, sizeof s.text, "in + %u + lane", n);
    break;
  case DZ__IN:
    snprintf(s.text, sizeof s.text, "in + %u", n);
    break;
  case DZ__GRAD:
    snprintf(s.text, sizeof s.text, "grad + %u", n);
    break;
  case DZ__DIRECT:
    snprintf(s.text, sizeof s.text, "w + %u + lane", n);
    break;
  default:
    snprintf(s.text, sizeof s.text, "w + %u", n);
  }
  return s;
}

/* Whether the block has a variable for it: numbers for all lanes, and accumulators. */
static bool listed(const work *k, uint32_t place) {
  for (size_t j = 0; j < k->uniforms; j++)
    if (k->uniform[j] == place) return true;
  return false;
}

/* In a block: a variable, or what is loaded there and then. */
static spot in_block(const work *k, uint32_t place) {
  spot s;
  unsigned n = dz__place_index(place);
  bool in = dz__where_of(place) == DZ__IN;
  if (is_slot(place))
    snprintf(s.text, sizeof s.text, "r%u", n);
  else if (dz__one_for_all(place) && listed(k, place))
    snprintf(s.text, sizeof s.text, "%s%u", in ? "i" : "c", n);
  else if (dz__one_for_all(place))
    snprintf(s.text, sizeof s.text, "%s[%u]", in ? "in" : "w", n);
  else {
    spot a = array_at(k, place);
    snprintf(s.text, sizeof s.text, "LD(%.50s + i)", a.text);
  }
  return s;
}

static void declare(void *user, uint32_t *place, unsigned access) {
  work *k = user;
  if (is_slot(*place)) {
    uint32_t slot = dz__place_index(*place);
    if (k->local[slot] == k->block) return;
    k->local[slot] = k->block;
    if (access & DZ__READ)
      dz__say(k->e, "      %s_v r%u = LD(%s + i);\n", k->e->name, (unsigned)slot, array_at(k, *place).text);
    else
      dz__say(k->e, "      %s_v r%u;\n", k->e->name, (unsigned)slot);
  }
}

static void list(work *k, uint32_t place) {
  if (k->uniforms < sizeof k->uniform / sizeof *k->uniform && !listed(k, place))
    k->uniform[k->uniforms++] = place;
}

static void collect(void *user, uint32_t *place, unsigned access) {
  (void)access;
  if (dz__one_for_all(*place)) list(user, *place);
}

/* An accumulator in a block: in a register as long as there is room in the list. */
static spot accumulator(const work *k, uint32_t acc) {
  spot s;
  if (listed(k, dz__place_at(DZ__OUT, acc)))
    snprintf(s.text, sizeof s.text, "a%u", (unsigned)acc);
  else
    snprintf(s.text, sizeof s.text, "ST(A + %u)", (unsigned)acc * DZ__W);
  return s;
}

/* Accumulators of an instruction: *n of them at most; their numbers by f. */
static void each_acc(const dz__routine *c, const dz__instruction *i, void (*f)(work *, uint32_t), work *k) {
  if (i->op >= DZ__I_RED && i->op <= DZ__I_REDMULNEG) f(k, i->d);
  if (i->op != DZ__I_RSUM) return;
  for (uint32_t j = 0; j < i->c; j++) {
    const uint32_t *t = c->list + i->b + 3 * j;
    unsigned how = t[0] & DZ__T_MASK;
    if (how == DZ__R_RED || how == DZ__R_REDV) f(k, t[2]);
  }
}

static void collect_acc(work *k, uint32_t acc) { list(k, dz__place_at(DZ__OUT, acc)); }

/* ---- instructions in a block ---- */

static void say_sum(work *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->a;
  dz__say(k->e, "      %s =", in_block(k, i->d).text);
  for (uint32_t j = 0; j < i->b; j++, t += 3) {
    bool product = (t[0] & DZ__T_MASK) >= DZ__T_VV;
    const char *sign = t[0] & DZ__SUBTRACT ? "- " : j ? "+ " : "";
    if (j == 0 && (t[0] & DZ__T_MASK) == DZ__T_S)
      dz__say(k->e, " %s(%s - (%s_v){0})", sign, in_block(k, t[1]).text, k->e->name);
    else
      dz__say(k->e, " %s%s%s%s", sign, in_block(k, t[1]).text, product ? " * " : "",
              product ? in_block(k, t[2]).text : "");
  }
  dz__say(k->e, ";\n");
}

static void say_flows(work *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->b;
  spot g = in_block(k, i->a);
  for (uint32_t j = 0; j < i->c; j++, t += 3) {
    unsigned how = t[0] & DZ__T_MASK;
    bool set = how == DZ__R_SET || how == DZ__R_SETV || how == DZ__R_SETS, factor = t[1] != DZ__NOWHERE;
    bool minus = t[0] & DZ__SUBTRACT;
    if (how == DZ__R_RED || how == DZ__R_REDV)
      dz__say(k->e, "      %s %s %s", accumulator(k, t[2]).text, minus ? "-=" : "+=", g.text);
    else
      dz__say(k->e, "      r%u %s %s%s", (unsigned)dz__place_index(t[2]),
              set     ? "="
              : minus ? "-="
                      : "+=",
              set && minus ? "-" : "", g.text);
    dz__say(k->e, "%s%s;\n", factor ? " * " : "", factor ? in_block(k, t[1]).text : "");
  }
}

static void say_quotient(work *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->a;
  dz__say(k->e, "      %s %s ", in_block(k, i->d).text, i->op == DZ__I_PART ? "=" : "+=");
  if (i->mode == 0)
    dz__say(k->e, "(1 / %s) * %s;\n", in_block(k, t[1]).text, in_block(k, t[4]).text);
  else
    dz__say(k->e, "(-%s / %s) * %s;\n", in_block(k, t[3]).text, in_block(k, t[1]).text,
            in_block(k, t[4]).text);
}

static const struct {
  const char *assign, *before, *between, *after;
} forms[] = {[DZ__I_MOV] = {"=", "", "", ""},          [DZ__I_NEG] = {"=", "-", "", ""},
             [DZ__I_ACC] = {"+=", "", "", ""},         [DZ__I_DEC] = {"-=", "", "", ""},
             [DZ__I_ADD] = {"=", "", " + ", ""},       [DZ__I_SUB] = {"=", "", " - ", ""},
             [DZ__I_MUL] = {"=", "", " * ", ""},       [DZ__I_DIV] = {"=", "", " / ", ""},
             [DZ__I_MULNEG] = {"=", "-(", " * ", ")"}, [DZ__I_MULADD] = {"+=", "", " * ", ""},
             [DZ__I_MULSUB] = {"-=", "", " * ", ""},   [DZ__I_RED] = {"+=", "", "", ""},
             [DZ__I_DECRED] = {"-=", "", "", ""},      [DZ__I_REDMUL] = {"+=", "", " * ", ""},
             [DZ__I_REDMULNEG] = {"-=", "", " * ", ""}};

static void say_arithmetic(work *k, const dz__instruction *i) {
  bool red = i->op >= DZ__I_RED && i->op <= DZ__I_REDMULNEG, direct = !red && !is_slot(i->d);
  spot d = red ? accumulator(k, i->d) : direct ? array_at(k, i->d) : in_block(k, i->d);
  if (direct)
    dz__say(k->e, "      ST(%s + i) ", d.text);
  else
    dz__say(k->e, "      %s ", d.text);
  const char *between = forms[i->op].between;
  dz__say(k->e, "%s %s%s%s%s%s;\n", forms[i->op].assign, forms[i->op].before, in_block(k, i->a).text, between,
          between[0] ? in_block(k, i->b).text : "", forms[i->op].after);
}

static void say_in_block(work *k, dz__instruction *i) {
  dz__each_place(&k->l->code, i, declare, k);
  switch ((dz__step_op)i->op) {
  case DZ__I_SUM:
    say_sum(k, i);
    break;
  case DZ__I_RSUM:
    say_flows(k, i);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    say_quotient(k, i);
    break;
  case DZ__I_ZERO:
    dz__say(k->e, "      %s = (%s_v){0};\n", in_block(k, i->d).text, k->e->name);
    break;
  case DZ__I_SPREAD:
    dz__say(k->e, "      %s = %s - (%s_v){0};\n", in_block(k, i->d).text, in_block(k, i->a).text, k->e->name);
    break;
  default:
    say_arithmetic(k, i);
  }
}

static void say_block(work *k, size_t b) {
  const dz__routine *c = &k->l->code;
  dz__emitter *e = k->e;
  k->uniforms = 0;
  for (size_t i = k->begin[b]; i < k->begin[b + 1]; i++) {
    dz__each_place(c, &c->at[i], collect, k);
    each_acc(c, &c->at[i], collect_acc, k);
  }
  dz__say(e, "  {\n");
  for (size_t j = 0; j < k->uniforms; j++) {
    uint32_t n = dz__place_index(k->uniform[j]);
    if (dz__where_of(k->uniform[j]) == DZ__OUT)
      dz__say(e, "    %s_v a%u = LD(A + %u);\n", e->name, (unsigned)n, (unsigned)n * DZ__W);
    else
      dz__say(e, "    const double %s = %s[%u];\n", in_block(k, k->uniform[j]).text,
              dz__where_of(k->uniform[j]) == DZ__IN ? "in" : "w", (unsigned)n);
  }
  dz__say(e, "    for (i = 0; i < n; i += 8) {\n");
  for (size_t i = k->begin[b]; i < k->begin[b + 1]; i++) say_in_block(k, &c->at[i]);
  for (size_t j = 0; j < k->count[b]; j++) {
    uint32_t slot = k->store[k->first[b] + j];
    dz__say(e, "      ST(R + %zu + i) = r%u;\n", slot * k->l->tile, (unsigned)slot);
  }
  dz__say(e, "    }\n");
  for (size_t j = 0; j < k->uniforms; j++)
    if (dz__where_of(k->uniform[j]) == DZ__OUT) {
      unsigned n = dz__place_index(k->uniform[j]);
      dz__say(e, "    ST(A + %u) = a%u;\n", n * DZ__W, n);
    }
  dz__say(e, "  }\n");
}

/* ---- loose instructions ---- */

static void say_partial(work *k, const dz__instruction *i) {
  const uint32_t *t = k->l->code.list + i->a;
  bool mask = dz__pointwise[i->fn].mask[i->mode];
  dz__say(k->e,
          "  for (i = 0; i < n; i++) {\n    const double p = %s_d%u_%s((%s)[i], (%s)[i], (%s)[i], (%s)[i], "
          "%s);\n",
          k->e->name, (unsigned)i->mode, dz__ops[i->fn].name, array_at(k, t[0]).text, array_at(k, t[1]).text,
          array_at(k, t[2]).text, array_at(k, t[3]).text, i->flags ? ".5" : "0");
  dz__say(k->e, "    (%s)[i] %s %sp * (%s)[i];\n  }\n", array_at(k, i->d).text,
          i->op == DZ__I_PART ? "=" : "+=", mask ? "p == 0 ? 0 : " : "", array_at(k, t[4]).text);
}

static void say_function(work *k, const dz__instruction *i) {
  const char *f = dz__ops[i->fn].name, *name = k->e->name;
  spot d = array_at(k, i->d), a = array_at(k, i->a), b = array_at(k, i->b);
  if (i->op == DZ__I_FN)
    dz__say(k->e, "  for (i = 0; i < n; i++) (%s)[i] = %s_v_%s((%s)[i], (%s)[i], (%s)[i]);\n", d.text, name,
            f, a.text, b.text, array_at(k, i->c).text);
  else
    dz__say(k->e,
            "  for (i = 0; i < n; i++) {\n    const double y = (%s)[i], z = %s_v_%s(y, 0, 0);\n"
            "    (%s)[i] = %s_d0_%s(y, 0, 0, z, 0);\n    (%s)[i] = z;\n  }\n",
            a.text, name, f, b.text, name, f, d.text);
}

static void say_wire(work *k, const dz__instruction *i) {
  dz__emitter *e = k->e;
  spot d = array_at(k, i->d), a = array_at(k, i->a);
  size_t index = k->spots.index + i->b, choice = k->spots.choice + i->b * k->l->lanes;
  switch ((dz__step_op)i->op) {
  case DZ__I_LOAD:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = (%s)[(lane + i) * %u];\n", d.text, a.text,
            (unsigned)i->c);
    break;
  case DZ__I_GATHER:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = (%s)[x[%zu + lane + i]];\n", d.text, a.text, index);
    break;
  case DZ__I_SELECT:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[i] = R[x[%zu + x[%zu + lane + i]] + i];\n", d.text,
            k->spots.list + i->a, choice);
    break;
  case DZ__I_RSELECT:
    dz__say(e, "  for (i = 0; i < n; i++) R[x[%zu + x[%zu + lane + i]] + i] += (%s)[i];\n",
            k->spots.list + i->a, choice, d.text);
    break;
  case DZ__I_STORE:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[(lane + i) * %u] += (%s)[i];\n", d.text, (unsigned)i->c,
            a.text);
    break;
  default:
    dz__say(e, "  for (i = 0; i < n; i++) (%s)[x[%zu + lane + i]] += (%s)[i];\n", d.text, index, a.text);
  }
}

static void say_loose(work *k, const dz__instruction *i) {
  if (i->op == DZ__I_PART || i->op == DZ__I_PARTADD)
    say_partial(k, i);
  else if (i->op == DZ__I_FN || i->op == DZ__I_FNK)
    say_function(k, i);
  else
    say_wire(k, i);
}

/* ---- functions ---- */

static const char arguments[] = "const double *in, double *grad, double *w, const double *t, const uint32_t "
                                "*x, double *R, double *A, size_t lane, size_t n";

/* Blocks from b on until a function is full, or the other direction begins. Returns the first not written. */
static size_t say_piece(work *k, size_t b, size_t piece) {
  const dz__routine *c = &k->l->code;
  size_t terms = 0;
  bool back = k->begin[b] >= c->reverse;
  dz__say(k->e, "static void %s_loop%zu_%zu(%s) {\n  size_t i;\n", k->e->name, k->loop, piece, arguments);
  dz__say(k->e, "  (void)in, (void)grad, (void)w, (void)t, (void)x, (void)R, (void)A, (void)lane;\n");
  for (; b < k->blocks && terms < PIECE && (k->begin[b] >= c->reverse) == back; b++) {
    k->block = (uint32_t)b + 1;
    if (is_loose(&c->at[k->begin[b]]))
      say_loose(k, &c->at[k->begin[b]]);
    else
      say_block(k, b);
    for (size_t i = k->begin[b]; i < k->begin[b + 1]; i++) terms += weight(&c->at[i]);
  }
  dz__say(k->e, "}\n");
  return b;
}

/* One tile: *forward of the pieces are for values. */
static void say_tile(work *k, size_t forward, size_t pieces) {
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
static void say_loop(work *k) {
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

static void say_all(work *k) {
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
  work k = {.e = e, .l = l, .loop = loop, .spots = dz__spots_of(e->p, loop)};
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
