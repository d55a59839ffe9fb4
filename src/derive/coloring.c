/* Greedy colourings, after Gebremedhin, Manne, Pothen, What color is your Jacobian?, SIAM Review 47 (2005).
 */
#include "derive/coloring.h"

#include <string.h>

/* Vertices by falling number of elements, in their own order among equals; those without any are left out.
   They are written to `order`; `count` has room for n + 1 numbers. Returns how many there are. */
static size_t by_degree(const dz_pattern *q, size_t n, uint32_t *order, uint32_t *count) {
  size_t most = 0;
  memset(count, 0, (n + 1) * sizeof *count);
  for (size_t j = 0; j < q->rows; j++) {
    size_t degree = q->starts[j + 1] - q->starts[j];
    degree = degree < n ? degree : n;
    count[degree]++;
    if (degree > most) most = degree;
  }
  uint32_t at = 0;
  for (size_t d = most; d > 0; d--) {
    uint32_t here = count[d];
    count[d] = at;
    at += here;
  }
  for (size_t j = 0; j < q->rows; j++) {
    size_t degree = q->starts[j + 1] - q->starts[j];
    if (degree > 0) order[count[degree < n ? degree : n]++] = (uint32_t)j;
  }
  return at;
}

/* The vertices in turn, and which colours the present one may not have. */
typedef struct greedy {
  size_t n, ordered;
  uint32_t *order, *forbidden; /* forbidden[c] == turn */
  uint32_t turn, colors, *color;
} greedy;

static bool greedy_begin(greedy *g, const dz_pattern *q, const dz_allocator *a, uint32_t *color) {
  size_t n = q->rows;
  *g = (greedy){.n = n, .color = color};
  g->order = dz__alloc(a, (n + 1) * sizeof *g->order);
  g->forbidden = dz__alloc(a, (n + 1) * sizeof *g->forbidden);
  if (!g->order || !g->forbidden) return false;
  g->ordered = by_degree(q, n, g->order, g->forbidden);
  memset(g->forbidden, 0, (n + 1) * sizeof *g->forbidden);
  for (size_t j = 0; j < n; j++) color[j] = DZ__UNCOLORED;
  return true;
}

static void greedy_end(greedy *g, const dz_allocator *a) {
  dz__free(a, g->order, (g->n + 1) * sizeof *g->order);
  dz__free(a, g->forbidden, (g->n + 1) * sizeof *g->forbidden);
}

static void forbid(greedy *g, uint32_t vertex) {
  if (g->color[vertex] != DZ__UNCOLORED) g->forbidden[g->color[vertex]] = g->turn;
}

static uint32_t choose(greedy *g, uint32_t vertex) {
  uint32_t c = 0;
  while (g->forbidden[c] == g->turn) c++;
  if (c >= g->colors) g->colors = c + 1;
  return g->color[vertex] = c;
}

/* ---- columns ---- */

bool dz__color_columns(const dz_pattern *p, const dz_pattern *q, const dz_allocator *a, uint32_t *color,
                       uint32_t *colors) {
  greedy g;
  bool done = greedy_begin(&g, q, a, color);
  for (size_t k = 0; done && k < g.ordered; k++) {
    uint32_t j = g.order[k];
    g.turn = (uint32_t)k + 1;
    for (size_t e = q->starts[j]; e < q->starts[j + 1]; e++)
      for (size_t f = p->starts[q->column[e]]; f < p->starts[q->column[e] + 1]; f++) forbid(&g, p->column[f]);
    choose(&g, j);
  }
  *colors = g.colors;
  greedy_end(&g, a);
  return done;
}

/* ---- stars ---- */

/* Two colours induce stars, each of whose edges has its hub at one end. hub[starts[w] ..] lists the
   neighbours x of w that are hub of the edge: they have two neighbours of w's colour. */
typedef struct stars {
  uint32_t *hub, *hubs; /* hubs[w]: how many */
  struct neighbor *table;
  size_t slots; /* a power of two */
} stars;

/* Vertex w has one neighbour of that colour, `only`, or several (DZ__UNCOLORED). */
typedef struct neighbor {
  uint32_t w, color, only;
} neighbor;

static bool stars_begin(stars *s, const dz_pattern *p, const dz_allocator *a) {
  size_t elements = p->starts[p->rows];
  *s = (stars){.slots = 16};
  while (s->slots < 2 * elements) s->slots *= 2;
  s->hub = dz__alloc(a, (elements + 1) * sizeof *s->hub);
  s->hubs = dz__alloc(a, (p->rows + 1) * sizeof *s->hubs);
  s->table = dz__alloc(a, s->slots * sizeof *s->table);
  if (!s->hub || !s->hubs || !s->table) return false;
  memset(s->hubs, 0, (p->rows + 1) * sizeof *s->hubs);
  for (size_t i = 0; i < s->slots; i++) s->table[i].color = DZ__UNCOLORED;
  return true;
}

static void stars_end(stars *s, const dz_pattern *p, const dz_allocator *a) {
  dz__free(a, s->hub, (p->starts[p->rows] + 1) * sizeof *s->hub);
  dz__free(a, s->hubs, (p->rows + 1) * sizeof *s->hubs);
  dz__free(a, s->table, s->slots * sizeof *s->table);
}

/* The entry of w and a colour, or the free one where it belongs. */
static neighbor *find(const stars *s, uint32_t w, uint32_t color) {
  uint64_t h = ((uint64_t)w << 32 | color) * 0x9e3779b97f4a7c15u;
  size_t i = (size_t)(h >> 20) & (s->slots - 1);
  while (s->table[i].color != DZ__UNCOLORED && (s->table[i].w != w || s->table[i].color != color))
    i = (i + 1) & (s->slots - 1);
  return &s->table[i];
}

/* x becomes the hub of its edge with w. */
static void add_hub(stars *s, const dz_pattern *p, uint32_t w, uint32_t x) {
  s->hub[p->starts[w] + s->hubs[w]++] = x;
}

/* What v may not share a colour with, by its neighbour w. While w has no colour, its neighbours must all
   differ: then it can take any colour that theirs leave without being the middle of a path. */
static void forbid_by(greedy *g, const stars *s, const dz_pattern *p, uint32_t w) {
  forbid(g, w);
  if (g->color[w] != DZ__UNCOLORED) {
    for (uint32_t k = 0; k < s->hubs[w]; k++) forbid(g, s->hub[p->starts[w] + k]);
    return;
  }
  for (size_t e = p->starts[w]; e < p->starts[w + 1]; e++) forbid(g, p->column[e]);
}

/* v has its colour now, and w is a neighbour with one. w may have become a hub; v is none yet, since its
   neighbours all differ. */
static void join_stars(stars *s, const dz_pattern *p, const uint32_t *color, uint32_t v, uint32_t w) {
  *find(s, v, color[w]) = (neighbor){v, color[w], w};
  neighbor *n = find(s, w, color[v]);
  if (n->color == DZ__UNCOLORED) {
    *n = (neighbor){w, color[v], v};
    return;
  }
  if (n->only != DZ__UNCOLORED) add_hub(s, p, n->only, w);
  n->only = DZ__UNCOLORED;
  add_hub(s, p, v, w);
}

bool dz__color_star(const dz_pattern *p, const dz_allocator *a, uint32_t *color, uint32_t *colors) {
  greedy g;
  stars s = {0};
  bool done = greedy_begin(&g, p, a, color) && stars_begin(&s, p, a);
  for (size_t k = 0; done && k < g.ordered; k++) {
    uint32_t v = g.order[k];
    g.turn = (uint32_t)k + 1;
    for (size_t e = p->starts[v]; e < p->starts[v + 1]; e++)
      if (p->column[e] != v) forbid_by(&g, &s, p, p->column[e]);
    choose(&g, v);
    for (size_t e = p->starts[v]; e < p->starts[v + 1]; e++)
      if (p->column[e] != v && color[p->column[e]] != DZ__UNCOLORED)
        join_stars(&s, p, color, v, p->column[e]);
  }
  *colors = g.colors;
  stars_end(&s, p, a);
  greedy_end(&g, a);
  return done;
}
