#include "derive/prelude.h"

#include "base/never.h"
#include "dz/prelude.h"
#include "lang/builtin.h"
#include "lang/prelude.h"

const char *dz_function_name(size_t i) {
  size_t n = 0;
  while (dz__prelude_name(n)) n++;
  return i < n ? dz__prelude_name(i) : dz__builtin_name(i - n);
}

/* ---- calls ---- */

static bool is_operand(const dz__value *x) { return x->literal == DZ__V_PLAIN && !dz_is_number(x->v); }

/* The tape of the first operand that has one. */
static dz_tape *tape_of(int n, const dz__value *args) {
  for (int k = 0; k < n; k++)
    if (is_operand(&args[k]) && args[k].v.tape) return args[k].v.tape;
  return NULL;
}

static bool know_prelude(dz__machine *m) {
  if (m->prelude) return true;
  dz_error e = {.status = DZ_OK};
  m->prelude = dz__prelude_parse(&m->alloc, &e);
  if (!m->prelude) dz__poison(m->t, e.status, "prelude", "prelude: %s", e.message);
  return m->prelude != NULL;
}

static bool call(dz__machine *m, const char *name, int n, const dz__value *args, dz_var *result) {
  if (!know_prelude(m)) return false;
  const dz__function *f = dz__program_function(m->prelude, name);
  m->p = m->prelude;
  m->pc = UINT32_MAX;
  m->fixed = true;
  for (int k = 0; k < n; k++)
    if (!dz__push_value(m, args[k])) return false;
  uint32_t index = (uint32_t)(f - dz__function_at(m->p, 0));
  if (!dz__enter(m, index, (uint32_t)n) || !dz__run(m)) return false;
  const dz__value *top = dz__values_from_top(m, 1);
  if (DZ__NEVER(top->literal != DZ__V_PLAIN)) return false; /* each of them ends in an operation */
  *result = top->v;
  return true;
}

dz_var dz__prelude_call(const char *name, int n, const dz__value *args) {
  dz_tape *t = tape_of(n, args);
  if (!t) return (dz_var){.tape = NULL, .id = DZ__NONE};
  for (int k = 0; k < n; k++)
    if (is_operand(&args[k]) && !dz__check_handle(t, args[k].v, name))
      return (dz_var){.tape = t, .id = DZ__NONE};
  dz__machine *m = dz__machine_of(t);
  dz_var r;
  if (m && call(m, name, n, args, &r)) return r;
  return (dz_var){.tape = t, .id = DZ__NONE};
}

/* ---- dz/prelude.h; names in parentheses keep its macros away ---- */

static dz__value operand(dz_var x) { return (dz__value){.v = x, .literal = DZ__V_PLAIN}; }
static dz__value number(int k) { return operand(dz_num(k)); }
static dz__value axes(int axis) {
  return (dz__value){.v = dz_num(axis), .literal = axis == DZ_ALL ? DZ__V_ALL : DZ__V_PLAIN};
}

dz_var(dz_mean)(dz_var x, int axis, bool keepdims) {
  return dz__prelude_call("mean", 3, (dz__value[]){operand(x), axes(axis), number(keepdims)});
}

dz_var(dz_variance)(dz_var x, int axis, bool keepdims, int ddof) {
  return dz__prelude_call("var", 4, (dz__value[]){operand(x), axes(axis), number(keepdims), number(ddof)});
}

dz_var(dz_std)(dz_var x, int axis, bool keepdims, int ddof) {
  return dz__prelude_call("std", 4, (dz__value[]){operand(x), axes(axis), number(keepdims), number(ddof)});
}

dz_var(dz_softmax)(dz_var x, int axis) {
  return dz__prelude_call("softmax", 2, (dz__value[]){operand(x), axes(axis)});
}

dz_var(dz_log_softmax)(dz_var x, int axis) {
  return dz__prelude_call("log_softmax", 2, (dz__value[]){operand(x), axes(axis)});
}

dz_var(dz_mse)(dz_var y, dz_var t) {
  return dz__prelude_call("mse", 2, (dz__value[]){operand(y), operand(t)});
}

dz_var(dz_cross_entropy)(dz_var logits, dz_var t, int axis) {
  return dz__prelude_call("cross_entropy", 3, (dz__value[]){operand(logits), operand(t), axes(axis)});
}

dz_var(dz_hinge)(dz_var y, dz_var s) {
  return dz__prelude_call("hinge", 2, (dz__value[]){operand(y), operand(s)});
}

dz_var(dz_perceptron)(dz_var y, dz_var s) {
  return dz__prelude_call("perceptron", 2, (dz__value[]){operand(y), operand(s)});
}

dz_var(dz_linear)(dz_var x, dz_var w, dz_var b) {
  return dz__prelude_call("linear", 3, (dz__value[]){operand(x), operand(w), operand(b)});
}

dz_var(dz_mlp)(dz_var x, dz_var w1, dz_var b1, dz_var w2, dz_var b2) {
  return dz__prelude_call("mlp", 5,
                          (dz__value[]){operand(x), operand(w1), operand(b1), operand(w2), operand(b2)});
}

dz_var(dz_layer_norm)(dz_var x, dz_var gain, dz_var shift, int axis, double eps) {
  return dz__prelude_call(
      "layer_norm", 5,
      (dz__value[]){operand(x), operand(gain), operand(shift), axes(axis), operand(dz_num(eps))});
}

dz_var(dz_batch_norm)(dz_var x, dz_var gain, dz_var shift, double eps) {
  return dz__prelude_call("batch_norm", 4,
                          (dz__value[]){operand(x), operand(gain), operand(shift), operand(dz_num(eps))});
}

dz_var(dz_conv2d)(dz_var x, dz_var w, int stride, int pad) {
  return dz__prelude_call("conv2d", 4, (dz__value[]){operand(x), operand(w), number(stride), number(pad)});
}

dz_var(dz_max_pool)(dz_var x, int size, int stride) {
  return dz__prelude_call("max_pool", 3, (dz__value[]){operand(x), number(size), number(stride)});
}

dz_var(dz_avg_pool)(dz_var x, int size, int stride) {
  return dz__prelude_call("avg_pool", 3, (dz__value[]){operand(x), number(size), number(stride)});
}

dz_var(dz_dropout)(dz_var x, double rate, dz_var seed) {
  return dz__prelude_call("dropout", 3, (dz__value[]){operand(x), operand(dz_num(rate)), operand(seed)});
}

dz_var(dz_attention)(dz_var q, dz_var k, dz_var v) {
  return dz__prelude_call("attention", 3, (dz__value[]){operand(q), operand(k), operand(v)});
}

dz_var(dz_gru)(dz_var x, dz_var h, dz_var w, dz_var b) {
  return dz__prelude_call("gru", 4, (dz__value[]){operand(x), operand(h), operand(w), operand(b)});
}

dz_var(dz_lstm)(dz_var x, dz_var s, dz_var w, dz_var b) {
  return dz__prelude_call("lstm", 4, (dz__value[]){operand(x), operand(s), operand(w), operand(b)});
}

dz_var(dz_hard_tanh)(dz_var x) { return dz__prelude_call("hard_tanh", 1, (dz__value[]){operand(x)}); }

dz_var(dz_log_base)(dz_var b, dz_var x) {
  return dz__prelude_call("log_base", 2, (dz__value[]){operand(b), operand(x)});
}
