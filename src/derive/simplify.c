/* From the graph to terms, simplified node by node, and back. */
#include "derive/simplify.h"

#include "base/never.h"
#include "dz/derive.h"

#include <string.h>

enum { SUMS = 1, PRODUCTS = 2, OTHERS = 4 };

typedef struct reading {
  dz__terms *s;
  dz_tape *t;
  uint32_t *term;      /* per node */
  uint8_t *uses;       /* per node, 0 1 or 2 for more */
  uint8_t *family;     /* of the users */
  dz__vec stack, args; /* what waits in a chain of sums or products; operands of a call */
} reading;

typedef struct waiting {
  dz_var x;
  double sign; /* of a sum: -1 or 1; of a product: the power */
} waiting;

static bool is_leaf(dz_var x) { return dz_role_of(x) != DZ_ROLE_NONE; }

static uint8_t family_of(dz_var x) {
  if (is_leaf(x) || dz_rank(x)) return OTHERS; /* a tensor's shape is seen to operation by operation */
  switch ((int)dz__fn_of(x)) {
  case DZ__F_neg:
  case DZ__F_add:
  case DZ__F_sub:
    return SUMS;
  case DZ__F_mul:
  case DZ__F_div:
    return PRODUCTS;
  }
  return OTHERS;
}

/* A sum in a sum, and nowhere else: it needs no term of its own. Else a chain would be stored at each of its
 * lengths. */
static bool is_link(const reading *r, dz_var x) {
  uint32_t i = dz__index(x);
  uint8_t own = family_of(x);
  return own != OTHERS && r->uses[i] == 1 && r->family[i] == own;
}

static void mark(reading *r, dz_var y) {
  r->uses[dz__index(y)] = 2;
  for (uint32_t i = dz__index(y) + 1; i-- > 0;) {
    if (!r->uses[i]) continue;
    dz_var x = dz__handle(r->t, i);
    uint8_t family = family_of(x);
    for (int k = dz_describe(x).nargs; k-- > 0;) {
      dz_var of = dz_operand(x, k);
      if (dz_is_number(of)) continue;
      if (r->uses[dz__index(of)] < 2) r->uses[dz__index(of)]++;
      r->family[dz__index(of)] |= family;
    }
  }
}

/* Numbers that slopes bring in: ln 2, ln 10, and below the line; 2 / sqrt(pi). */
static uint32_t number(dz__terms *s, double v) {
  static const struct {
    double value, whole, of, power;
    bool log;
  } known[] = {{0.6931471805599453, 1, 2, 1, true},
               {2.302585092994046, 1, 10, 1, true},
               {1.4426950408889634, 1, 2, -1, true},
               {0.4342944819032518, 1, 10, -1, true},
               {1.1283791670955126, 2, 3.141592653589793, -.5, false}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    if (v != known[k].value && v != -known[k].value) continue;
    uint32_t x = dz__term_number(s, known[k].of);
    if (known[k].log) x = dz__term_apply(s, DZ__F_log, 1, &x, 0, NULL, 0);
    x = dz__power(s, x, dz__term_number(s, known[k].power));
    return dz__scaled(s, dz__whole(v < 0 ? -known[k].whole : known[k].whole), x);
  }
  return dz__term_number(s, v);
}

static uint32_t term_of(const reading *r, dz_var x) {
  return dz_is_number(x) ? number(r->s, dz__number(x)) : r->term[dz__index(x)];
}

/* ---- chains ---- */

static void wait(reading *r, dz_var x, double sign) {
  waiting *to = dz__vec_add(&r->s->alloc, &r->stack, 1, sizeof *to);
  if (to)
    *to = (waiting){x, sign};
  else
    r->s->failed = true;
}

/* The operands of x, the first on top. */
static void wait_operands(reading *r, dz_var x, double sign) {
  dz__fn fn = dz__fn_of(x);
  const double less = fn == DZ__F_add || fn == DZ__F_mul ? sign : -sign;
  if (fn != DZ__F_neg) wait(r, dz_operand(x, 1), less);
  wait(r, dz_operand(x, 0), fn == DZ__F_neg ? less : sign);
}

static uint32_t chain(reading *r, dz_var x, bool sum) {
  dz__terms *s = r->s;
  size_t start = sum ? dz__begin_sum(s) : dz__begin_product(s);
  wait_operands(r, x, 1);
  while (r->stack.n) {
    waiting w = ((const waiting *)r->stack.at)[--r->stack.n];
    if (!dz_is_number(w.x) && is_link(r, w.x))
      wait_operands(r, w.x, w.sign);
    else if (sum)
      dz__add_part(s, start, dz__whole(w.sign), term_of(r, w.x));
    else {
      uint32_t power = dz__term_number(s, w.sign);
      dz__add_factor(s, start, term_of(r, w.x), power);
    }
  }
  return sum ? dz__end_sum(s, start) : dz__end_product(s, start);
}

/* ---- nodes ---- */

static uint32_t call(reading *r, dz_var x) {
  const int64_t *given;
  int64_t attr[DZ__MAX_ATTRS];
  uint32_t n = (uint32_t)dz_describe(x).nargs;
  size_t nattr = dz_attributes(x, &given);
  r->args.n = 0;
  uint32_t *args = dz__vec_add(&r->s->alloc, &r->args, n, sizeof *args);
  if (!args || DZ__NEVER(nattr > DZ__MAX_ATTRS)) return r->s->failed = true, DZ__NO_TERM;
  if (nattr) memcpy(attr, given, nattr * sizeof *attr);
  for (uint32_t k = 0; k < n; k++) args[k] = term_of(r, dz_operand(x, (int)k));
  return dz__term_apply(r->s, dz__fn_of(x), n, args, nattr, attr, dz__shape_of(r->s, x));
}

/* The constant leaf's number when all its elements are one. */
static uint32_t leaf(reading *r, dz_var x) {
  if (dz_role_of(x) != DZ_ROLE_CONST || dz_name(x)) return dz__term_leaf(r->s, x);
  dz__array a = dz__array_of(x);
  for (size_t k = 1; k < a.size; k++)
    if (dz__element_of(x, k) != dz__element_of(x, 0)) return dz__term_leaf(r->s, x);
  return a.size ? dz__term_number(r->s, dz__element_of(x, 0)) : dz__term_leaf(r->s, x);
}

/* Rules may lose a shape, as x - x = 0 does. */
static uint32_t reshaped(reading *r, dz_var x, uint32_t term) {
  uint32_t shape = dz__shape_of(r->s, x);
  if (r->s->failed || dz__term_at(r->s, term)->shape == shape) return term;
  dz__array a = dz__array_of(x);
  int64_t dims[DZ__MAX_RANK];
  for (int k = 0; k < a.rank; k++) dims[k] = (int64_t)a.dims[k];
  return dz__term_apply(r->s, DZ__F_broadcast_to, 1, &term, (size_t)a.rank, dims, shape);
}

static void read(reading *r, uint32_t i) {
  dz_var x = dz__handle(r->t, i);
  uint8_t family = family_of(x);
  uint32_t term;
  if (is_leaf(x))
    term = leaf(r, x);
  else if (family == OTHERS)
    term = call(r, x);
  else
    term = chain(r, x, family == SUMS);
  r->term[i] = reshaped(r, x, term);
}

/* Leaves come first, so that they have the smallest numbers: that is the order of factors. */
static uint32_t read_all(reading *r, dz_var y) {
  uint32_t top = dz__index(y);
  mark(r, y);
  for (uint32_t i = 0; i <= top; i++)
    if (r->uses[i] && is_leaf(dz__handle(r->t, i))) read(r, i);
  for (uint32_t i = 0; i <= top && !r->s->failed; i++) {
    dz_var x = dz__handle(r->t, i);
    if (r->uses[i] && !is_leaf(x) && !is_link(r, x)) read(r, i);
  }
  return r->s->failed ? DZ__NO_TERM : r->term[top];
}

uint32_t dz__term_of_graph(dz__terms *s, dz_var y) {
  size_t n = (size_t)dz__index(y) + 1;
  reading r = {.s = s, .t = y.tape};
  uint32_t term = DZ__NO_TERM;
  r.term = dz__alloc(&s->alloc, n * sizeof *r.term);
  r.uses = dz__alloc(&s->alloc, n);
  r.family = dz__alloc(&s->alloc, n);
  if (r.term && r.uses && r.family) {
    memset(r.uses, 0, n);
    memset(r.family, 0, n);
    term = read_all(&r, y);
  } else {
    s->failed = true;
  }
  dz__free(&s->alloc, r.term, n * sizeof *r.term);
  dz__free(&s->alloc, r.uses, n);
  dz__free(&s->alloc, r.family, n);
  dz__vec_free(&s->alloc, &r.stack, sizeof(waiting));
  dz__vec_free(&s->alloc, &r.args, sizeof(uint32_t));
  return term;
}

static dz_var simplify(dz_var y, const dz__rules *rules) {
  dz__terms s;
  dz_var r = {.tape = y.tape, .id = DZ__NONE};
  uint32_t term = DZ__NO_TERM;
  if (dz__terms_init(&s, y.tape, rules)) {
    s.fuel += 16 * (size_t)dz__index(y);
    term = dz__term_of_graph(&s, y);
  }
  if (term != DZ__NO_TERM)
    r = dz__emit_term(&s, term);
  else
    dz__poison(y.tape, DZ_ERR_MEMORY, "simplify", "out of memory");
  dz__terms_free(&s);
  return r;
}

dz_var dz_simplify(dz_var y) {
  dz__rules rules;
  if (dz_is_number(y)) return y;
  if (!y.tape) return (dz_var){0};
  if (dz_tape_error(y.tape)->status || !dz__check_handle(y.tape, y, "simplify"))
    return (dz_var){.tape = y.tape, .id = DZ__NONE};
  dz_status status = dz__rules_read(&dz__of(y.tape)->alloc, &rules);
  if (status) return dz__poison(y.tape, status, "simplify", "the rules: %s", dz_status_text(status));
  dz_var r = simplify(y, &rules);
  dz__rules_free(&rules);
  return r;
}
