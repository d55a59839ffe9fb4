/* Paths of the linearised graph: their number, all of them, or the largest. */
#include "dz/paths.h"

#include "show/label.h"
#include "show/linearized.h"
#include "show/merged.h"
#include "tape/tape.h"

#include <math.h>
#include <string.h>

enum { MOST = 64, MOST_PARTIAL = 1 << 24 };

typedef struct found {
  dz_paths shown; /* first: a dz_paths is a found */
  dz_allocator alloc;
  dz__merged merged;
  dz__linearized g;
  uint32_t x;
  dz__sheet text; /* labels and formulas, one after another */
  size_t *label;  /* per node two places in the text */
  size_t *rule;   /* per edge one */
  dz_path_node *node;
  dz_path_edge *edge;
  dz_path *path;
  uint32_t *way; /* the edges of all paths */
  size_t ways, path_cap, way_cap;
} found;

/* A path to a vertex: its last edge, and which of the paths to where that begins. size orders paths: log2 of
   |product|; a NaN counts as largest. */
typedef struct partial_path {
  double size;
  uint32_t edge, rank, length;
  bool shut;
} partial_path;

typedef struct tally {
  uint64_t paths, products; /* paths from x to a vertex; edges of all of them */
  uint32_t kept, first;     /* partial paths */
  uint32_t shown;           /* its place among what is shown; DZ__NONE when it is on no path */
} tally;

static uint64_t add(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

static bool usable(const dz__edge *e) { return e->gate != DZ__GATE_NEVER; }

/* Saturating: a sum that reaches the end is over it, or on it, which is told apart by `over`. */
static void count(found *f, tally *t) {
  const dz__linearized *g = &f->g;
  bool over = false;
  t[f->x].paths = 1;
  for (size_t v = f->x + 1; v < g->vertices; v++)
    for (uint32_t i = 0; i < g->vertex[v].ins; i++) {
      const dz__edge *e = &g->edge[g->vertex[v].in + i];
      const tally *from = &t[e->from];
      if (!usable(e) || from->paths == 0) continue;
      over = over || from->paths > UINT64_MAX - t[v].paths;
      t[v].paths = add(t[v].paths, from->paths);
      t[v].products = add(t[v].products, add(from->products, from->paths));
    }
  const tally *y = &t[g->y0];
  f->shown.count = y->paths;
  f->shown.over = over && y->paths == UINT64_MAX;
  f->shown.path_products = y->products == UINT64_MAX ? UINT64_MAX : y->products - y->paths;
  if (f->x == g->y0) f->shown.path_products = 0;
}

/* ---- the largest paths to each vertex ---- */

static partial_path extended(const partial_path *p, const dz__edge *e, uint32_t edge, uint32_t rank) {
  partial_path q = {p->size + log2(fabs(e->partial)), edge, rank, p->length + 1,
                    p->shut || e->gate != DZ__GATE_OPEN};
  if (q.shut) q.size = -INFINITY;
  if (isnan(q.size)) q.size = INFINITY;
  return q;
}

/* Larger ones first; of equal ones those that came first. */
static void keep(partial_path *list, uint32_t *n, size_t most, partial_path p) {
  uint32_t i = *n;
  if (i == most && !(p.size > list[i - 1].size)) return;
  if (i < most) ++*n;
  for (i = *n - 1; i > 0 && p.size > list[i - 1].size; i--) list[i] = list[i - 1];
  list[i] = p;
}

static void extend_all(const found *f, tally *t, partial_path *pool, size_t most, size_t v) {
  const dz__linearized *g = &f->g;
  for (uint32_t i = 0; i < g->vertex[v].ins; i++) {
    uint32_t edge = g->vertex[v].in + i;
    const dz__edge *e = &g->edge[edge];
    const tally *from = &t[e->from];
    for (uint32_t r = 0; usable(e) && r < from->kept; r++)
      keep(pool + t[v].first, &t[v].kept, most, extended(&pool[from->first + r], e, edge, r));
  }
}

/* ---- paths as they are shown ---- */

static dz_status add_path(found *f, const tally *t, const partial_path *pool, uint32_t rank) {
  const dz__linearized *g = &f->g;
  const partial_path *p = &pool[t[g->y0].first + rank];
  dz_path path = {.length = p->length, .product = 1};
  if (!dz__grow(&f->alloc, (void **)&f->path, &f->path_cap, f->shown.paths + 1, sizeof *f->path) ||
      !dz__grow(&f->alloc, (void **)&f->way, &f->way_cap, f->ways + p->length, sizeof *f->way))
    return DZ_ERR_MEMORY;
  bool shut = p->shut;
  for (size_t at = f->ways + p->length; at-- > f->ways;) {
    f->way[at] = p->edge;
    p = &pool[t[g->edge[p->edge].from].first + p->rank];
  }
  for (size_t i = 0; i < path.length; i++) path.product *= g->edge[f->way[f->ways + i]].partial;
  if (shut) path.product = 0;
  f->ways += path.length;
  f->path[f->shown.paths++] = path;
  return DZ_OK;
}

/* Short ones first; then by the operands that they go through, from the output back. Two paths of one length
   differ somewhere. */
static bool before(const dz_path *a, const dz_path *b) {
  size_t i = a->length - 1;
  if (a->length != b->length) return a->length < b->length;
  while (a->edge[i] == b->edge[i]) i--;
  return a->edge[i] < b->edge[i];
}

static void order(found *f) {
  size_t at = 0;
  if (f->way) /* not where a leaf is the result: its path has no edge */
    for (size_t i = 0; i < f->shown.paths; at += f->path[i++].length) f->path[i].edge = f->way + at;
  for (size_t i = 1; f->shown.all && i < f->shown.paths; i++)
    for (size_t k = i; k > 0 && before(&f->path[k], &f->path[k - 1]); k--) {
      dz_path p = f->path[k];
      f->path[k] = f->path[k - 1];
      f->path[k - 1] = p;
    }
  for (size_t i = 0; i < f->shown.paths; i++) f->shown.sum += f->path[i].product;
}

static dz_status list(found *f, tally *t, size_t most) {
  const dz__linearized *g = &f->g;
  size_t room = 0;
  for (size_t v = f->x; v < g->vertices; v++) {
    t[v].first = (uint32_t)room;
    room += t[v].paths < most ? (size_t)t[v].paths : most;
    if (room > MOST_PARTIAL) return DZ_ERR_LIMIT;
  }
  partial_path *pool = dz__alloc(&f->alloc, room * sizeof *pool);
  if (!pool) return DZ_ERR_MEMORY;
  pool[t[f->x].first] = (partial_path){0};
  t[f->x].kept = 1;
  for (size_t v = f->x + 1; v < g->vertices; v++) extend_all(f, t, pool, most, v);
  f->shown.all = !f->shown.over && f->shown.count <= most;
  dz_status status = DZ_OK;
  for (uint32_t r = 0; !status && r < t[g->y0].kept; r++) status = add_path(f, t, pool, r);
  dz__free(&f->alloc, pool, room * sizeof *pool);
  if (!status) order(f);
  return status;
}

/* ---- nodes and edges as they are shown ---- */

/* Only elements on some path are shown. Numbers them. */
static void choose(found *f, tally *t) {
  const dz__linearized *g = &f->g;
  for (size_t v = 0; v < g->vertices; v++) t[v].shown = DZ__NONE;
  t[g->y0].shown = t[g->y0].paths ? 0 : DZ__NONE;
  for (size_t i = g->edges; i-- > 0;) {
    const dz__edge *e = &g->edge[i];
    if (usable(e) && t[e->to].shown != DZ__NONE && t[e->from].paths) t[e->from].shown = 0;
  }
  for (size_t v = 0; v < g->vertices; v++)
    if (t[v].shown != DZ__NONE) t[v].shown = (uint32_t)f->shown.nodes++;
}

/* Formulas are for reading. */
enum { READABLE = 1000, FEW = 60 };

static void describe(found *f, const tally *t, dz__labels *l, const double *adjoint) {
  const dz__linearized *g = &f->g;
  size_t formula = 0;
  for (size_t v = 0; v < g->vertices; v++)
    if (t[v].shown != DZ__NONE) dz__label_give(l, g->vertex[v].node);
  for (size_t v = 0; v < g->vertices; v++) {
    const dz__vertex *p = &g->vertex[v];
    size_t n = t[v].shown, *label = f->label + 2 * n;
    if (n == DZ__NONE) continue;
    f->node[n] =
        (dz_path_node){.node = p->node, .element = p->element, .value = p->value, .adjoint = adjoint[v]};
    bool same = n > 0 && dz_node_index(f->node[n - 1].node) == dz_node_index(p->node);
    label[0] = f->text.n;
    dz__label_element(l, &f->text, p->node, p->element);
    dz__sheet_bytes(&f->text, "", 1);
    if (!same) formula = f->text.n;
    if (!same && f->shown.nodes <= READABLE) dz__label_formula(l, &f->text, p->node);
    if (!same) dz__sheet_bytes(&f->text, "", 1);
    label[1] = formula;
  }
}

static bool number_edges(found *f, const tally *t, dz__labels *l, uint32_t *place) {
  const dz__linearized *g = &f->g;
  for (size_t i = 0; i < g->edges; i++) {
    const dz__edge *e = &g->edge[i];
    uint32_t from = t[e->from].shown, to = t[e->to].shown;
    if (!usable(e) || from == DZ__NONE || to == DZ__NONE) continue;
    f->rule[f->shown.edges] = f->text.n;
    if (g->edges <= FEW) dz__label_partial(l, &f->text, g->vertex[e->to].node, e->operand);
    dz__sheet_bytes(&f->text, "", 1);
    place[i] = (uint32_t)f->shown.edges;
    f->edge[f->shown.edges++] = (dz_path_edge){.from = from,
                                               .to = to,
                                               .operand = e->operand,
                                               .partial = e->partial,
                                               .shut = e->gate != DZ__GATE_OPEN};
    f->shown.recursion_products += e->to != g->y0;
  }
  for (size_t i = 0; i < f->ways; i++) f->way[i] = place[f->way[i]];
  return !f->text.failed;
}

static bool show_edges(found *f, const tally *t, dz__labels *l) {
  size_t room = f->g.edges + 1;
  uint32_t *place = dz__alloc(&f->alloc, room * sizeof *place);
  f->edge = dz__alloc(&f->alloc, room * sizeof *f->edge);
  f->rule = dz__alloc(&f->alloc, room * sizeof *f->rule);
  bool done = place && f->edge && f->rule && number_edges(f, t, l, place);
  dz__free(&f->alloc, place, room * sizeof *place);
  return done;
}

static bool show_nodes(found *f, const tally *t, dz__labels *l, const double *adjoint) {
  size_t n = f->shown.nodes;
  f->node = dz__alloc(&f->alloc, n * sizeof *f->node);
  f->label = dz__alloc(&f->alloc, 2 * n * sizeof *f->label);
  if (f->node && f->label) describe(f, t, l, adjoint);
  return f->node && f->label && !f->text.failed;
}

/* The text has moved while it grew; now it stays. */
static dz_status show(found *f, const tally *t, const double *adjoint, dz_var y) {
  dz__labels l;
  dz_status status = dz__labels_make(y, &f->alloc, &l);
  if (status) return status;
  bool done = show_nodes(f, t, &l, adjoint) && show_edges(f, t, &l);
  dz__labels_free(&l);
  for (size_t v = 0; done && v < f->shown.nodes; v++) {
    f->node[v].node = dz__merged_original(&f->merged, f->node[v].node);
    f->node[v].label = f->text.text + f->label[2 * v];
    f->node[v].formula = f->text.text + f->label[2 * v + 1];
  }
  for (size_t i = 0; done && i < f->shown.edges; i++) f->edge[i].formula = f->text.text + f->rule[i];
  return done ? DZ_OK : DZ_ERR_MEMORY;
}

static dz_status fill(found *f, dz_var y, size_t most) {
  const dz__linearized *g = &f->g;
  tally *t = dz__alloc(&f->alloc, g->vertices * sizeof *t);
  double *adjoint = dz__alloc(&f->alloc, g->vertices * sizeof *adjoint);
  bool *reached = dz__alloc(&f->alloc, g->vertices);
  dz_status status = DZ_ERR_MEMORY;
  if (t && adjoint && reached) {
    memset(t, 0, g->vertices * sizeof *t);
    count(f, t);
    dz__linearized_sweep(g, adjoint, reached);
    f->shown.gradient = adjoint[f->x];
    status = list(f, t, most);
    choose(f, t);
    if (!status && f->shown.nodes) status = show(f, t, adjoint, y);
  }
  dz__free(&f->alloc, t, g->vertices * sizeof *t);
  dz__free(&f->alloc, adjoint, g->vertices * sizeof *adjoint);
  dz__free(&f->alloc, reached, g->vertices);
  return status;
}

dz_status dz_paths_find(dz_var y, dz_var x, size_t element, size_t most, dz_paths **paths) {
  if (!paths) return DZ_ERR_ARGUMENT;
  *paths = NULL;
  if (dz_is_number(y) || !dz_valid(y) || !dz_valid(x) || x.tape != y.tape) return DZ_ERR_HANDLE;
  if (dz_size(y) != 1 || element >= dz_size(x)) return DZ_ERR_SHAPE;
  dz_allocator a = dz__of(y.tape)->alloc;
  found *f = dz__alloc(&a, sizeof *f);
  if (!f) return DZ_ERR_MEMORY;
  *f = (found){.alloc = a, .text = {.alloc = a}, .shown = {.all = true}};
  dz_status status = dz__merged_make(&y, &x, &a, &f->merged);
  if (!status) status = dz__linearize(y, x, &a, &f->g);
  f->x = f->g.x0 + (uint32_t)element;
  if (!status && f->g.vertices) status = fill(f, y, most ? most : MOST);
  f->shown.node = f->node;
  f->shown.edge = f->edge;
  f->shown.path = f->path;
  *paths = &f->shown;
  if (status) {
    dz_paths_free(&f->shown);
    *paths = NULL;
  }
  return status;
}

void dz_paths_free(dz_paths *paths) {
  if (!paths) return;
  found *f = (found *)(void *)paths;
  dz_allocator a = f->alloc;
  dz__free(&a, f->node, paths->nodes * sizeof *f->node);
  dz__free(&a, f->label, 2 * paths->nodes * sizeof *f->label);
  dz__free(&a, f->edge, (f->g.edges + 1) * sizeof *f->edge);
  dz__free(&a, f->rule, (f->g.edges + 1) * sizeof *f->rule);
  dz__free(&a, f->path, f->path_cap * sizeof *f->path);
  dz__free(&a, f->way, f->way_cap * sizeof *f->way);
  dz__sheet_free(&f->text);
  dz__linearized_free(&f->g);
  dz__merged_free(&f->merged);
  dz__free(&a, f, sizeof *f);
}
