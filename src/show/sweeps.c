/* Both sweeps, wave by wave. */
#include "show/lesson.h"

#include "dz/derive.h"
#include "kernels/pointwise.h"
#include "show/node.h"

#include <math.h>
#include <string.h>

enum { OPERANDS = 64 };

static bool is_leaf(const dz__seen *s) { return s->is.role != DZ_ROLE_NONE; }
static bool is_plain(const dz__seen *s) { return is_leaf(s) && !dz__is_told(s); }

/* ---- values ---- */

static const char *name_of(const dz__lesson *l, size_t i) {
  return l->symbols.node ? l->symbols.node[i].name : l->trace.seen[i].name;
}

static bool make_leaves(dz__lesson *l, dz_tape *t, dz_var **leaf, bool points) {
  *leaf = dz__alloc(&l->s.alloc, l->trace.nseen * sizeof **leaf);
  if (!*leaf) return false;
  for (size_t i = 0; i < l->trace.nseen; i++) {
    const dz__seen *s = dz__lesson_seen(l, i);
    const char *name = is_plain(s) ? NULL : name_of(l, i);
    dz_role role = is_plain(s) ? DZ_ROLE_CONST : DZ_ROLE_INPUT;
    bool one = points && s->size > 0;
    (*leaf)[i] = one ? dz_leaf(t, role, s->value[0]) : dz_leaf_tensor(t, role, s->rank, s->dims, s->value);
    if (name && dz_set_name((*leaf)[i], name) == DZ_ERR_MEMORY) return false;
  }
  return dz_tape_error(t)->status == DZ_OK;
}

dz_status dz__lesson_prepare(dz__lesson *l, const dz_tape *from) {
  l->own = dz_tape_new(&l->s.alloc);
  l->points = dz_tape_new(&l->s.alloc);
  if (!l->own || !l->points) return DZ_ERR_MEMORY;
  dz__lend_users(l->own, from);
  bool made = make_leaves(l, l->own, &l->leaf, false) && make_leaves(l, l->points, &l->point, true);
  l->leaves = dz_tape_mark(l->own);
  return made ? DZ_OK : DZ_ERR_MEMORY;
}

void dz__lesson_forgive(dz__lesson *l, dz_tape *t) {
  l->s.failed = l->s.failed || dz_tape_error(t)->status == DZ_ERR_MEMORY;
  dz_tape_forgive(t);
}

void dz__lesson_forget(dz__lesson *l) {
  size_t n = l->trace.nseen;
  dz__free(&l->s.alloc, l->point, n * sizeof *l->point);
  dz__free(&l->s.alloc, l->leaf, n * sizeof *l->leaf);
  if (l->own) dz__lend_users(l->own, NULL);
  dz_tape_free(l->own);
  dz_tape_free(l->points);
}

/* The operation over its operands' names, or over their numbers; {0} when it cannot be set. What was there
   before is gone. */
static dz_var one_level(dz__lesson *l, const dz__seen *s, bool numbers) {
  dz_var in[OPERANDS];
  const int64_t *attr;
  if (s->is.nargs > OPERANDS) return (dz_var){0};
  dz__lesson_forgive(l, l->own);
  dz_tape_rewind(l->own, l->leaves);
  for (int k = 0; k < s->is.nargs; k++) {
    const dz__use *u = dz__lesson_use(l, s, k);
    const dz__seen *x = u->of == DZ__NONE ? NULL : dz__lesson_seen(l, u->of);
    if (numbers && x && x->rank > 0) return (dz_var){0};
    if (x && !numbers)
      in[k] = l->leaf[u->of];
    else
      in[k] = dz_const(l->own, x ? *x->value : u->number);
  }
  int nattr = (int)dz_attributes(s->var, &attr);
  return dz__record(dz__node_fn(s->var), s->is.nargs, in, nattr, attr);
}

/* Of a rule, which is a scalar's; what has a name in it has a gradient, and is no constant. */
static bool is_number(dz_var x) { return dz_role_of(x) == DZ_ROLE_CONST; }

/* Whether a gradient of s, which has one, ever goes this way: not to a condition. */
static bool carries(const dz__lesson *l, const dz__seen *s, int k) {
  const dz__use *u = dz__lesson_use(l, s, k);
  dz__fn fn = dz__node_fn(s->var);
  if (u->of == DZ__NONE || !dz__lesson_seen(l, u->of)->adjoint) return false;
  return fn >= DZ__F_POINTWISE_END || strcmp(dz__ops[fn].partial[k], "MASK(0)") != 0;
}

/* The derivative of an elementwise operation by operand k, over its operands' names; {0} when there is none.
   Where one operand stands twice, a formula of the symbols, which tells them apart. */
static dz_var rule_of(dz__lesson *l, const dz__seen *s, int k) {
  dz_var in[3];
  const dz__use *u = dz__lesson_use(l, s, k);
  size_t times = 0;
  if (!l->formulas || dz__node_fn(s->var) >= DZ__F_POINTWISE_END) return (dz_var){0};
  for (int j = 0; j < s->is.nargs; j++) {
    const dz__use *v = dz__lesson_use(l, s, j);
    times += v->of == u->of;
    in[j] = v->of == DZ__NONE ? dz_num(v->number) : l->point[v->of];
  }
  dz__lesson_forgive(l, l->points);
  if (dz__node_fn(s->var) == DZ__F_where) return dz_where(in[0], dz_num(k == 1), dz_num(k == 2));
  if (times > 1) return l->symbols.use[s->args + (uint32_t)k].partial.is;
  dz_var z = dz__record(dz__node_fn(s->var), s->is.nargs, in, 0, NULL);
  return dz_valid(z) ? dz_simplify(dz_derivative(z, l->point[u->of])) : (dz_var){0};
}

static void tell_value(dz__lesson *l, const dz__seen *s) {
  dz__lesson_line(l, true);
  dz__math_name(l, s);
  dz__math_sign(l, "=");
  dz_var names = one_level(l, s, false);
  if (dz_valid(names)) {
    dz__math_formula(l, names);
    dz__math_sign(l, "=");
  }
  dz_var numbers = s->rank == 0 ? one_level(l, s, true) : (dz_var){0};
  if (dz_valid(numbers)) {
    dz__math_formula(l, numbers);
    dz__math_sign(l, "=");
  }
  dz__math_value(l, s, s->value, false);
  dz__lesson_line(l, false);
}

void dz__tell_given(dz__lesson *l) {
  bool any = false;
  for (size_t i = 0; i < l->trace.nseen; i++)
    any = any || (is_leaf(dz__lesson_seen(l, i)) && !is_plain(dz__lesson_seen(l, i)));
  if (!any) return;
  dz__lesson_heading(l, "Given");
  dz__lesson_list(l, true);
  for (size_t i = 0; i < l->trace.nseen; i++) {
    const dz__seen *s = dz__lesson_seen(l, i);
    if (!is_leaf(s) || is_plain(s)) continue;
    dz__lesson_line(l, true);
    dz__math_name(l, s);
    dz__math_sign(l, "=");
    dz__math_value(l, s, s->value, false);
    dz__lesson_line(l, false);
  }
  dz__lesson_list(l, false);
}

void dz__tell_forward(dz__lesson *l) {
  dz__lesson_heading(l, "Forward: the values, from the inputs to the result");
  if (l->trace.waves == 0) { /* a leaf by itself */
    dz__lesson_list(l, true);
    dz__lesson_line(l, true);
    dz__math_name(l, dz__lesson_top(l));
    dz__math_sign(l, "=");
    dz__math_value(l, dz__lesson_top(l), dz__lesson_top(l)->value, false);
    dz__lesson_line(l, false);
    dz__lesson_list(l, false);
  }
  for (uint32_t k = 1; k <= l->trace.waves; k++) {
    dz__lesson_wave(l, k);
    dz__lesson_list(l, true);
    for (size_t i = 0; i < l->trace.nseen; i++)
      if (dz__lesson_seen(l, i)->wave == k) tell_value(l, dz__lesson_seen(l, i)); /* 0: leaves */
    dz__lesson_list(l, false);
  }
}

/* ---- gradients ---- */

/* The local partial as a number: of a scalar operation of the table, to a scalar. */
static bool partial_of(const dz__lesson *l, const dz__seen *s, int k, double *p) {
  dz__fn fn = dz__node_fn(s->var);
  double v[3] = {0};
  bool active[3] = {false};
  if (fn >= DZ__F_POINTWISE_END || s->rank > 0) return false;
  for (int j = 0; j < s->is.nargs; j++) {
    const dz__use *u = dz__lesson_use(l, s, j);
    v[j] = u->of == DZ__NONE ? u->number : *dz__lesson_seen(l, u->of)->value;
    active[j] = u->of != DZ__NONE && dz__lesson_seen(l, u->of)->is.active;
  }
  *p = dz__pointwise[fn].partial[k](v[0], v[1], v[2], *s->value, active[0] && active[1] ? .5 : 0);
  return true;
}

static void say(dz__lesson *l, const char *english) {
  const char *text = l->how->translate ? l->how->translate(english, l->how->translate_user) : NULL;
  dz__math_words(l, text ? text : english);
}

/* Whether the formula's own value is p but for rounding. At a tie, a kink or an end of the range of doubles
   it is not: there the table says more than a formula for reading does. */
static bool gives(dz_var rule, double p) {
  double v = dz_value(rule);
  return v == p || (isnan(v) && isnan(p)) || fabs(v - p) <= 1e-9 * fabs(p);
}

/* " = 1/d = 0.73", " = x > y ? 1 : 0, here 0.5" */
static void tell_partial(dz__lesson *l, dz_var rule, const double *p) {
  bool told = dz_valid(rule) && !(p && is_number(rule));
  if (told) {
    dz__math_sign(l, "=");
    dz__math_formula(l, rule);
  }
  if (!p) return;
  if (told && !gives(rule, *p))
    say(l, ", here ");
  else
    dz__math_sign(l, "=");
  dz__math_number(l, *p, false);
}

/* "∂z/∂s = 1/d = 0.73;  to s: 1 × 0.73 = 0.73" */
static void tell_use(dz__lesson *l, const dz__seen *s, int k) {
  const dz__use *u = dz__lesson_use(l, s, k);
  if (!carries(l, s, k)) return;
  const dz__seen *x = dz__lesson_seen(l, u->of);
  double p;
  bool known = partial_of(l, s, k, &p);
  dz__lesson_line(l, true);
  dz__math_slope(l, s, x, "∂");
  tell_partial(l, rule_of(l, s, k), known ? &p : NULL);
  dz__math_sign(l, ";");
  if (u->share) {
    dz__math_gradient(l, s);
    dz__math_sign(l, "×");
    dz__math_slope(l, s, x, "∂");
    dz__math_sign(l, "=");
    if (known && isnan(p * *s->adjoint) && !isnan(*u->share)) {
      say(l, "nothing comes through what is not selected: ");
    } else if (known) {
      dz__math_value(l, s, s->adjoint, true);
      dz__math_sign(l, "×");
      dz__math_number(l, p, true);
      dz__math_sign(l, "=");
    }
    dz__math_value(l, x, u->share, false);
  } else {
    dz__math_gradient(l, x);
    dz__math_words(l, " ");
    dz__math_value(l, x, x->adjoint, false);
  }
  dz__lesson_line(l, false);
}

static bool is_share(const dz__lesson *l, const dz__use *u) {
  return u->share && carries(l, dz__lesson_seen(l, u->user), (int)u->operand);
}

/* "● g(s) = 0.73 + (-0.53) = 0.2" */
static void tell_sum(dz__lesson *l, const dz__seen *s) {
  size_t shares = 0;
  for (uint32_t j = s->first; j != DZ__NONE; j = l->trace.use[j].next)
    shares += is_share(l, &l->trace.use[j]);
  if (shares < 2) return;
  dz__lesson_line(l, true);
  dz__math_sign(l, "●");
  dz__math_gradient(l, s);
  size_t n = 0;
  for (uint32_t j = s->first; j != DZ__NONE; j = l->trace.use[j].next) {
    if (!is_share(l, &l->trace.use[j])) continue;
    dz__math_sign(l, n ? "+" : "=");
    dz__math_value(l, s, l->trace.use[j].share, n++ > 0);
  }
  dz__math_sign(l, "=");
  dz__math_value(l, s, s->adjoint, false);
  dz__lesson_line(l, false);
}

static bool goes(const dz__lesson *l, const dz__seen *s) {
  for (int k = 0; k < s->is.nargs; k++)
    if (carries(l, s, k)) return true;
  return false;
}

void dz__tell_backward(dz__lesson *l) {
  dz__lesson_heading(
      l, "Backward: the gradients, from the result to the inputs; g(v) is the derivative of the result by v");
  dz__lesson_list(l, true);
  dz__lesson_line(l, true);
  dz__math_gradient(l, dz__lesson_top(l));
  dz__math_sign(l, "=");
  dz__math_value(l, dz__lesson_top(l), dz__lesson_top(l)->adjoint, false);
  dz__lesson_line(l, false);
  dz__lesson_list(l, false);
  for (uint32_t k = 1; k <= l->trace.backs; k++) {
    bool any = false;
    for (size_t i = 0; i < l->trace.nseen && !any; i++)
      any = dz__lesson_seen(l, i)->back == k && goes(l, dz__lesson_seen(l, i));
    if (!any) continue;
    dz__lesson_wave(l, k);
    dz__lesson_list(l, true);
    for (size_t i = l->trace.nseen; i-- > 0;)
      for (int j = 0; dz__lesson_seen(l, i)->back == k && j < dz__lesson_seen(l, i)->is.nargs; j++)
        tell_use(l, dz__lesson_seen(l, i), j);
    for (size_t i = l->trace.nseen; i-- > 0;) /* whole when the last user has gone: the wave before its own */
      if (dz__lesson_seen(l, i)->back == k + 1) tell_sum(l, dz__lesson_seen(l, i));
    dz__lesson_list(l, false);
  }
}
