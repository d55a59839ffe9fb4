#include "show/trace.h"

#include "tape/single.h"
#include "tape/sweep.h"
#include "tape/use.h"

/* Which nodes of the tape are seen, and how many before each word: the place of a node in the trace. */
typedef struct word {
  uint64_t bits;
  uint32_t before;
} word;

typedef struct marks {
  word *words;
  size_t n, ops, leaves, uses;
} marks;

static unsigned ones(uint64_t x) {
  unsigned n = 0;
  for (; x; x &= x - 1) n++;
  return n;
}

static void mark(marks *m, size_t i) { m->words[i / 64].bits |= (uint64_t)1 << i % 64; }
static bool marked(const marks *m, size_t i) { return m->words[i / 64].bits >> i % 64 & 1; }

static uint32_t place(const marks *m, size_t i) {
  const word *w = &m->words[i / 64];
  return w->before + ones(w->bits & (((uint64_t)1 << i % 64) - 1));
}

/* From y down: operands have smaller numbers, so one pass marks all that y depends on. */
static dz_status mark_all(dz_var y, size_t max_ops, marks *m) {
  mark(m, dz_node_index(y));
  for (size_t i = dz_node_index(y) + 1; i-- > 0;) {
    if (m->words[i / 64].bits == 0) i -= i % 64;
    if (!marked(m, i)) continue;
    dz_var x = dz_node_at(y.tape, i);
    dz_node d = dz_describe(x);
    if (d.role == DZ_ROLE_NONE && ++m->ops > max_ops) return DZ_ERR_LIMIT;
    m->leaves += d.role != DZ_ROLE_NONE;
    m->uses += (size_t)d.nargs;
    for (int k = 0; k < d.nargs; k++) {
      size_t j = dz_node_index(dz_operand(x, k));
      if (j != SIZE_MAX) mark(m, j);
    }
  }
  if (m->uses > DZ__MOST_USES) return DZ_ERR_LIMIT;
  uint32_t before = 0;
  for (size_t w = 0; w < m->n; before += ones(m->words[w++].bits)) m->words[w].before = before;
  return DZ_OK;
}

static void look(dz_var x, dz__seen *s) {
  *s = (dz__seen){.var = x,
                  .node = dz_node_index(x),
                  .is = dz_describe(x),
                  .name = dz_name(x),
                  .rank = dz_rank(x),
                  .size = dz_size(x),
                  .value = dz_values(x),
                  .adjoint = dz_adjoints(x),
                  .state = dz_adjoint_state_of(x),
                  .first = DZ__NONE};
  for (int d = 0; d < s->rank; d++) s->dims[d] = dz_extent(x, d);
}

/* The uses that node i of the trace makes, appended; its wave. */
static void look_at_operands(dz__trace *t, const marks *m, uint32_t i) {
  dz__seen *s = &t->seen[i];
  s->args = (uint32_t)t->nuse;
  s->wave = s->is.role == DZ_ROLE_NONE;
  for (int k = 0; k < s->is.nargs; k++) {
    dz_var x = dz_operand(s->var, k);
    dz__use *u = &t->use[t->nuse++];
    *u = (dz__use){.user = i, .operand = (uint32_t)k, .of = DZ__NONE, .next = DZ__NONE};
    if (dz_is_number(x)) {
      u->number = dz__number(x);
      continue;
    }
    u->of = place(m, dz_node_index(x));
    if (t->seen[u->of].wave >= s->wave) s->wave = t->seen[u->of].wave + 1;
  }
}

/* The result's adjoint goes on first, every other one when all its users' have. */
static void find_backs(dz__trace *t) {
  for (size_t i = t->nseen; i-- > 0;) {
    dz__seen *s = &t->seen[i];
    s->back = s->adjoint && i + 1 == t->nseen;
    for (uint32_t j = s->first; s->adjoint && j != DZ__NONE; j = t->use[j].next) {
      uint32_t user = t->seen[t->use[j].user].back;
      if (user >= s->back && user) s->back = user + 1;
    }
    bool moves = s->is.role == DZ_ROLE_NONE;
    if (moves && s->back > t->backs) t->backs = s->back;
    if (s->wave > t->waves) t->waves = s->wave;
  }
}

/* Threads the uses of each value in order, from the last to the first. */
void dz__trace_link(dz__trace *t) {
  for (size_t j = t->nuse; j-- > 0;) {
    dz__use *u = &t->use[j];
    if (u->of == DZ__NONE) continue;
    dz__seen *of = &t->seen[u->of];
    u->next = of->first;
    of->first = (uint32_t)j;
    of->uses++;
  }
  find_backs(t);
}

/* ---- numbers that the trace owns ---- */

struct dz__room {
  struct dz__room *next;
  size_t n;
  double at[];
};

double *dz__trace_room(dz__trace *t, size_t n) {
  struct dz__room *r = dz__alloc(&t->alloc, sizeof *r + n * sizeof *r->at);
  if (!r) return NULL;
  r->next = t->room;
  r->n = n;
  t->room = r;
  return r->at;
}

static void free_rooms(dz__trace *t) {
  while (t->room) {
    struct dz__room *r = t->room;
    t->room = r->next;
    dz__free(&t->alloc, r, sizeof *r + r->n * sizeof *r->at);
  }
}

void dz__trace_adopt(dz__trace *to, dz__trace *from) {
  struct dz__room **end = &to->room;
  while (*end) end = &(*end)->next;
  *end = from->room;
  from->room = NULL;
  dz__trace_free(from);
}

static bool has_share(const dz__trace *t, const dz__use *u) {
  if (u->of == DZ__NONE) return false;
  const dz__seen *of = &t->seen[u->of];
  return of->adjoint && t->seen[u->user].adjoint && of->size <= DZ__SHOWN_ELEMENTS;
}

static bool find_shares(dz__trace *t) {
  size_t n = 0;
  for (size_t j = 0; j < t->nuse; j++)
    if (has_share(t, &t->use[j])) n += t->seen[t->use[j].of].size;
  double *at = dz__trace_room(t, n);
  if (!at) return false;
  for (size_t j = 0; j < t->nuse; j++) {
    dz__use *u = &t->use[j];
    if (!has_share(t, u) || t->seen[u->of].size == 0) continue;
    if (!dz__use_adjoint(t->seen[u->user].var, (int)u->operand, at)) return false;
    u->share = at;
    at += t->seen[u->of].size;
  }
  return true;
}

static dz_status fill(dz_var y, const marks *m, dz__trace *t) {
  t->nseen = t->seen_cap = m->ops + m->leaves;
  t->use_cap = m->uses;
  t->seen = dz__alloc(&t->alloc, t->nseen * sizeof *t->seen);
  t->use = dz__alloc(&t->alloc, m->uses * sizeof *t->use);
  if (!t->seen || (m->uses && !t->use)) return DZ_ERR_MEMORY;
  uint32_t n = 0;
  for (size_t w = 0; w < m->n; w++)
    for (uint64_t bits = m->words[w].bits; bits; bits &= bits - 1) {
      size_t i = 64 * w + ones((bits & (0 - bits)) - 1);
      look(dz_node_at(y.tape, i), &t->seen[n]);
      look_at_operands(t, m, n++);
    }
  dz__trace_link(t);
  return find_shares(t) ? DZ_OK : DZ_ERR_MEMORY;
}

dz_status dz__trace_make(dz_var y, size_t max_ops, dz__trace *trace) {
  dz__tape *s = dz__of(y.tape);
  *trace = (dz__trace){.alloc = s->alloc};
  if (!dz__whole_adjoints(y.tape) && s->swept.again) return DZ_ERR_MEMORY;
  if (!dz__doubles_ready(s, dz__index(y), true)) return DZ_ERR_MEMORY;
  marks m = {.n = dz_node_index(y) / 64 + 1};
  m.words = dz__alloc(&trace->alloc, m.n * sizeof *m.words);
  if (!m.words) return DZ_ERR_MEMORY;
  memset(m.words, 0, m.n * sizeof *m.words);
  dz_status status = mark_all(y, max_ops, &m);
  if (!status) status = fill(y, &m, trace);
  dz__free(&trace->alloc, m.words, m.n * sizeof *m.words);
  if (status) dz__trace_free(trace);
  return status;
}

void dz__trace_free(dz__trace *t) {
  free_rooms(t);
  dz__free(&t->alloc, t->use, t->use_cap * sizeof *t->use);
  dz__free(&t->alloc, t->seen, t->seen_cap * sizeof *t->seen);
  *t = (dz__trace){.alloc = t->alloc};
}
