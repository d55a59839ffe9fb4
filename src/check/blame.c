/* The first node that explains a wrong derivative, or a kink: in tape order, each operation alone at its
   stored operands. A long tape is screened first (screen.c), in the time of a few recordings. */
#include "check/checking.h"
#include "dz/tangent.h"
#include "tape/tangent.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the name of a node ---- */

void dz__check_name(dz__checking *c, dz_fault kind, size_t node, int operand) {
  dz_check_fault *f = &c->report->fault;
  *f = (dz_check_fault){.kind = kind, .node = node, .operand = operand};
  dz_var x = dz_node_at(c->tape, node);
  dz_node d = dz_describe(x);
  if (!d.op) return;
  const char *name = dz_name(x);
  snprintf(f->op, sizeof f->op, "%s", d.op);
  snprintf(f->name, sizeof f->name, "%s", name ? name : "");
  f->line = d.line;
  f->column = d.column;
  f->nargs = d.nargs;
  for (int k = 0; k < d.nargs && k < DZ_CHECK_OPERANDS; k++) {
    dz_var o = dz_operand(x, k);
    bool number = dz_is_number(o);
    f->operands[k].node = dz_node_index(o);
    f->operands[k].value = number ? dz__number(o) : dz_rank(o) ? NAN : dz_value(o);
    name = number ? NULL : dz_name(o);
    snprintf(f->operands[k].name, sizeof f->operands[k].name, "%s", name ? name : "");
  }
}

/* ---- recordings a little to the side ---- */

/* Records at a small step to each side along the worst row: a constant that moved, or a branch that changed.
 */
static bool look_aside(dz__checking *c, bool wrong) {
  double x = c->element == SIZE_MAX ? 0 : fabs(dz__check_base(c, c->leaf, c->element));
  double h = 0x1p-20 * (x > 0 ? x : 1), value;
  for (int side = 0; side < 2 && !c->report->fault.kind; side++) {
    size_t node;
    bool shape;
    if (!dz__check_along(c, side ? -h : h, &value)) return false;
    if (dz__check_differs(c, false, &node, &shape) && shape != wrong)
      dz__check_name(c, wrong ? DZ_FAULT_LEFT_TAPE : DZ_FAULT_BRANCH, node, -1);
  }
  return dz__check_restore(c, c->leaf);
}

/* ---- each operation alone ---- */

typedef struct local {
  dz__lone lone;
  int k;                        /* the operand that moves */
  size_t n, nz;                 /* its elements, the result's */
  double *base, *v, *moved, *u; /* behind u there is room for a tangent of the result */
  bool directed;                /* the tangents along the worst row stand */
} local;

/* Whether z is the operation's result again; it is not where the operation refuses its moved operand, or
   gives another shape, as one of the user's may. */
static bool is_result(const local *l, dz_var z) { return dz_size(z) == l->nz; }

static double projected(const local *l, dz_var z) {
  double sum = 0;
  if (!is_result(l, z)) return NAN;
  const double *value = dz_values(z);
  for (size_t e = 0; e < l->nz; e++) sum += l->u[e] * value[e];
  return sum;
}

/* With its operand moved by s. False when memory is out, which the lone tape then knows. */
static bool record_moved(local *l, double s, dz_var *z) {
  for (size_t e = 0; e < l->n; e++) l->moved[e] = l->base[e] + s * l->v[e];
  dz_set(l->lone.leaf[l->k], l->moved, l->n); /* a leaf of just these elements: never refused */
  return dz__lone_record(&l->lone, z);
}

static bool local_line(void *user, double s, double *value) {
  local *l = user;
  dz_var z;
  record_moved(l, s, &z);
  *value = projected(l, z);
  return true;
}

/* u^T J v by the operation's own reverse rule. What fails, the lone tape knows. */
static double local_analytic(local *l) {
  dz_var z;
  record_moved(l, 0, &z);
  if (!dz_is_active(z) || !is_result(l, z)) return 0;
  size_t dims[DZ_MAX_RANK];
  for (int k = 0; k < dz_rank(z); k++) dims[k] = dz_extent(z, k);
  dz_tape *t = l->lone.tape;
  dz_var seed = dz_rank(z) ? dz_leaf_tensor(t, DZ_ROLE_CONST, dz_rank(z), dims, l->u)
                           : dz_leaf(t, DZ_ROLE_CONST, *l->u);
  if (dz_backward_with(z, seed)) return 0;
  const double *g = dz_adjoints(l->lone.leaf[l->k]);
  double sum = 0;
  for (size_t e = 0; e < l->n; e++) /* of an active leaf below z: it is there */
    if (l->v[e] != 0) sum += g[e] * l->v[e];
  return sum;
}

/* A direction in the operand and a seed at the result. With `t`, the tangent that reaches the operand is the
   direction. False when nothing moves. */
static bool aim(local *l, const double *t, uint64_t stream) {
  double most = 0;
  bool any = false;
  for (size_t e = 0; e < l->n; e++) most = fmax(most, fabs(l->base[e]));
  for (size_t e = 0; e < l->n; e++) {
    double x = fabs(l->base[e]), size = x > 0 ? x : most > 0 ? most : 1;
    l->v[e] = l->n == 1 ? 1 : t ? t[e] : dz__check_sign(stream, e) * size;
    any |= t ? t[e] != 0 : true;
  }
  /* A result of one element: 1, as each of the streams begins. */
  for (size_t e = 0; e < l->nz; e++) l->u[e] = dz__check_sign(stream + 1, e);
  return any;
}

/* The same by its forward rule. */
static double local_forward(local *l) {
  dz_var z;
  record_moved(l, 0, &z);
  if (!dz_is_active(z) || !is_result(l, z)) return 0;
  double *t = l->u + l->nz, sum = 0;
  if (dz_tangent(z, 1, &l->lone.leaf[l->k], l->v, t)) return 0;
  for (size_t e = 0; e < l->nz; e++) sum += l->u[e] * t[e];
  return sum;
}

/* The estimated error, and the rounding of the sums. */
static double tolerance(const local *l, const dz__slope *s) {
  return s->error + 0x1p-52 * (double)(l->n + l->nz) * fabs(s->value);
}

static void found_at(dz__checking *c, dz_fault kind, const local *l, dz_var x, double analytic,
                     const dz__slope *s) {
  dz__check_name(c, kind, dz_node_index(x), l->k);
  c->report->fault.analytic = analytic;
  c->report->fault.numeric = s->value;
  c->report->fault.error = tolerance(l, s);
}

/* Whether the operation explains what was seen: a clear slope that is not its own, or a kink. */
static bool explains(dz__checking *c, local *l, dz_var x, bool wrong, bool *found) {
  const double at = l->n == 1 ? *l->base : 0, scales[] = {fabs(at), 1}; /* 0 is no scale, and passed over */
  const double analytic = local_analytic(l), forward = local_forward(l);
  dz__slope s;
  dz__slope_at(local_line, l, at, scales, 2, analytic, &s);
  if (dz_tape_error(l->lone.tape)->status) return false;
  *found = true;
  if (!wrong && s.kind == DZ__SLOPE_KINK)
    found_at(c, DZ_FAULT_KINK, l, x, analytic, &s);
  else if (wrong && s.kind == DZ__SLOPE_CLEAR && !(fabs(analytic - s.value) <= tolerance(l, &s)))
    found_at(c, dz_is_active(x) ? DZ_FAULT_PARTIAL : DZ_FAULT_DETACHED, l, x, analytic, &s);
  else if (wrong && s.kind == DZ__SLOPE_CLEAR && !(fabs(forward - s.value) <= tolerance(l, &s)))
    found_at(c, DZ_FAULT_TANGENT, l, x, forward, &s);
  else
    *found = false;
  return true;
}

static bool look_at_use(dz__checking *c, local *l, dz_var x, int k, bool wrong, bool *found) {
  dz_var operand = dz_operand(x, k);
  l->k = k;
  l->n = dz_size(operand);
  l->nz = dz_size(x);
  if (l->n == 0 || l->nz == 0) return true;
  size_t room = 3 * l->n + 2 * l->nz;
  l->base = dz__alloc(&c->alloc, room * sizeof *l->base);
  if (!l->base) return false;
  l->v = l->base + l->n, l->moved = l->v + l->n, l->u = l->moved + l->n;
  memcpy(l->base, dz_values(operand), l->n * sizeof *l->base);
  dz__tape *s = dz__of(c->tape);
  const double *t = l->directed ? dz__tangent_slot(s, &s->tangent, dz__index(operand)) : NULL;
  bool done = dz__lone_take(&l->lone, x, DZ__AS_IT_IS);
  for (uint64_t i = 0; done && !*found && i < (l->n + l->nz > 2 ? 3 : 1); i++)
    if (aim(l, t, 20 + 2 * i)) done = explains(c, l, x, wrong, found);
  dz__free(&c->alloc, l->base, room * sizeof *l->base);
  return done;
}

/* ---- in tape order ---- */

enum { FROM_LEAF = 1, TO_OUTPUT = 2 };

/* Which nodes lie between the worst leaf, or when no row is wrong every wanted one, and the output. Values
   count, not gradients: stop() is a way too. */
static void trace(const dz__checking *c, uint8_t *on, uint32_t top) {
  bool one = c->report->worst.verdict == DZ_VERDICT_WRONG || c->report->worst.verdict == DZ_VERDICT_KINK;
  memset(on, 0, (size_t)top + 1);
  for (int i = 0; i < c->nwanted; i++) {
    uint32_t leaf = dz__index(c->wanted[i]);
    if (leaf <= top && (!one || leaf == dz__index(c->leaves[c->leaf]))) on[leaf] = FROM_LEAF;
  }
  on[top] |= TO_OUTPUT;
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t j = 0; j <= top; j++) {
      uint32_t i = pass ? top - j : j;
      dz_var x = dz__handle(c->tape, i);
      for (int k = dz_describe(x).nargs; k-- > 0;) {
        dz_var o = dz_operand(x, k);
        if (dz_is_number(o)) continue;
        if (!pass) on[i] |= on[dz__index(o)] & FROM_LEAF;
        if (pass) on[dz__index(o)] |= on[i] & TO_OUTPUT;
      }
    }
}

/* All of them, or those of `only`. */
static bool look_at_nodes(dz__checking *c, local *l, const uint8_t *on, const uint8_t *only, uint32_t top,
                          bool wrong) {
  bool found = false;
  for (uint32_t i = 0; i <= top && !found; i++) {
    if (on[i] != (FROM_LEAF | TO_OUTPUT) || (only && !only[i])) continue;
    /* It is there: the screen suspects nothing on a tape that is another. */
    dz_var x = dz__handle(c->tape, i);
    for (int k = 0; k < dz_describe(x).nargs && !found; k++) {
      dz_var o = dz_operand(x, k);
      if (!dz_is_active(o) || !(on[dz__index(o)] & FROM_LEAF)) continue;
      if (!look_at_use(c, l, x, k, wrong, &found)) return false;
    }
  }
  return true;
}

/* The tangents along the worst row, which kinks are looked for along. */
bool dz__check_push(dz__checking *c, dz_var y) {
  size_t first = (size_t)(c->adjoints[c->leaf] - c->room), n = dz_size(c->leaves[c->leaf]);
  double out;
  for (size_t k = 0; k < c->total; k++) c->direction[k] = 0;
  for (size_t k = 0; k < n; k++)
    c->direction[first + k] = c->element == SIZE_MAX ? dz__check_sign(c->ray, k) : k == c->element;
  return dz_tangent(y, c->nwanted, c->wanted, c->direction, &out) == DZ_OK;
}

/* Nodes up to which each is looked at: some 5 us apiece for scalars, as long as some hundred recordings of
   the operation. Of more, at first only those that the screen suspects. */
enum { FEW = 2000 };

static bool are_many(const uint8_t *on, uint32_t top) {
  size_t n = 0;
  for (uint32_t i = 0; i <= top; i++) n += on[i] == (FROM_LEAF | TO_OUTPUT);
  return n > FEW;
}

/* `again`: where only suspects were looked at, now at all. */
static bool look_inside(dz__checking *c, bool wrong, bool again) {
  dz_var y;
  local l = {.k = 0};
  if (!dz__check_record(c, &y)) return false;
  if (dz_is_number(y)) return true;
  uint32_t top = dz__index(y);
  size_t nodes = (size_t)top + 1;
  uint8_t *on = dz__alloc(&c->alloc, 2 * nodes), *suspects = on ? on + nodes : NULL;
  bool done = on && dz__lone_new(&l.lone, &c->alloc);
  if (done) {
    trace(c, on, top);
    bool many = are_many(on, top), screened = many && !again;
    done = !screened || dz__check_screen(c, &y, wrong, suspects);
    l.directed = !wrong && dz_is_active(y);
    if (l.directed) done = done && dz__check_push(c, y);
    if (done && (many || !again)) done = look_at_nodes(c, &l, on, screened ? suspects : NULL, top, wrong);
  }
  dz__lone_free(&l.lone);
  dz__free(&c->alloc, on, 2 * nodes);
  if (!done && !c->status) dz__check_fail_as(c, c->tape, DZ_ERR_MEMORY, "out of memory");
  return done;
}

void dz__check_blame(dz__checking *c) {
  const dz_check_report *r = c->report;
  bool wrong = r->wrong > 0 || r->forward_wrong > 0 || r->dot.verdict == DZ_VERDICT_WRONG;
  if (r->fault.kind || (!wrong && r->worst.verdict != DZ_VERDICT_KINK)) return;
  c->leaf = r->worst.leaf;
  c->element = r->worst.element;
  c->ray = 0;
  /* A constant that moves is a suspicion, and may be right (dz_root holds its solution): an operation that is
     wrong comes first. A branch explains a kink better than what it leads to. */
  if (!(wrong ? look_inside(c, true, false) : look_aside(c, false))) return;
  if (!r->fault.kind && !(wrong ? look_aside(c, true) : look_inside(c, false, false))) return;
  if (!r->fault.kind && !look_inside(c, wrong, true)) return;
  if (!r->fault.kind && wrong) dz__check_name(c, DZ_FAULT_ELSEWHERE, SIZE_MAX, -1);
}
