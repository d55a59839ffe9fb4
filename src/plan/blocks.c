/* Which loops threads share: blocks of lanes, cut alike for any number of threads, each with accumulators of
   its own. */
#include "plan/program.h"

enum {
  WORTH = 1 << 17,     /* numbers that a loop computes, for which waking threads is worth while */
  MOST_BLOCKS = 16,    /* enough for an even share */
  LEAST_BLOCKS = 4,    /* with accumulators that are many */
  MOST_ADDED = 1 << 15 /* numbers of accumulators, all blocks together */
};

/* Numbers that one lane adds to elsewhere: every `step`-th from `first` on. */
typedef struct run {
  size_t first, end, step;
  unsigned where;
} run;

static run run_of(const dz__loop *l, const dz__instruction *i) {
  size_t first = dz__place_index(i->d);
  return (run){first, first + (l->lanes - 1) * i->c + 1, i->c, dz__where_of(i->d)};
}

static bool meet(run x, run y) {
  if (x.where != y.where || x.end <= y.first || y.end <= x.first) return false;
  return x.step != y.step || x.first % x.step == y.first % y.step;
}

/* Whether no two lanes add to one number, but in accumulators. */
static bool lanes_are_apart(const dz__loop *l) {
  for (size_t j = 0; j < l->code.n; j++) {
    const dz__instruction *i = &l->code.at[j];
    if (i->op == DZ__I_SCATTER) return false;
    if (i->op != DZ__I_STORE) continue;
    for (size_t k = 0; k < j; k++)
      if (l->code.at[k].op == DZ__I_STORE && meet(run_of(l, i), run_of(l, &l->code.at[k]))) return false;
  }
  return true;
}

static size_t work_of(const dz__loop *l) { return l->lanes * (l->packed.n + l->packed.lists / 3); }

size_t dz__blocks_of(const dz__loop *l) {
  size_t full = l->lanes / DZ__W * DZ__W;
  return l->span ? (full + l->span - 1) / l->span : 1;
}

void dz__find_blocks(dz__program *p) {
  for (size_t k = 0; k < p->loops; k++) {
    dz__loop *l = &p->loop[k];
    if (!l->tile || l->sequence || work_of(l) < WORTH || !lanes_are_apart(l)) continue;
    size_t tiles = (l->lanes + l->tile - 1) / l->tile, blocks = MOST_ADDED / (l->accs * DZ__W + 1);
    blocks = blocks < LEAST_BLOCKS ? LEAST_BLOCKS : blocks > MOST_BLOCKS ? MOST_BLOCKS : blocks;
    l->span = (tiles + blocks - 1) / blocks * l->tile;
  }
}
