/* A layered layout: where the vertices of a graph stand whose links go from each layer to the next. */
#ifndef DZ_SHOW_LAYOUT_H
#define DZ_SHOW_LAYOUT_H

#include "base/memory.h"

typedef struct dz__spot {
  uint32_t layer;
  double width, height; /* in; height is measured both ways from y. A width up to 1: a link passes, and
                           out comes the width of the layer, which it is to cross straight on */
  double x, y;          /* out: the middle */
  double key;           /* inside: what it is ordered by */
} dz__spot;

typedef struct dz__link {
  uint32_t from, to; /* spots of neighbouring layers */
  double port;       /* where it enters `to`: from -.5, the top, to .5 */
} dz__link;

typedef struct dz__layout {
  dz_allocator alloc;
  dz__spot *spot;
  dz__link *link;
  size_t spots, links, spot_cap, link_cap;
  double width, height; /* out */
} dz__layout;

/* False when memory is out. The number of a new spot is spots - 1. */
bool dz__layout_spot(dz__layout *l, uint32_t layer, double width, double height);
bool dz__layout_link(dz__layout *l, uint32_t from, uint32_t to, double port);

/* Once for each layout: orders each layer by the barycentres of its neighbours, a few times to and fro, and
   places it so that nothing overlaps and links are as straight as their order allows. False when memory is
   out. Cost: some sorts. Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system
   structures, 1981.
 */
bool dz__layout_place(dz__layout *l);
void dz__layout_free(dz__layout *l);

#endif
