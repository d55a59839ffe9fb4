/* Whole tensors of doubles; and the careful run. */
#include "plan/whole_flow.h"

#include "kernels/pointwise.h"
#include "kernels/product.h"

#define REAL double
#define MATRIX dz__matrix
#define PRODUCT dz__product
#define LAYER dz__layer
#define CONV dz__conv
#define CONV_BACK dz__conv_back
#define POOL dz__pool
#define POOL_BACK dz__pool_back
#define LAYER_BACK dz__layer_back
#define NAME(x) x##_double
#define SIZED_LIKE_REAL int64_t
enum { IS_DOUBLE = 1 };
#include "plan/whole_run.inc"

/* The workspace: conditions of branches, registers, scratch, then values and adjoints. */
static run_double run_of(const dz__whole *p, const double *in, double *gradient, double *registers) {
  double *scratch = registers + dz__padded(p->registers);
  return (run_double){.p = p,
                      .in = in,
                      .number = p->number,
                      .grad = gradient,
                      .registers = registers,
                      .scratch = scratch,
                      .work = scratch + dz__padded(p->scratch)};
}

size_t dz__whole_careful_room(const dz__whole *p) {
  return dz__padded(p->registers) + dz__padded(p->scratch) + 2 * dz__padded(p->room);
}

/* Of a run that is given the plan's own kind of number: its own, or what the careful run takes in the same
 * place. */
static size_t own_memory(const dz__whole *p) {
  size_t doubles = dz__padded(p->registers) + dz__padded(p->scratch) + dz__padded(p->room), careful = 0;
  if (p->careful) careful = dz__whole_careful_room(p->careful) + (p->single ? 2 * p->inputs + p->outputs : 0);
  if (doubles < careful) doubles = careful;
  return (dz__padded(p->outs - p->out_nodes) + doubles) * sizeof(double) + DZ__LINE;
}

size_t dz__whole_memory(const dz__whole *p) {
  return own_memory(p) + (p->single ? 2 * (p->inputs + p->outputs) * sizeof(float) : 0);
}

/* A plan of floats, given doubles. */
static void run_converted(const dz__whole *p, const double *in, const double *seeds, double *values,
                          double *gradient, void *work) {
  size_t inner = own_memory(p);
  float *x = (float *)(void *)((char *)work + inner), *g = x + p->inputs, *s = g + p->inputs,
        *y = s + p->outputs;
  for (size_t i = 0; i < p->inputs; i++) x[i] = (float)in[i];
  for (size_t i = 0; i < p->outputs && seeds; i++) s[i] = (float)seeds[i];
  dz__whole_run_single(p, x, seeds ? s : NULL, values ? y : NULL, gradient ? g : NULL, work);
  for (size_t i = 0; i < p->outputs && values; i++) values[i] = (double)y[i];
  for (size_t i = 0; i < p->inputs && gradient; i++) gradient[i] = (double)g[i];
}

void dz__whole_run(const dz__whole *p, const double *in, const double *seeds, double *values,
                   double *gradient, void *work) {
  if (p->single) {
    run_converted(p, in, seeds, values, gradient, work);
    return;
  }
  run_double r = run_of(p, in, gradient, dz__lined(work) + dz__padded(p->outs - p->out_nodes));
  forward_double(&r, values || !gradient);
  hand_out_double(&r, values);
  for (size_t k = p->out_nodes; k < p->outs; k++)
    dz__lined(work)[k - p->out_nodes] = *value_double(&r, &p->node[p->output[k]]);
  if (!gradient) return;
  back_double(&r, seeds);
  if (any_nan_double(gradient, p->inputs)) dz__whole_careful(p->careful, in, seeds, gradient, r.registers);
}

/* ---- carefully: what is no structural zero is marked, and only that flows on ---- */

typedef struct careful {
  run_double r;
  double *marks; /* beside every number of the workspace */
} careful;

/* NULL for an input: nothing reads its marks. */
static double *marks_of(const careful *c, const dz__tensor *x) {
  return x->fn == DZ__F_END ? NULL : c->marks + x->adjoint;
}

static void begin(const careful *c, const dz__tensor *x) {
  double *marks = marks_of(c, x);
  if (!x->shape.size) return;
  memset(adjoint_double(&c->r, x), 0, x->shape.size * sizeof(double));
  if (marks) memset(marks, 0, x->shape.size * sizeof *marks);
}

/* What flows from member j at one piece: g and m are adjoints and marks by slot. */
static void flow_marked(const dz__whole *p, const dz__tensor *x, uint32_t j, const double *const *v,
                        double *const *g, double *const *m, size_t n) {
  const dz__kernel *f = &dz__pointwise[x->fn];
  const uint32_t *slot = p->slot + x->arg0;
  for (uint32_t k = 0; k < x->nargs; k++) {
    if (!p->node[p->arg[x->arg0 + k]].active) continue;
    for (size_t i = 0; i < n; i++) {
      if (m[j][i] == 0) continue;
      double in[3] = {0};
      for (uint32_t o = 0; o < x->nargs; o++) in[o] = v[slot[o]] ? v[slot[o]][i] : 0;
      double slope = f->partial[k](in[0], in[1], in[2], v[j] ? v[j][i] : 0, x->tie ? .5 : 0);
      if (f->mask[k] && slope == 0) continue;
      g[slot[k]][i] += slope * g[j][i];
      m[slot[k]][i] = 1;
    }
  }
}

static void give_marked(const careful *c, const dz__array *out, const dz__tensor *x, size_t e, size_t n,
                        const double *g, const double *m) {
  double *to = adjoint_double(&c->r, x), *marks = marks_of(c, x);
  for (size_t i = 0; i < n; i++) {
    if (m[i] == 0) continue;
    size_t at = dz__source(out, &x->shape, e + i);
    to[at] += g[i];
    if (marks) marks[at] = 1;
  }
}

static void take_marked(const careful *c, const dz__tensor *x, size_t e, size_t n, double *g, double *m) {
  const double *more = adjoint_double(&c->r, x) + e, *marks = marks_of(c, x) + e;
  for (size_t i = 0; i < n; i++)
    if (marks[i] != 0) g[i] += more[i], m[i] = 1;
}

static void chain_marked(const careful *c, const dz__stage *t) {
  const dz__whole *p = c->r.p;
  const dz__array *out = &member_double(&c->r, t, 0)->shape;
  const double *v[DZ__MOST_SLOTS] = {NULL};
  double *g[DZ__MOST_SLOTS], *m[DZ__MOST_SLOTS];
  size_t n, each = (t->tile + 7) / 8 * 8, slots = t->n + t->loads;
  for (size_t k = 0; k < slots; k++) {
    g[k] = c->r.registers + (slots + k) * each;
    m[k] = g[k] + slots * each;
  }
  for (uint32_t l = 0; l < t->loads; l++)
    if (dz__loads_of(p, t)[l].first) begin(c, &p->node[dz__loads_of(p, t)[l].node]);
  for (size_t e = 0; e < out->size; e += n) {
    n = out->size - e < t->tile ? out->size - e : t->tile;
    recall_double(&c->r, t, e, n, each, v);
    memset(g[0], 0, 2 * slots * each * sizeof *g[0]);
    for (uint32_t j = t->n; j-- > 0;) {
      const dz__tensor *x = member_double(&c->r, t, j);
      if (!x->reached) continue;
      if (x->arrives) take_marked(c, x, e, n, g[j], m[j]);
      flow_marked(p, x, j, v, g, m, n);
    }
    for (uint32_t l = 0; l < t->loads; l++)
      if (dz__loads_of(p, t)[l].flows)
        give_marked(c, out, &p->node[dz__loads_of(p, t)[l].node], e, n, g[t->n + l], m[t->n + l]);
  }
}

/* A mark of the result reaches the whole row of x and the whole column of y. */
static void product_marks(const double *marks, dz__matrix like, double *to, size_t inner, bool rows,
                          bool turned) {
  size_t m = (size_t)like.rows, n = (size_t)like.columns, lines = rows ? m : n;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      if (marks[i * n + j] == 0) continue;
      size_t line = rows ? i : j;
      for (size_t k = 0; k < inner; k++) to[rows != turned ? line * inner + k : k * lines + line] = 1;
    }
}

static void product_marked(const careful *c, const dz__tensor *z) {
  const dz__whole *p = c->r.p;
  const dz__tensor *x = &p->node[p->arg[z->arg0]], *y = &p->node[p->arg[z->arg0 + 1]];
  dz__matrix a = matrix_of_double(value_double(&c->r, x), &x->shape, true, z->turned[0]);
  dz__matrix b = matrix_of_double(value_double(&c->r, y), &y->shape, false, z->turned[1]);
  dz__matrix g = {adjoint_double(&c->r, z), a.rows, b.columns, b.columns, 1};
  const double *reached = marks_of(c, z);
  if (x->active) {
    dz__product_add_careful(g, turn_double(b), reached, adjoint_double(&c->r, x),
                            z->turned[0] ? 1 : a.columns, z->turned[0] ? a.rows : 1);
    if (marks_of(c, x)) product_marks(reached, g, marks_of(c, x), (size_t)a.columns, true, z->turned[0]);
  }
  if (y->active) {
    dz__product_add_careful(turn_double(g), a, reached, adjoint_double(&c->r, y), z->turned[1] ? b.rows : 1,
                            z->turned[1] ? 1 : b.columns);
    if (marks_of(c, y)) product_marks(reached, g, marks_of(c, y), (size_t)b.rows, false, z->turned[1]);
  }
}

static void windows_marked(const careful *c, const dz__tensor *z, double *const *ga, double *const *marks) {
  const dz__whole *p = c->r.p;
  const dz__windows windows = dz__windows_of(p, z);
  const double *x = value_double(&c->r, &p->node[p->arg[z->arg0]]), *g = adjoint_double(&c->r, z),
               *reached = marks_of(c, z);
  if (z->fn != DZ__W_CONV)
    dz__pool_careful(&windows, z->fn == DZ__W_SUM_POOL, x, value_double(&c->r, z), g, reached, ga[0],
                     marks[0]);
  else
    dz__conv_careful(&windows, z->shape.dims[1], x, value_double(&c->r, &p->node[p->arg[z->arg0 + 1]]), g,
                     reached, ga[0], marks[0], ga[1], marks[1]);
}

static void operation_marked(const careful *c, const dz__tensor *x) {
  const dz__whole *p = c->r.p;
  dz__array args[DZ__MOST_OPERANDS];
  double *ga[DZ__MOST_OPERANDS], *marks[DZ__MOST_OPERANDS], *rest;
  for (uint32_t k = 0; k < x->nargs; k++) {
    const dz__tensor *a = &p->node[p->arg[x->arg0 + k]];
    if (p->fresh[x->arg0 + k]) begin(c, a);
    ga[k] = a->active ? adjoint_double(&c->r, a) : NULL;
    marks[k] = a->active ? marks_of(c, a) : NULL;
  }
  if (dz__is_product(p, x)) {
    product_marked(c, x);
    return;
  }
  if (x->fn >= DZ__W_CONV) {
    windows_marked(c, x, ga, marks);
    return;
  }
  const dz__tensor_op *op = &dz__tensor_ops[x->fn - DZ__F_POINTWISE_END];
  dz__call call = call_of_double(&c->r, x, args, &rest);
  call.scratch = rest;
  call.g = adjoint_double(&c->r, x);
  call.reached = marks_of(c, x);
  call.ga = ga;
  op->reverse(&call);
  call.g = call.reached;
  call.ga = marks;
  op->spread(&call);
}

static void seed_marks(const careful *c) {
  const dz__whole *p = c->r.p;
  for (size_t k = 0; k < p->out_nodes; k++) {
    const dz__tensor *y = &p->node[p->output[k]];
    double *marks = y->active ? marks_of(c, y) : NULL;
    for (size_t i = 0; marks && i < y->shape.size; i++) marks[i] = 1;
  }
}

void dz__whole_careful(const dz__whole *p, const double *in, const double *seeds, double *gradient,
                       double *work) {
  careful c = {.r = run_of(p, in, gradient, work)};
  c.marks = c.r.work + dz__padded(p->room);
  forward_double(&c.r, true);
  seed_double(&c.r, seeds);
  seed_marks(&c);
  for (size_t s = p->stages; s-- > 0;) {
    const dz__stage *t = &p->stage[s];
    if (!t->active) continue;
    if (dz__is_chain(t))
      chain_marked(&c, t);
    else
      operation_marked(&c, member_double(&c.r, t, 0));
  }
}
