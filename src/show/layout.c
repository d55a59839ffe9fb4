#include "show/layout.h"

#include <string.h>

enum { ROUNDS = 8, STRAIGHTEN = 12, GAP_X = 18, GAP_Y = 10 };

/* Spots by layer: those of layer k are item[start[k]] to item[start[k + 1] - 1], in order from the top. Links
   by their ends: in_at and out_at are starts into `in` and `out`, which hold the other ends. */
typedef struct layers {
  dz__layout *l;
  uint32_t n;
  uint32_t *start, *item, *in_at, *out_at, *in, *out, *spare;
  double *port; /* of links in `out` */
  void *block;
  size_t bytes;
} layers;

bool dz__layout_spot(dz__layout *l, uint32_t layer, double width, double height) {
  void *at = l->spot;
  bool done = dz__grow(&l->alloc, &at, &l->spot_cap, l->spots + 1, sizeof *l->spot);
  l->spot = at;
  if (done) l->spot[l->spots++] = (dz__spot){.layer = layer, .width = width, .height = height};
  return done;
}

bool dz__layout_link(dz__layout *l, uint32_t from, uint32_t to, double port) {
  void *at = l->link;
  bool done = dz__grow(&l->alloc, &at, &l->link_cap, l->links + 1, sizeof *l->link);
  l->link = at;
  if (done) l->link[l->links++] = (dz__link){from, to, port};
  return done;
}

void dz__layout_free(dz__layout *l) {
  dz__free(&l->alloc, l->spot, l->spot_cap * sizeof *l->spot);
  dz__free(&l->alloc, l->link, l->link_cap * sizeof *l->link);
  *l = (dz__layout){.alloc = l->alloc};
}

static bool begin(layers *s) {
  const dz__layout *l = s->l;
  for (size_t i = 0; i < l->spots; i++)
    if (l->spot[i].layer >= s->n) s->n = l->spot[i].layer + 1;
  size_t spots = l->spots, links = l->links, n = s->n;
  s->bytes = (n + 3 + 4 * spots + 2 * links) * sizeof(uint32_t);
  s->block = dz__alloc(&l->alloc, s->bytes);
  if (!s->block) return false;
  memset(s->block, 0, s->bytes);
  s->start = s->block;
  s->item = s->start + n + 1;
  s->in_at = s->item + spots;
  s->out_at = s->in_at + spots + 1;
  s->spare = s->out_at + spots + 1;
  s->in = s->spare + spots;
  s->out = s->in + links;
  s->port = dz__alloc(&l->alloc, (links + 1) * sizeof *s->port);
  if (!s->port) dz__free(&l->alloc, s->block, s->bytes);
  return s->port != NULL;
}

/* Counting sort of the links by one end. */
static void gather(const layers *s, bool by_to, uint32_t *at, uint32_t *other) {
  const dz__layout *l = s->l;
  for (size_t k = 0; k < l->links; k++) at[(by_to ? l->link[k].to : l->link[k].from) + 1]++;
  for (size_t i = 0; i < l->spots; i++) at[i + 1] += at[i];
  for (size_t i = 0; i < l->spots; i++) s->spare[i] = at[i];
  for (size_t k = 0; k < l->links; k++) {
    dz__link e = l->link[k];
    uint32_t place = s->spare[by_to ? e.to : e.from]++;
    other[place] = by_to ? e.from : e.to;
    if (!by_to) s->port[place] = e.port;
  }
}

static void fill(layers *s) {
  const dz__layout *l = s->l;
  for (size_t i = 0; i < l->spots; i++) s->start[l->spot[i].layer + 1]++;
  for (uint32_t k = 0; k < s->n; k++) s->start[k + 1] += s->start[k];
  for (uint32_t k = s->n; k > 0; k--) s->start[k] = s->start[k - 1];
  for (uint32_t i = 0; i < l->spots; i++) s->item[s->start[l->spot[i].layer + 1]++] = i;
  gather(s, true, s->in_at, s->in);
  gather(s, false, s->out_at, s->out);
}

/* The mean place of the neighbours on one side, where links enter them; the own place where there are none.
 */
static double centre(const layers *s, uint32_t i, bool inwards, bool by_y) {
  const uint32_t *at = inwards ? s->in_at : s->out_at, *of = inwards ? s->in : s->out;
  const dz__spot *spot = s->l->spot;
  double sum = 0;
  if (at[i] == at[i + 1]) return by_y ? spot[i].y : spot[i].x;
  for (uint32_t k = at[i]; k < at[i + 1]; k++)
    sum += (by_y ? spot[of[k]].y : spot[of[k]].x) + (inwards || by_y ? 0 : .5 * s->port[k]);
  return sum / (double)(at[i + 1] - at[i]);
}

/* A stable merge sort of a layer by its keys. */
static void sort(const layers *s, uint32_t *item, uint32_t n) {
  const dz__spot *spot = s->l->spot;
  for (uint32_t half = 1; half < n; half *= 2)
    for (uint32_t low = 0; low + half < n; low += 2 * half) {
      uint32_t mid = low + half, high = mid + half < n ? mid + half : n, a = low, b = mid, at = 0;
      while (a < mid) { /* what is left of the second half is in its place */
        bool first = b == high || spot[item[a]].key <= spot[item[b]].key;
        s->spare[at++] = first ? item[a++] : item[b++];
      }
      memcpy(item + low, s->spare, at * sizeof *item);
    }
}

/* While layers are ordered, x holds the place in the order. */
static void order(layers *s) {
  dz__spot *spot = s->l->spot;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t i = s->start[k]; i < s->start[k + 1]; i++) spot[s->item[i]].x = i - s->start[k];
  for (int round = 0; round < ROUNDS; round++)
    for (uint32_t j = 0; j < s->n; j++) {
      bool inwards = round % 2 == 0;
      uint32_t k = inwards ? j : s->n - 1 - j, from = s->start[k], to = s->start[k + 1];
      for (uint32_t i = from; i < to; i++) spot[s->item[i]].key = centre(s, s->item[i], inwards, false);
      sort(s, s->item + from, to - from);
      for (uint32_t i = from; i < to; i++) spot[s->item[i]].x = i - from;
    }
}

static double apart(const dz__spot *a, const dz__spot *b) { return a->height + b->height + GAP_Y; }

/* Moves a layer towards `key`, keeping the order and the distances: from the top and from the bottom, and the
   mean of both, which keeps the distances too. */
static void settle(layers *s, uint32_t k) {
  dz__spot *spot = s->l->spot;
  uint32_t from = s->start[k], to = s->start[k + 1];
  for (uint32_t i = from; i < to; i++) {
    dz__spot *x = &spot[s->item[i]];
    x->y = x->key;
    if (i > from) {
      const dz__spot *above = &spot[s->item[i - 1]];
      double least = above->y + apart(above, x);
      if (x->y < least) x->y = least;
    }
  }
  double below = 0;
  for (uint32_t i = to; i-- > from;) {
    dz__spot *x = &spot[s->item[i]];
    double y = x->key, low = i + 1 < to ? below - apart(x, &spot[s->item[i + 1]]) : y;
    below = y < low ? y : low;
    x->y = (x->y + below) / 2;
  }
}

static void place_y(layers *s) {
  dz__spot *spot = s->l->spot;
  for (int round = 0; round < STRAIGHTEN; round++)
    for (uint32_t j = 0; j < s->n; j++) {
      bool inwards = round % 2 == 0;
      uint32_t k = inwards ? j : s->n - 1 - j;
      for (uint32_t i = s->start[k]; i < s->start[k + 1]; i++)
        spot[s->item[i]].key = centre(s, s->item[i], inwards, true);
      settle(s, k);
    }
}

static void place_x(layers *s) {
  dz__layout *l = s->l;
  double x = 0, top = 0, bottom = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    double widest = 0;
    for (uint32_t i = s->start[k]; i < s->start[k + 1]; i++)
      if (l->spot[s->item[i]].width > widest) widest = l->spot[s->item[i]].width;
    for (uint32_t i = s->start[k]; i < s->start[k + 1]; i++) {
      dz__spot *at = &l->spot[s->item[i]];
      at->x = x + widest / 2;
      if (at->width <= 1) at->width = widest;
    }
    if (s->start[k] < s->start[k + 1]) x += widest + GAP_X;
  }
  for (size_t i = 0; i < l->spots; i++) {
    const dz__spot *p = &l->spot[i];
    if (i == 0 || p->y - p->height < top) top = p->y - p->height;
    if (i == 0 || p->y + p->height > bottom) bottom = p->y + p->height;
  }
  for (size_t i = 0; i < l->spots; i++) l->spot[i].y -= top;
  l->width = x > GAP_X ? x - GAP_X : 0;
  l->height = bottom - top;
}

bool dz__layout_place(dz__layout *l) {
  layers s = {.l = l};
  if (l->spots == 0) return true;
  if (!begin(&s)) return false;
  fill(&s);
  order(&s);
  place_y(&s);
  place_x(&s);
  dz__free(&l->alloc, s.block, s.bytes);
  dz__free(&l->alloc, s.port, (l->links + 1) * sizeof *s.port);
  return true;
}
