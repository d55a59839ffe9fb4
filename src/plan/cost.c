/* Costs, counted from the table's own text. */
#include "dz/cost.h"

#include "kernels/pointwise.h"
#include "plan/plan.h"
#include "tape/sweep.h"

#include <math.h>
#include <string.h>

/* ---- formulas ---- */

typedef struct tally {
  unsigned operations, calls; /* calls: those of transcendental functions */
} tally;

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

/* Functions that cost about as much as a comparison or a division. */
static bool is_cheap(const char *name, size_t n) {
  static const char *const cheap[] = {"fabs",  "sqrt",  "fmin",     "fmax", "floor", "ceil",
                                      "round", "trunc", "copysign", "sign", "fmod",  "mod"};
  for (size_t k = 0; k < sizeof cheap / sizeof *cheap; k++)
    if (strlen(cheap[k]) == n && memcmp(cheap[k], name, n) == 0) return true;
  return false;
}

/* A word or number of *n letters (the table's numbers have no exponents); a call is one where it stands
   before its parenthesis. */
static tally count_word(const char *s, size_t *n) {
  while (is_word(s[*n]) || s[*n] == '.') ++*n;
  bool call = is_letter(*s) && s[*n] == '(';
  return (tally){call, call && !is_cheap(s, *n)};
}

static tally sum_of(tally a, tally b) { return (tally){a.operations + b.operations, a.calls + b.calls}; }
static tally larger(tally a, tally b) { return b.operations > a.operations ? b : a; }

/* Operators and calls of a formula. Of a choice all conditions are counted, and the branch that is most work.
   A number's own sign is no operator. */
static tally count_text(const char *s) {
  tally conditions = {0, 0}, most = {0, 0}, now = {0, 0};
  int depth = 0;
  if (s && strncmp(s, "MASK(", 5) == 0) s += 5;
  for (bool operand = false; s && *s;) {
    size_t n = 1;
    if (is_word(*s) || *s == '.') {
      n = 0;
      now = sum_of(now, count_word(s, &n));
    } else if (depth <= 0 && *s == '?') {
      conditions = sum_of(conditions, sum_of(now, (tally){1, 0}));
      now = (tally){0, 0};
    } else if (depth <= 0 && *s == ':') {
      most = larger(most, now);
      now = (tally){0, 0};
    } else if (strchr("+-*/<>=!&|?", *s)) {
      bool sign = *s == '-' && !operand && (unsigned char)(s[1] - '0') < 10;
      n += memchr("=&|", s[1], 3) != NULL;
      now.operations += !sign;
    }
    depth += (*s == '(') - (*s == ')');
    if (*s != ' ') operand = is_word(*s) || *s == '.' || *s == ')';
    s += n;
  }
  return sum_of(conditions, larger(most, now));
}

typedef struct line {
  tally value, partial[3];
} line;

/* ---- nodes ---- */

typedef struct counting {
  dz_tape *t;
  dz_cost *c;
  line *lines; /* per operation of the table */
  uint8_t *used;
} counting;

static void add(dz_work *w, double times, tally t) {
  w->operations += times * t.operations;
  w->transcendentals += times * t.calls;
}

static double elements(dz_var x) { return dz_is_number(x) ? 1 : (double)dz_size(x); }

/* Of its values, or of its adjoint. */
static double bytes_in(dz_var x) {
  bool floats = !dz_is_number(x) && dz_rank(x) > 0 && dz_tape_is_single(x.tape);
  return (floats ? 4 : 8) * elements(x);
}

static bool takes_gradient(dz_var v, dz_var x) {
  return !dz_is_number(x) && dz_is_active(x) && dz_is_active(v);
}

/* The partial to operand k, times what arrives, added to what is there. */
static void count_pointwise(const counting *k, dz_var v, unsigned fn, const dz_node *d) {
  const line *l = &k->lines[fn];
  double n = elements(v);
  add(&k->c->value, n, l->value);
  for (int j = 0; j < d->nargs; j++) {
    dz_var x = dz_operand(v, j);
    if (!takes_gradient(v, x)) continue;
    add(&k->c->gradient, n, l->partial[j]);
    k->c->gradient.operations += 2 * n;
    k->c->gradient.bytes += bytes_in(v) + 2 * bytes_in(x);
  }
}

/* Operations on numbers for the value; and for each operand that a gradient flows to. */
typedef struct tensor_work {
  double value, calls, pull, pull_calls;
} tensor_work;

static tensor_work work_of(dz_var v, unsigned fn) {
  dz_var x = dz_operand(v, 0);
  double in = elements(x), out = elements(v), inner, n;
  if (fn == DZ__F_user) return (tensor_work){out, 0, in, 0};
  switch (dz__tensor_ops[fn - DZ__F_POINTWISE_END].carries) {
  case DZ__MULTIPLIES:
    inner = (double)dz_extent(x, dz_rank(x) - 1);
    return (tensor_work){2 * out * inner, 0, 2 * out * inner, 0};
  case DZ__MIXES: /* elimination; then two triangles for each column, and once more to refine */
    if (fn == DZ__F_noise) return (tensor_work){out, 0, 0, 0};
    n = (double)dz_extent(x, 0);
    if (fn == DZ__F_lu) return (tensor_work){2 * n * n * n / 3, 0, 0, 0};
    return (tensor_work){6 * n * out, 0, 6 * n * out, 0};
  case DZ__REDUCES:
    if (fn == DZ__F_logsumexp) return (tensor_work){4 * in + out, in + out, 4 * in, in};
    if (fn == DZ__F_norm) return (tensor_work){4 * in + 2 * out, 0, 3 * in, 0};
    return (tensor_work){fn == DZ__F_count ? 0 : in, 0, fn == DZ__F_sum ? in : 3 * in, 0};
  case DZ__SCANS:
    return (tensor_work){out, 0, 2 * out, 0};
  case DZ__COLLECTS:
    return (tensor_work){in, 0, in, 0};
  default: /* moved; their adjoints are added */
    return (tensor_work){0, 0, out, 0};
  }
}

/* Among how many operands the way back's work is divided: of joins each has its own elements; what solve
   solves again serves both sides. */
static double shares_of(dz_var v, unsigned fn, const dz_node *d) {
  double n = 0;
  if (fn == DZ__F_concat || fn == DZ__F_stack) return d->nargs;
  if (fn != DZ__F_solve) return 1;
  for (int j = 0; j < d->nargs; j++) n += takes_gradient(v, dz_operand(v, j));
  return n;
}

static void count_tensor(const counting *k, dz_var v, unsigned fn, const dz_node *d) {
  tensor_work w = work_of(v, fn);
  const double shares = shares_of(v, fn, d);
  k->c->value.operations += w.value;
  k->c->value.transcendentals += w.calls;
  for (int j = 0; j < d->nargs; j++) {
    dz_var x = dz_operand(v, j);
    if (!takes_gradient(v, x)) continue;
    k->c->gradient.operations += w.pull / shares;
    k->c->gradient.transcendentals += w.pull_calls;
    k->c->gradient.bytes += bytes_in(v) + 2 * bytes_in(x);
  }
}

static void count_node(const counting *k, uint32_t i) {
  dz_var v = dz__handle(k->t, i);
  const dz__wide *wide = dz__wide_of(k->t, i);
  dz_node d = dz_describe(v);
  unsigned fn = wide ? wide->fn : (unsigned)(dz__site_of(k->t, i).f - dz__pointwise);
  k->c->nodes++;
  k->c->value.bytes += bytes_in(v);
  for (int j = 0; j < d.nargs; j++) {
    dz_var x = dz_operand(v, j);
    if (!dz_is_number(x)) k->used[dz__index(x)] = 1;
    k->c->value.bytes += bytes_in(x);
  }
  if (fn < DZ__F_POINTWISE_END)
    count_pointwise(k, v, fn, &d);
  else
    count_tensor(k, v, fn, &d);
}

static void count_tape(const counting *k, uint32_t top) {
  double adjoints = 0;
  k->used[top] = 1;
  for (uint32_t i = top + 1; i-- > 0;) {
    dz_var v = dz__handle(k->t, i);
    if (dz_is_active(v)) adjoints += bytes_in(v);
    if (k->used[i] && dz_role_of(v) == DZ_ROLE_NONE) count_node(k, i);
  }
  k->c->value.memory = (double)dz_tape_bytes(k->t);
  k->c->gradient.memory = k->c->value.memory + adjoints;
}

static void read_table(line *lines) {
  for (unsigned f = 0; f < DZ__F_POINTWISE_END; f++) {
    lines[f].value = count_text(dz__ops[f].value);
    for (int j = 0; j < 3; j++) lines[f].partial[j] = count_text(dz__ops[f].partial[j]);
  }
}

/* ---- plans ---- */

typedef struct running {
  const dz__routine *c;
  double lanes;
  dz_work *w;
} running;

static void touch(void *user, uint32_t *place, unsigned access) {
  const running *r = user;
  if (dz__where_of(*place) == DZ__REG) return;
  unsigned times = (access & DZ__READ ? 1u : 0u) + (access & DZ__WRITTEN ? 1u : 0u);
  r->w->bytes += 8 * times * (dz__one_for_all(*place) ? 1 : r->lanes);
}

static double operations_of(const dz__routine *c, const dz__instruction *i) {
  double n = 0;
  switch ((dz__step_op)i->op) {
  case DZ__I_SUM:
    for (uint32_t j = 0; j < i->b; j++) n += 1 + ((c->list[i->a + 3 * j] & DZ__T_MASK) >= DZ__T_VV);
    return n - 1;
  case DZ__I_RSUM:
    for (uint32_t j = 0; j < i->c; j++) n += 1 + (c->list[i->b + 3 * j + 1] != DZ__NOWHERE);
    return n;
  case DZ__I_MULADD:
  case DZ__I_MULSUB:
  case DZ__I_MULNEG:
  case DZ__I_REDMUL:
  case DZ__I_REDMULNEG:
    return 2;
  case DZ__I_ZERO:
  case DZ__I_SPREAD:
  case DZ__I_MOV:
  case DZ__I_LOAD:
  case DZ__I_GATHER:
  case DZ__I_SELECT:
  case DZ__I_PUT:
  case DZ__I_CALL:
  case DZ__I_FN:
  case DZ__I_FNK:
    return 0;
  case DZ__I_PART:
    return 1;
  case DZ__I_PARTADD:
    return 2;
  default:
    return 1;
  }
}

static void count_routine(const dz__routine *c, double lanes, const line *lines, dz_work *w) {
  running r = {c, lanes, w};
  for (size_t k = 0; k < c->n; k++) {
    dz__instruction i = c->at[k];
    w->operations += lanes * operations_of(c, &i);
    if (i.op == DZ__I_FN || i.op == DZ__I_FNK) add(w, lanes, lines[i.fn].value);
    if (i.op == DZ__I_FNK) add(w, lanes, lines[i.fn].partial[0]);
    if (i.op == DZ__I_PART || i.op == DZ__I_PARTADD) add(w, lanes, lines[i.fn].partial[i.mode]);
    dz__each_place(c, &i, touch, &r);
  }
}

/* Registers of the program around have places like other numbers. */
static void count_plan(const dz_plan *p, const line *lines, dz_work *w) {
  const dz__program *g = &p->program;
  count_routine(&g->code, 1, lines, w);
  for (size_t k = 0; k < g->loops; k++) count_routine(&g->loop[k].code, (double)g->loop[k].lanes, lines, w);
  w->memory = (double)dz_plan_memory(p) + (double)p->facts.bytes;
}

dz_status dz_cost_of(dz_var y, const dz_plan *p, dz_cost *c) {
  line lines[DZ__F_POINTWISE_END];
  if (!c) return DZ_ERR_ARGUMENT;
  *c = (dz_cost){.nodes = 0};
  if (dz_is_number(y) || !dz_valid(y)) return DZ_ERR_HANDLE;
  uint32_t top = dz__index(y);
  dz_allocator a = dz__of_const(y.tape)->alloc;
  uint8_t *used = dz__alloc(&a, (size_t)top + 1);
  if (!used) return DZ_ERR_MEMORY;
  memset(used, 0, (size_t)top + 1);
  read_table(lines);
  count_tape(&(counting){y.tape, c, lines, used}, top);
  dz__free(&a, used, (size_t)top + 1);
  c->gradient.operations += c->value.operations;
  c->gradient.transcendentals += c->value.transcendentals;
  c->gradient.bytes += c->value.bytes;
  c->ratio = c->value.operations > 0 ? c->gradient.operations / c->value.operations : NAN;
  if (p) count_plan(p, lines, &c->plan);
  return DZ_OK;
}
