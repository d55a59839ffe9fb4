#include "derive/textop.h"

#include "dz/derive.h"
#include "kernels/tensor.h"
#include "lang/program.h"

#include <stdio.h>
#include <string.h>

/* ---- kernels: one element after another ---- */

/* Where the operands' elements of the result's element `e` stand. */
typedef struct walk {
  const dz__call *call;
  dz__textop *op;
  size_t e, at[3], index[DZ__MAX_RANK], step[3][DZ__MAX_RANK];
} walk;

static walk walk_over(const dz__call *call) {
  walk w = {.call = call, .op = call->user->own};
  for (int k = 0; k < call->nargs; k++) {
    const dz__array *x = &call->args[k];
    size_t inner = 1;
    for (int d = x->rank; d-- > 0; inner *= x->dims[d])
      w.step[k][d + call->out.rank - x->rank] = x->dims[d] == 1 ? 0 : inner;
  }
  memset(w.op->slot, 0, DZ__FORMULA_INPUTS * sizeof *w.op->slot);
  return w;
}

static void next(walk *w) {
  w->e++;
  for (int d = w->call->out.rank; d-- > 0;) {
    for (int k = 0; k < w->call->nargs; k++) w->at[k] += w->step[k][d];
    if (++w->index[d] < w->call->out.dims[d]) return;
    for (int k = 0; k < w->call->nargs; k++) w->at[k] -= w->step[k][d] * w->call->out.dims[d];
    w->index[d] = 0;
  }
}

static void load(const walk *w) {
  for (int k = 0; k < w->call->nargs; k++) w->op->slot[k] = w->call->args[k].data[w->at[k]];
}

/* The partial to operand k; false where it says that nothing flows. Operands are loaded. */
static bool partial(const walk *w, int k, double *p) {
  w->op->slot[DZ__FORMULA_Z] = w->call->out.data[w->e];
  *p = dz__formula_value(&w->op->partial[k], w->op->slot);
  return !(w->op->rule.mask[k] && *p == 0);
}

static void forward(const dz__call *call) {
  for (walk w = walk_over(call); w.e < call->out.size; next(&w)) {
    load(&w);
    call->out.data[w.e] = dz__formula_value(&w.op->value, w.op->slot);
  }
}

static bool reverse(const dz__call *call) {
  bool doubt = false;
  double p;
  for (walk w = walk_over(call); w.e < call->out.size; next(&w)) {
    if (dz__dead(call, (ptrdiff_t)w.e)) continue;
    load(&w);
    for (int k = 0; k < call->nargs; k++)
      if (call->ga[k] && partial(&w, k, &p)) doubt |= dz__pull(&call->ga[k][w.at[k]], p, call->g[w.e]);
  }
  return doubt;
}

static bool spread(const dz__call *call) {
  double p;
  for (walk w = walk_over(call); w.e < call->out.size; next(&w)) {
    if (call->g[w.e] == 0) continue;
    load(&w);
    for (int k = 0; k < call->nargs; k++)
      if (call->ga[k] && partial(&w, k, &p)) call->ga[k][w.at[k]] = 1;
  }
  return false;
}

static void tangent(const dz__tangent_call *t) {
  for (walk w = walk_over(&t->call); w.e < t->call.out.size; next(&w)) {
    double sum = 0, p;
    bool hit = false;
    load(&w);
    for (int k = 0; k < t->call.nargs; k++) {
      if (!t->t[k] || (t->reached && t->reached[k][w.at[k]] == 0) || !partial(&w, k, &p)) continue;
      sum += p * t->t[k][w.at[k]];
      hit = true;
    }
    t->out[w.e] = sum;
    if (t->reached) t->out_reached[w.e] = hit;
  }
}

static const dz__tensor_op row = {dz__broadcast_rule, forward, reverse, spread, false, tangent,
                                  DZ__MIXES,          NULL,    NULL};

static dz_var partial_graph(const dz__userop *u, int k, const dz_var *in, dz_var z) {
  const dz__textop *op = u->own;
  dz_var inputs[DZ__FORMULA_INPUTS] = {dz_num(0), dz_num(0), dz_num(0), z};
  for (int i = 0; i < u->arity; i++) inputs[i] = in[i];
  return dz__formula_record(&op->partial[k], z.tape, inputs);
}

/* ---- from text ---- */

/* One text at work: on a tape of its own, where nothing is named but the inputs. */
typedef struct reading {
  dz_tape *from, *t;
  dz_var in[DZ__FORMULA_INPUTS], result;
  dz_error *e;
} reading;

static const char *const inputs[] = {"x", "y", "w", "z"};

static bool out_of_memory(dz_error *e) {
  dz__fail(e, DZ_ERR_MEMORY, "", "out of memory");
  return false;
}

static bool begin(reading *r, int arity, bool with_z) {
  const dz__tape *s = dz__of(r->from);
  r->t = dz_tape_new(&s->alloc);
  if (!r->t) return out_of_memory(r->e);
  dz__of(r->t)->users = s->users; /* lent: this tape does not free them */
  dz__of(r->t)->nusers = s->nusers;
  for (int k = 0; k < DZ__FORMULA_INPUTS; k++) {
    if (k == DZ__FORMULA_Z ? !with_z : k >= arity) continue;
    r->in[k] = dz_input(r->t, .5);
    if (!dz_valid(r->in[k]) || dz_set_name(r->in[k], inputs[k])) return out_of_memory(r->e);
  }
  return true;
}

static void name_file(dz_error *e, const char *file) {
  if (e->line && !e->file[0]) snprintf(e->file, sizeof e->file, "%.63s", file);
}

/* `file` is what messages call the text. */
static bool read_text(reading *r, const char *text, const char *file) {
  const dz_allocator *a = &dz__of(r->from)->alloc;
  dz_program *p = dz__program_parse_on(r->from, text, strlen(text), file, a, r->e);
  if (!p) return false;
  r->result = dz_program_record(p, r->t, 0);
  dz_program_free(p);
  if (dz_tape_error(r->t)->status) {
    *r->e = *dz_tape_error(r->t);
    if (r->e->status == DZ_ERR_MISSING) r->e->status = DZ_ERR_NAME;
    return false;
  }
  return true;
}

static void partial_name(const char *name, int k, char file[64]) {
  snprintf(file, 64, "%.40s, partial to %s", name, inputs[k]);
}

/* MASK(…) is stop(…) to the parser: as long, so that columns stay. */
static bool read_partial(dz__textop *op, reading *r, const char *given, int k) {
  size_t size = strlen(given) + 1, blanks = strspn(given, " \t\n");
  char *text = dz__alloc(&op->alloc, size), file[64];
  if (!text) return out_of_memory(r->e);
  memcpy(text, given, size);
  op->rule.mask[k] = strncmp(text + blanks, "MASK(", 5) == 0;
  if (op->rule.mask[k]) memcpy(text + blanks, "stop", 4);
  partial_name(op->name, k, file);
  bool done = begin(r, op->shown.arity, true) && read_text(r, text, file) &&
              dz__formula_of(&op->alloc, r->result, r->in, &op->partial[k], r->e);
  name_file(r->e, file);
  dz__free(&op->alloc, text, size);
  return done;
}

/* The value, and what is not given of its partials. */
static bool read_value(dz__textop *op, reading *r, const char *text, const char *const *partials) {
  int n = op->shown.arity;
  dz_var g[3];
  bool done = begin(r, n, false) && read_text(r, text, op->name) &&
              dz__formula_of(&op->alloc, r->result, r->in, &op->value, r->e);
  bool derive = !partials;
  for (int k = 0; partials && k < n; k++) derive |= !partials[k];
  if (done && derive) {
    done = dz_grad(r->result, n, r->in, g) == DZ_OK;
    if (!done) *r->e = *dz_tape_error(r->t);
    r->in[DZ__FORMULA_Z] = r->result;
  }
  for (int k = 0; done && derive && k < n; k++)
    if (!partials || !partials[k]) done = dz__formula_of(&op->alloc, g[k], r->in, &op->partial[k], r->e);
  name_file(r->e, op->name);
  return done;
}

static bool read_all(dz__textop *op, dz_tape *t, const char *value, const char *const *partials,
                     dz_error *e) {
  reading r = {.from = t, .e = e};
  bool done = read_value(op, &r, value, partials);
  dz_tape_free(r.t);
  for (int k = 0; done && partials && k < op->shown.arity; k++) {
    if (!partials[k]) continue;
    r = (reading){.from = t, .e = e};
    done = read_partial(op, &r, partials[k], k);
    dz_tape_free(r.t);
  }
  return done;
}

static bool make_room(dz__textop *op, dz_error *e) {
  size_t most = op->value.n;
  for (int k = 0; k < op->shown.arity; k++)
    if (op->partial[k].n > most) most = op->partial[k].n;
  op->slots = DZ__FORMULA_INPUTS + most;
  op->slot = dz__alloc(&op->alloc, op->slots * sizeof *op->slot);
  if (!op->slot) op->slots = 0;
  if (!op->slot) out_of_memory(e);
  return op->slot != NULL;
}

static void release(void *own) { dz__textop_free(own); }

dz__textop *dz__textop_new(dz_tape *t, const char *name, int arity, const char *value,
                           const char *const *partials, dz_error *e) {
  const dz_allocator *a = &dz__of(t)->alloc;
  dz__textop *op = dz__alloc(a, sizeof *op);
  if (!op) return out_of_memory(e), NULL;
  *op = (dz__textop){.rule = {.partial = partial_graph}, .alloc = *a};
  snprintf(op->name, sizeof op->name, "%s", name);
  op->shown = (dz__userop){op->name, arity, true, &row, op, release, NULL};
  if (read_all(op, t, value, partials, e) && make_room(op, e)) return op;
  dz__textop_free(op);
  return NULL;
}

void dz__textop_free(dz__textop *op) {
  if (!op) return;
  const dz_allocator a = op->alloc;
  dz__formula_free(&a, &op->value);
  for (int k = 0; k < 3; k++) dz__formula_free(&a, &op->partial[k]);
  dz__free(&a, op->slot, op->slots * sizeof *op->slot);
  dz__free(&a, op, sizeof *op);
}
