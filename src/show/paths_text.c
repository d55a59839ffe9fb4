/* Paths for people. */
#include "dz/paths.h"

#include "base/utf8.h"
#include "show/sheet.h"
#include "tape/tape.h"

#include <string.h>

/* Of the recursion, lines at most; a longer path is shown by its two ends. */
enum { LINES = 64, LONG = 16, END = 4 };

typedef struct page {
  const dz_paths *p;
  const char *output;
  dz__sheet s;
} page;

static const char *label(const page *g, size_t v) { return g->p->node[v].label; }

static size_t columns(const char *text) { return dz__utf8_columns(text, strlen(text)); }

/* -2, and in a product (-2) */
static void factor(dz__sheet *s, double x) {
  bool negative = x < 0;
  dz__sheet_put(s, negative ? "(" : "");
  dz__sheet_number(s, x);
  dz__sheet_put(s, negative ? ")" : "");
}

static void put_count(dz__sheet *s, uint64_t n, bool over) {
  dz__sheet number = {.alloc = s->alloc};
  dz__sheet_whole(&number, n);
  const char *args[] = {number.text};
  if (number.text) dz__sheet_form(s, over ? "more than {0}" : "{0}", args, 1);
  dz__sheet_free(&number);
}

/* "dz/da = the sum over 3 paths" */
static void put_heading(page *g) {
  dz__sheet n = {.alloc = g->s.alloc, .translate = g->s.translate, .translate_user = g->s.translate_user},
            m = n;
  put_count(&n, g->p->count, g->p->over);
  dz__sheet_whole(&m, g->p->paths);
  const char *args[] = {g->output, label(g, 0), n.text, m.text};
  if (!n.text || !m.text)
    g->s.failed = true;
  else if (g->p->all)
    dz__sheet_form(&g->s, g->p->count == 1 ? "d{0}/d{1}: one path" : "d{0}/d{1}: the sum over {2} paths",
                   args, 4);
  else
    dz__sheet_form(&g->s, "d{0}/d{1}: the sum over {2} paths; the {3} largest of them:", args, 4);
  dz__sheet_put(&g->s, "\n");
  dz__sheet_free(&n);
  dz__sheet_free(&m);
}

/* What stands for what: a line for each operation, with its value. */
static void put_values(page *g) {
  dz__sheet *s = &g->s;
  size_t widest = 0;
  if (g->p->nodes > LINES) return;
  for (int pass = 0; pass < 2; pass++)
    for (size_t v = 0; v < g->p->nodes; v++) {
      const dz_path_node *n = &g->p->node[v];
      size_t wide = columns(n->label) + (n->formula[0] ? 3 + columns(n->formula) : 0), from = s->n;
      widest = wide > widest ? wide : widest;
      if (pass == 0) continue;
      dz__sheet_put(s, "  ");
      dz__sheet_put(s, n->label);
      dz__sheet_put(s, n->formula[0] ? " = " : "");
      dz__sheet_put(s, n->formula);
      dz__sheet_tab(s, from, widest + 4);
      dz__sheet_put(s, n->value < 0 ? "= " : "=  ");
      dz__sheet_number(s, n->value);
      dz__sheet_put(s, "\n");
    }
  dz__sheet_put(s, "\n");
}

/* Whether step i is left out; the first of those is said as "…". */
static bool skipped(const dz_path *path, size_t i) {
  return path->length > LONG && i >= END && i + END < path->length;
}

static void put_way(page *g, dz__sheet *s, const dz_path *path) {
  dz__sheet_put(s, label(g, 0));
  for (size_t i = 0; i < path->length; i++) {
    if (skipped(path, i)) {
      dz__sheet_put(s, i == END ? " → …" : "");
      continue;
    }
    dz__sheet_put(s, " → ");
    dz__sheet_put(s, label(g, g->p->edge[path->edge[i]].to));
  }
}

/* A shut switch shows as "0 (off)". */
static void put_partials(page *g, dz__sheet *s, const dz_path *path) {
  for (size_t i = 0; i < path->length; i++) {
    const dz_path_edge *e = &g->p->edge[path->edge[i]];
    if (skipped(path, i)) {
      dz__sheet_put(s, i == END ? " × …" : "");
      continue;
    }
    dz__sheet_put(s, i ? " × " : "");
    factor(s, e->partial);
    if (e->shut) dz__sheet_say(s, " (off)");
  }
  if (path->length == 0) dz__sheet_put(s, "1");
}

static void put_paths(page *g) {
  dz__sheet *s = &g->s, one = {.alloc = s->alloc,
                               .digits = s->digits,
                               .translate = s->translate,
                               .translate_user = s->translate_user};
  size_t way = 0, partials = 0;
  for (int pass = 0; pass < 2; pass++)
    for (size_t k = 0; k < g->p->paths; k++) {
      const dz_path *path = &g->p->path[k];
      one.n = 0;
      put_way(g, &one, path);
      size_t a = columns(one.text ? one.text : "");
      one.n = 0;
      put_partials(g, &one, path);
      size_t b = columns(one.text ? one.text : "");
      way = a > way ? a : way;
      partials = b > partials ? b : partials;
      if (pass == 0) continue;
      size_t from = s->n;
      dz__sheet_put(s, "  ");
      dz__sheet_whole(s, k + 1);
      dz__sheet_tab(s, from, g->p->paths < 10 ? 5 : 6);
      from = s->n;
      put_way(g, s, path);
      dz__sheet_tab(s, from, way + 2);
      from = s->n;
      put_partials(g, s, path);
      dz__sheet_tab(s, from, partials + 2);
      dz__sheet_put(s, path->product < 0 ? "= " : "=  ");
      dz__sheet_number(s, path->product);
      dz__sheet_put(s, "\n");
    }
  size_t from = s->n;
  dz__sheet_tab(s, from, g->p->paths < 10 ? 5 : 6);
  dz__sheet_say(s, g->p->all ? "sum" : "sum of these");
  dz__sheet_tab(s, from, (g->p->paths < 10 ? 5 : 6) + way + 2 + partials + 2);
  dz__sheet_put(s, g->p->sum < 0 ? "= " : "=  ");
  dz__sheet_number(s, g->p->sum);
  dz__sheet_put(s, "\n\n");
  s->failed = s->failed || one.failed;
  dz__sheet_free(&one);
}

/* The adjoint of v as a sum over the edges that leave it, of which there may be more. */
static void put_step(page *g, size_t v, const uint32_t *leaving, size_t count, bool more) {
  dz__sheet *s = &g->s;
  dz__sheet_put(s, "  ");
  dz__sheet_put(s, "g(");
  dz__sheet_put(s, label(g, v));
  dz__sheet_put(s, ") = ");
  for (size_t i = 0; i < count; i++) {
    const dz_path_edge *e = &g->p->edge[leaving[i]];
    dz__sheet_put(s, i ? " + " : "");
    factor(s, g->p->node[e->to].adjoint);
    dz__sheet_put(s, " × ");
    factor(s, e->partial);
    if (e->shut) dz__sheet_say(s, " (off)");
  }
  dz__sheet_put(s, more ? " + … = " : count ? " = " : "");
  dz__sheet_number(s, g->p->node[v].adjoint);
  dz__sheet_put(s, "\n");
}

static void put_recursion(page *g) {
  dz__sheet *s = &g->s;
  uint32_t leaving[LINES];
  dz__sheet_say(s, "the same by the backward recursion, each value once, g(v) for the gradient at v:");
  dz__sheet_put(s, "\n");
  for (size_t v = g->p->nodes; g->p->nodes <= LINES && v-- > 0;) {
    size_t count = 0, all = 0;
    for (size_t i = g->p->edges; i-- > 0;) { /* as the sweep meets them */
      if (g->p->edge[i].from != v) continue;
      if (all++ < LINES) leaving[count++] = (uint32_t)i;
    }
    put_step(g, v, leaving, count, count < all);
  }
  if (g->p->nodes > LINES) {
    dz__sheet_put(s, "  g(");
    dz__sheet_put(s, label(g, 0));
    dz__sheet_put(s, ") = ");
    dz__sheet_number(s, g->p->gradient);
    dz__sheet_put(s, "\n");
  }
  dz__sheet_put(s, "\n");
}

static void put_savings(page *g) {
  dz__sheet paths = {.alloc = g->s.alloc, .translate = g->s.translate, .translate_user = g->s.translate_user};
  dz__sheet recursion = paths, saved = paths;
  uint64_t a = g->p->path_products, b = g->p->recursion_products;
  put_count(&paths, a == UINT64_MAX ? a - 1 : a, a == UINT64_MAX);
  dz__sheet_whole(&recursion, b);
  put_count(&saved, a > b ? (a == UINT64_MAX ? a - 1 : a) - b : 0, a == UINT64_MAX);
  const char *args[] = {paths.text, recursion.text, saved.text};
  if (!paths.text || !recursion.text || !saved.text)
    g->s.failed = true;
  else
    dz__sheet_form(&g->s,
                   a > b ? "multiplications: {0} path by path, {1} by the recursion: factoring saves {2}"
                         : "multiplications: {0} path by path, {1} by the recursion",
                   args, 3);
  dz__sheet_put(&g->s, "\n");
  dz__sheet_free(&paths);
  dz__sheet_free(&recursion);
  dz__sheet_free(&saved);
}

dz_status dz_paths_write(const dz_paths *paths, const dz_paths_style *style, dz_writer *write, void *user) {
  static const dz_paths_style none = {0};
  if (!paths || !write) return DZ_ERR_ARGUMENT;
  style = style ? style : &none;
  page g = {.p = paths, .output = style->output};
  g.s = (dz__sheet){
      .digits = style->digits, .translate = style->translate, .translate_user = style->translate_user};
  g.s.alloc = dz__allocator(NULL);
  if (paths->nodes == 0) {
    dz__sheet_say(&g.s, "no path: the result does not depend on it through anything that carries a gradient");
    dz__sheet_put(&g.s, "\n");
    return dz__sheet_write(&g.s, write, user);
  }
  dz_var y = paths->node[paths->nodes - 1].node;
  const char *own = dz_name(y);
  g.s.alloc = dz__of(y.tape)->alloc;
  if (!g.output || !g.output[0]) g.output = own ? own : "f";
  put_heading(&g);
  put_values(&g);
  put_paths(&g);
  put_recursion(&g);
  put_savings(&g);
  return dz__sheet_write(&g.s, write, user);
}
