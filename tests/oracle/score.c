/* Scores, and the single comparison that they count. */
#include "compare.h"

#include <inttypes.h>

const double bin_ends[BINS] = {0, .001, .01, .03, .1, .2, .3, .5, .7, 1, HUGE_VAL};

void score_add(score *sum, const score *part) {
  if (part->failed && (!sum->failed || part->first_failed < sum->first_failed))
    sum->first_failed = part->first_failed;
  sum->graphs += part->graphs;
  sum->skipped += part->skipped;
  sum->failed += part->failed;
  sum->derived += part->derived;
  sum->not_derived += part->not_derived;
  for (int k = 0; k < KINDS; k++) {
    for (int j = 0; j < BINS; j++) sum->bins[k][j] += part->bins[k][j];
    if (part->worst[k] > sum->worst[k]) {
      sum->worst[k] = part->worst[k];
      sum->worst_seed[k] = part->worst_seed[k];
    }
  }
  sum->count.drawn += part->count.drawn;
  sum->count.doubtful += part->count.doubtful;
  sum->count.undefined += part->count.undefined;
  for (int k = 0; k < OP_END; k++) sum->count.made[k] += part->count.made[k];
}

void check_fails(check *c, const char *what, int at, double got, quad exact, wide bound) {
  char text[64];
  quadmath_snprintf(text, sizeof text, "%.25Qg", exact);
  if (c->say && !c->failed) fprintf(c->say, "seed %" PRIu64 ":\n", c->seed);
  if (c->say) fprintf(c->say, "  %s of %%%d: %.17g, exact %s, bound %.3Lg\n", what, at, got, text, bound);
  c->failed = true;
}

void check_bound(check *c, kind of, const char *what, int at, double got, quad exact, wide bound) {
  const wide error = size_of((quad)got - exact);
  const double ratio = error == 0 ? 0 : isnan(got) || !(bound > 0) ? HUGE_VAL : (double)(error / bound);
  int bin = 0;
  while (ratio > bin_ends[bin]) bin++;
  c->s->bins[of][bin]++;
  if (ratio > c->s->worst[of]) {
    c->s->worst[of] = ratio;
    c->s->worst_seed[of] = c->seed;
  }
  if (!(ratio <= 1)) check_fails(c, what, at, got, exact, bound);
}
