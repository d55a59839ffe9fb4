/* A network as neurons: an element of a value is a circle, a weight stands at the line between two, and sums,
   biases and activations are inside the circles. Names: n<i>_<e> element e of node i of the tape. */
#include "show/node.h"
#include "show/picture.h"
#include "tape/diagnose.h"

enum { MOST_ELEMENTS = 12, FEW_WEIGHTS = 6, MOST_WEIGHTS = 24, NAME = 17, NUMBER = 12 };

/* A term of a weighted sum that no neuron has yet: a weight times a value, or a bias. */
typedef struct term {
  uint32_t of, weight; /* nodes; weight DZ__NONE: 1, of DZ__NONE: a bias, both: a number */
  uint32_t next;
  bool left; /* of a matrix product: W x, not x W */
  double number;
} term;

/* GONE: what went on in another's circle. */
enum { VALUE, SUM, GONE };

typedef struct network {
  dz__picture *p;
  term *terms;
  size_t count, cap;
  uint32_t *first; /* per node: its terms while it is a sum */
  uint8_t *kind;
  double diameter[2]; /* of leaves, of others */
  uint32_t at;        /* while circles are measured */
  size_t weights;     /* at how many lines stands one */
  bool failed;
} network;

static const dz__seen *seen(const network *w, uint32_t i) { return &w->p->trace->seen[i]; }
static const dz__use *use_of(const network *w, const dz__seen *s, int k) {
  return &w->p->trace->use[s->args + (uint32_t)k];
}
static bool is_op(const dz__seen *s, const char *op) { return !s->box && strcmp(s->is.op, op) == 0; }

/* ---- weighted sums ---- */

static void add_term(network *w, uint32_t i, term t) {
  void *at = w->terms;
  if (!dz__grow(&w->p->full.alloc, &at, &w->cap, w->count + 1, sizeof *w->terms)) w->failed = true;
  w->terms = at;
  if (w->failed) return;
  uint32_t *end = &w->first[i];
  while (*end != DZ__NONE) end = &w->terms[*end].next;
  *end = (uint32_t)w->count;
  t.next = DZ__NONE;
  w->terms[w->count++] = t;
}

static bool is_parameter(const network *w, const dz__use *u) {
  return dz__is_parameter(w->p, seen(w, u->of));
}

static bool same_shape(const dz__seen *x, const dz__seen *y) {
  return x->rank == y->rank && memcmp(x->dims, y->dims, (size_t)x->rank * sizeof *x->dims) == 0;
}

/* A sum that is used once, element by element, goes on in its user s. */
static bool goes_on(const network *w, const dz__seen *s, const dz__use *u) {
  return u->of != DZ__NONE && w->kind[u->of] == SUM && seen(w, u->of)->uses == 1 &&
         same_shape(s, seen(w, u->of));
}

static void take_over(network *w, uint32_t i, uint32_t from) {
  uint32_t *end = &w->first[i];
  while (*end != DZ__NONE) end = &w->terms[*end].next;
  *end = w->first[from];
  w->first[from] = DZ__NONE;
  w->kind[from] = GONE;
}

static bool is_product(const dz__seen *s, const dz__seen *a, const dz__seen *b) {
  return is_op(s, "matmul") ? a->rank <= 2 && b->rank <= 2 : is_op(s, "mul") && s->rank == 0;
}

/* A weight times a value. */
static bool weigh(network *w, uint32_t i, const dz__seen *s) {
  if (s->is.nargs != 2) return false;
  const dz__use *a = use_of(w, s, 0), *b = use_of(w, s, 1);
  if (a->of == DZ__NONE || b->of == DZ__NONE || is_parameter(w, a) == is_parameter(w, b)) return false;
  if (!is_product(s, seen(w, a->of), seen(w, b->of))) return false;
  bool left = is_parameter(w, a);
  add_term(w, i, (term){.of = left ? b->of : a->of, .weight = left ? a->of : b->of, .left = left});
  return true;
}

static term term_of(const network *w, const dz__use *u) {
  if (u->of == DZ__NONE) return (term){.of = DZ__NONE, .weight = DZ__NONE, .number = u->number};
  return is_parameter(w, u) ? (term){.of = DZ__NONE, .weight = u->of}
                            : (term){.of = u->of, .weight = DZ__NONE};
}

/* A sum in which some term has a weight. */
static bool sum_up(network *w, uint32_t i, const dz__seen *s) {
  bool weighted = false;
  if (!is_op(s, "add")) return false;
  for (int k = 0; k < 2; k++) weighted = weighted || goes_on(w, s, use_of(w, s, k));
  if (!weighted) return false;
  for (int k = 0; k < 2; k++) {
    const dz__use *u = use_of(w, s, k);
    if (goes_on(w, s, u))
      take_over(w, i, u->of);
    else
      add_term(w, i, term_of(w, u));
  }
  return true;
}

/* The neuron that does a sum does what follows element by element too. */
static bool activates(const network *w, const dz__seen *s) {
  if (dz__is_leaf(s) || s->is.nargs != 1 || !goes_on(w, s, use_of(w, s, 0))) return false;
  dz__fn fn = dz__node_fn(s->var);
  return s->box || fn < DZ__F_POINTWISE_END || fn == DZ__F_user;
}

static void read_all(network *w) {
  for (uint32_t i = 0; i < w->p->trace->nseen && !w->failed; i++) {
    const dz__seen *s = seen(w, i);
    w->first[i] = DZ__NONE;
    w->kind[i] = VALUE;
    if (!dz__is_leaf(s) && (weigh(w, i, s) || sum_up(w, i, s))) w->kind[i] = SUM;
    if (w->kind[i] == VALUE && activates(w, s)) take_over(w, i, use_of(w, s, 0)->of);
  }
}

/* Parameters have no circle but where they are all there is. */
static bool is_drawn(const network *w, uint32_t i) {
  const dz__seen *s = seen(w, i);
  return dz__is_leaf(s) ? !dz__is_parameter(w->p, s) || s->uses == 0 : w->kind[i] != GONE;
}

static size_t circles(const dz__seen *s) { return s->size > 0 && s->size <= MOST_ELEMENTS ? s->size : 1; }

/* ---- circles ---- */

static void put_number(network *w, const char *lead, const double *v, size_t e, const char *color) {
  dz__picture *p = w->p;
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, NUMBER, color);
  dz__pen_put(&p->pen, lead);
  dz__pen_number(&p->pen, v[e], 8);
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
}

/* In one circle for all there is no telling which. */
static void put_index(network *w, const dz__seen *s, size_t e) {
  if (s->size > 1 && circles(s) == s->size)
    dz__pen_form(&w->p->pen, "<SUB><FONT POINT-SIZE=\"11\">%</FONT></SUB>", e + 1);
}

/* Its element that goes into element e of s; of one circle for all the name alone. */
static void put_parameter(network *w, const dz__seen *s, const dz__seen *b, size_t e) {
  const dz__array out = dz__array_of(s->var), in = dz__array_of(b->var);
  bool one = b->size == 1 || circles(s) == s->size;
  e = dz__source(&out, &in, e);
  if (b->name) dz__mark_name(w->p, b->name);
  if (b->name && one) put_index(w, b, e);
  if (!b->name && one) dz__pen_number(&w->p->pen, b->value[e], 8);
  if (!b->name && !one) dz__pen_put(&w->p->pen, "…");
}

static void put_bias(network *w, uint32_t i, size_t e) {
  for (uint32_t k = w->first[i]; k != DZ__NONE; k = w->terms[k].next) {
    const term *t = &w->terms[k];
    if (t->of != DZ__NONE) continue;
    dz__pen_put(&w->p->pen, "\u00a0+\u00a0");
    if (t->weight == DZ__NONE)
      dz__pen_number(&w->p->pen, t->number, 8);
    else
      put_parameter(w, seen(w, i), seen(w, t->weight), e);
  }
}

static void put_inside(network *w, uint32_t i, size_t e) {
  dz__picture *p = w->p;
  const dz__seen *s = seen(w, i);
  const char *name = s == dz__last(p) ? p->output : s->name;
  dz__pen_put(&p->pen, "<TR><TD>");
  dz__mark_font(p, NAME, p->colors.ink);
  if (dz__is_leaf(s) || (name && w->first[i] == DZ__NONE)) {
    if (name) dz__mark_name(p, name), put_index(w, s, e);
  }
  if (!dz__is_leaf(s) && (w->first[i] != DZ__NONE || !name)) {
    if (w->first[i] != DZ__NONE) dz__pen_put(&p->pen, "Σ"), put_bias(w, i, e);
    if (w->kind[i] == VALUE) {
      if (w->first[i] != DZ__NONE) dz__pen_put(&p->pen, "\u00a0|\u00a0");
      dz__mark_sign(p, s, NAME);
    }
  }
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
}

static void put_label(network *w, uint32_t i, size_t e) {
  dz__picture *p = w->p;
  const dz__seen *s = seen(w, i);
  char room[16], other[16];
  bool one = circles(s) == s->size;
  dz__pen_put(&p->pen, DZ__TABLE);
  put_inside(w, i, e);
  if (!one) {
    dz__pen_put(&p->pen, "<TR><TD>");
    dz__mark_shape(p, s);
    dz__pen_put(&p->pen, "</TD></TR>");
  } else {
    if (dz__shows_values(p)) put_number(w, "", s->value, e, dz__ink(p, s->wave, room));
    if (dz__shows_whole(p, s)) put_number(w, "← ", s->adjoint, e, dz__red(p, dz__whole_back(s), other));
  }
  dz__pen_put(&p->pen, "</TABLE>");
}

static void put_labels(dz__picture *p, void *user, uint32_t e) {
  network *w = user;
  (void)p;
  put_label(w, w->at, e);
}

/* Circles of leaves are alike, and so are neurons. */
static void measure(network *w) {
  for (w->at = 0; w->at < w->p->trace->nseen; w->at++) {
    const dz__seen *s = seen(w, w->at);
    double *most = &w->diameter[!dz__is_leaf(s)];
    for (size_t e = 0; is_drawn(w, w->at) && e < circles(s); e++) {
      double d = dz__measure(w->p, put_labels, w, (uint32_t)e);
      if (d > *most) *most = d;
    }
  }
}

static void put_circle(network *w, uint32_t i, size_t e) {
  dz__picture *p = w->p;
  const dz__seen *s = seen(w, i);
  dz__pen_form(&p->pen, "  n%_% [label=<", s->node, e);
  put_label(w, i, e);
  dz__pen_put(&p->pen, ">");
  dz__mark_circle(p, w->diameter[!dz__is_leaf(s)]);
  dz__pen_put(&p->pen, "];\n");
}

/* ---- lines ---- */

/* Which weight, at[0] its row and at[1] its column, takes one element to another; false when none does. Of W
   x elements of one column meet, of x W those of one row. */
static bool connects(const network *w, const term *t, size_t to, size_t from, size_t at[2]) {
  const dz__seen *x = seen(w, t->of), *y = seen(w, t->weight);
  size_t inner = x->rank ? x->dims[x->rank - 1] : 1, columns = 1;
  if (t->left && x->rank == 2) columns = inner;
  if (!t->left && y->rank == 2) columns = y->dims[1];
  at[0] = t->left ? to / columns : from % inner;
  at[1] = t->left ? from / columns : to % columns;
  return t->left ? to % columns == from % columns : to / columns == from / inner;
}

/* W[i, j] stands at the end where there are more circles: there fewer lines meet. Its gradient has room where
   no lines cross (fans). */
static void put_weight(network *w, const term *t, const size_t at[2], size_t count, bool at_head, bool fans) {
  const dz__seen *x = seen(w, t->weight);
  size_t inner = at[t->left], e = x->rank == 2 ? at[0] * x->dims[1] + at[1] : x->rank == 1 ? inner : 0;
  dz__picture *p = w->p;
  if (count > MOST_WEIGHTS) return;
  bool kept = fans && w->weights <= FEW_WEIGHTS && dz__shows_whole(p, x);
  dz__pen_put(&p->pen, at_head ? " [headlabel=" : " [taillabel=");
  dz__mark_attribute(p, "<<TABLE BORDER=\"0\" CELLPADDING=\"1\" CELLSPACING=\"0\" BGCOLOR=\"%\"><TR><TD>",
                     p->colors.paper);
  dz__mark_font(p, 14, p->colors.ink);
  if (x->name && p->how->written != DZ_WRITTEN_NUM) {
    dz__mark_name(p, x->name);
    if (x->rank == 2)
      dz__pen_form(&p->pen, "<SUB><FONT POINT-SIZE=\"10\">%,%</FONT></SUB>", at[0] + 1, at[1] + 1);
    if (x->rank == 1) dz__pen_form(&p->pen, "<SUB><FONT POINT-SIZE=\"10\">%</FONT></SUB>", inner + 1);
  }
  bool many = w->weights > FEW_WEIGHTS && x->name && p->how->written == DZ_WRITTEN_BOTH;
  if (p->how->written != DZ_WRITTEN_SYM && !many) {
    if (x->name && p->how->written != DZ_WRITTEN_NUM) dz__pen_put(&p->pen, "\u00a0=\u00a0");
    dz__pen_number(&p->pen, x->value[e], 9);
  }
  dz__pen_put(&p->pen, "</FONT></TD></TR>");
  char room[16];
  if (kept) put_number(w, "← ", x->adjoint, e, dz__red(p, dz__whole_back(x), room));
  dz__pen_put(&p->pen, kept ? "</TABLE>> labeldistance=6.5]" : "</TABLE>>]");
}

static void put_weighted(network *w, uint32_t i, const term *t) {
  const dz__seen *s = seen(w, i), *x = seen(w, t->of);
  size_t n = circles(s), m = circles(x), at[2];
  bool weighted = t->weight != DZ__NONE && n == s->size && m == x->size;
  for (size_t a = 0; a < n; a++)
    for (size_t b = 0; b < m; b++) {
      if (t->weight == DZ__NONE && n == m && a != b) continue;
      if (weighted && !connects(w, t, a, b, at)) continue;
      dz__pen_form(&w->p->pen, "  n%_% -> n%_%", x->node, b, s->node, a);
      if (weighted) put_weight(w, t, at, n * m, n > m, n == 1 || m == 1);
      dz__pen_put(&w->p->pen, ";\n");
    }
}

/* Lines without weights: element to element where they are as many, else each to all. */
static void put_plain(network *w, uint32_t i) {
  const dz__seen *s = seen(w, i);
  for (int k = 0; k < s->is.nargs; k++) {
    const dz__use *u = use_of(w, s, k);
    if (u->of == DZ__NONE || !is_drawn(w, u->of)) continue;
    bool all = s->box != NULL && circles(s) == circles(seen(w, u->of));
    term t = {.of = u->of, .weight = DZ__NONE};
    if (!all) {
      put_weighted(w, i, &t);
      continue;
    }
    for (size_t a = 0; a < circles(s); a++)
      for (size_t b = 0; b < circles(s); b++)
        dz__pen_form(&w->p->pen, "  n%_% -> n%_%;\n", seen(w, u->of)->node, b, s->node, a);
  }
}

static void put_lines(network *w, uint32_t i) {
  if (w->first[i] == DZ__NONE) {
    put_plain(w, i);
    return;
  }
  for (uint32_t t = w->first[i]; t != DZ__NONE; t = w->terms[t].next)
    if (w->terms[t].of != DZ__NONE) put_weighted(w, i, &w->terms[t]);
}

static size_t count_weights(const network *w) {
  size_t n = 0;
  for (size_t t = 0; t < w->count; t++)
    if (w->terms[t].of != DZ__NONE && w->terms[t].weight != DZ__NONE) n += seen(w, w->terms[t].weight)->size;
  return n;
}

static void draw(network *w) {
  dz__picture *p = w->p;
  char room[16];
  dz__mark_head(p);
  measure(w);
  w->weights = count_weights(w);
  dz__pen_put(&p->pen,
              "  nodesep=0.45; ranksep=1.9; splines=line;\n  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" "
              "CELLSPACING=\"0\" CELLPADDING=\"12\"><TR>");
  dz__mark_entry(p, "in the circles: values", p->colors.ink);
  if (dz__shows_whole(p, dz__last(p))) dz__mark_entry(p, "← : gradients", dz__red(p, 1, room));
  dz__mark_entry(p, "at the lines: weights", p->colors.ink);
  dz__pen_put(&p->pen, "</TR></TABLE>>;\n");
  dz__mark_attribute(p, "  node [shape=circle margin=\"0.01\" penwidth=1.6 color=\"%\" ", p->colors.ink);
  dz__mark_attribute(p, "style=filled fillcolor=\"%\"];\n", p->colors.fill);
  dz__mark_attribute(p,
                     "  edge [fontname=\"Times,serif\" penwidth=1.4 arrowsize=0.7 labeldistance=4.5 "
                     "labelangle=0 color=\"%\"];\n",
                     p->colors.ink);
  for (uint32_t i = 0; i < p->trace->nseen; i++)
    for (size_t e = 0; is_drawn(w, i) && e < circles(seen(w, i)); e++) put_circle(w, i, e);
  for (uint32_t i = 0; i < p->trace->nseen; i++)
    if (!dz__is_leaf(seen(w, i)) && is_drawn(w, i)) put_lines(w, i);
  dz__pen_put(&p->pen, "}\n");
}

void dz__draw_neurons(dz__picture *p) {
  const dz_allocator *a = &p->full.alloc;
  size_t n = p->trace->nseen;
  network w = {.p = p, .first = dz__alloc(a, n * sizeof(uint32_t)), .kind = dz__alloc(a, n)};
  w.failed = !w.first || !w.kind;
  if (!w.failed) read_all(&w);
  if (!w.failed) draw(&w);
  p->failed = p->failed || w.failed;
  dz__free(a, w.terms, w.cap * sizeof *w.terms);
  dz__free(a, w.first, n * sizeof *w.first);
  dz__free(a, w.kind, n);
}
