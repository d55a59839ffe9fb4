/* Formulas of the uses of values: local partials, and what each adds to a gradient. */
#include "show/symbol_work.h"

#include "derive/rule.h"
#include "dz/derive.h"

#include <string.h>

#undef dz_grad_with

enum { SHORT = 12 };

/* ---- uses ---- */

/* What stands for operand k of node i in its local partial: its name, or a short formula. */
static uint32_t operand_term(dz__work *w, uint32_t of) {
  const dz__seen *s = dz__work_seen(w, of);
  double times;
  if (dz__work_is_leaf(s)) return w->names ? dz__work_leaf(w, w->y->handle[of]) : w->value[of];
  bool brief = !w->names && !s->name && of != dz__work_top(w) &&
               dz__term_length(&w->terms, w->value[of], w->terms.zero, &times) <= SHORT;
  return brief ? w->value[of] : dz__work_leaf(w, w->alias[of]);
}

/* The table's text over leaves for x, y, w and z. It has no choices, and so no ties. */
static uint32_t table_partial(dz__work *w, dz__fn fn, int k, const dz_var *in, dz_var z) {
  dz__flow f = {dz_num(1), {0}};
  dz_var p = dz__rule_pointwise(w->y->tape, fn, k, in, z, 0, f, false).g;
  if (!p.tape) return w->terms.zero;
  if (dz_is_number(p)) return dz__term_number(&w->terms, dz__number(p));
  return dz_valid(p) ? dz__work_term(w, p) : DZ__NO_TERM;
}

/* The derivative of the operation by itself, said in terms of its result. */
static uint32_t derived_partial(dz__work *w, dz__fn fn, int k, int n, const dz_var *in, dz_var z) {
  dz_var y = dz__record(fn, n, in, 0, NULL), g;
  if (!dz_valid(y) || dz_grad_with(y, dz_num(1), 1, &in[k], &g)) return DZ__NO_TERM;
  uint32_t whole = dz__work_term(w, y), term = dz__work_term(w, g), name = dz__work_leaf(w, z);
  return w->terms.failed ? DZ__NO_TERM : dz__replaced(&w->terms, term, 1, &whole, &name);
}

static bool partial(dz__work *w, dz__use *u, dz__formal *to) {
  const dz__seen *s = dz__work_seen(w, u->user);
  dz__fn fn = dz__fn_by_name(s->is.op, strlen(s->is.op));
  dz_var in[3] = {{0}, {0}, {0}}, z = w->alias[u->user];
  uint32_t from[4], by[4], n = 1;
  size_t before = w->terms.guesses;
  if (fn >= DZ__F_POINTWISE_END || s->rank) return true;
  from[0] = dz__work_leaf(w, z);
  by[0] = operand_term(w, u->user);
  for (int k = 0; k < s->is.nargs; k++) {
    const dz__use *v = &w->of->use[s->args + (uint32_t)k];
    in[k] = v->of == DZ__NONE ? dz_num(v->number) : dz__work_stand_in(w, v->of);
    if (v->of == DZ__NONE) continue;
    if (!dz_valid(in[k])) return false;
    from[n] = dz__work_leaf(w, in[k]);
    by[n++] = operand_term(w, v->of);
  }
  /* In a choice z is no leaf like others: x == z says which of two operands is the larger. */
  bool choice = strchr(dz__ops[fn].partial[u->operand], '?') != NULL;
  uint32_t term = choice ? derived_partial(w, fn, (int)u->operand, s->is.nargs, in, z)
                         : table_partial(w, fn, (int)u->operand, in, z);
  if (term == DZ__NO_TERM) return false;
  return dz__work_lay_out(w, dz__replaced(&w->terms, term, n, from, by), w->terms.guesses - before, to);
}

/* What one use of several adds: the gradient of its user through a copy in which only that operand is free.
 */
static bool share(dz__work *w, const dz__use *u, dz__formal *to) {
  dz_var q = dz__work_stand_in(w, u->of), z = dz__work_operation(w, u->user, (int)u->operand, q), g;
  size_t before = w->terms.guesses;
  if (!dz_valid(z)) return false;
  if (dz_grad_with(z, w->gradient[u->user], 1, &q, &g)) return false;
  uint32_t from = dz__work_leaf(w, q), term = dz__work_gradient(w, g);
  term = dz__work_in_names(w, dz__replaced(&w->terms, term, 1, &from, &w->value[u->of]), false);
  if (w->terms.failed) return false;
  return dz__work_lay_out(w, dz__work_with_seed(w, term), w->terms.guesses - before, to);
}

bool dz__work_uses(dz__work *w) {
  for (size_t j = 0; j < w->of->nuse; j++) {
    dz__use *u = &w->of->use[j];
    dz__use_symbol *to = &w->y->use[j];
    if (u->of == DZ__NONE || !dz__work_seen(w, u->of)->is.active) continue;
    if (!partial(w, u, &to->partial)) return false;
    if (!w->gradient[u->user].tape) continue;
    if (dz__work_seen(w, u->of)->uses == 1 && !dz__work_is_leaf(dz__work_seen(w, u->of)))
      to->share = w->y->node[u->of].gradient;
    else if (!share(w, u, &to->share))
      return false;
  }
  return true;
}

/* ---- operations over names ---- */

bool dz__work_locals(dz__work *w) {
  for (size_t i = 0; i < w->of->nseen; i++) {
    const dz__seen *s = dz__work_seen(w, i);
    if (dz__work_is_leaf(s) || s->is.nargs > 3) continue;
    dz_var own[3];
    for (int k = 0; k < s->is.nargs; k++) {
      const dz__use *u = &w->of->use[s->args + (uint32_t)k];
      if (u->of == DZ__NONE) continue;
      own[k] = w->y->handle[u->of];
      if (!dz__work_is_leaf(dz__work_seen(w, u->of))) w->y->handle[u->of] = w->alias[u->of];
    }
    w->y->node[i].local.is = dz__work_operation(w, i, -1, (dz_var){0});
    for (int k = 0; k < s->is.nargs; k++)
      if (w->of->use[s->args + (uint32_t)k].of != DZ__NONE)
        w->y->handle[w->of->use[s->args + (uint32_t)k].of] = own[k];
    if (!dz_valid(w->y->node[i].local.is)) return false;
  }
  return true;
}
