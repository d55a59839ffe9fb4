/* dz train --check: the gradient of every parameter beside a numerical one. */
#include "training.h"

#include "checked.h"

#include <stdlib.h>

static void keep_row(void *user, const dz_check_row *r) {
  training *t = user;
  if (t->o->learn.plot == NULL || r->element == SIZE_MAX) return;
  t->slopes = take(t->slopes, t->slope_count + 1, sizeof *t->slopes);
  t->slopes[t->slope_count++] = *r;
}

static void add_leaf(buffer *b, const leaf_check *c) {
  buffer_text(b, "check  ");
  buffer_text(b, c->name);
  buffer_text(b, ": ");
  buffer_whole(b, c->by[DZ_VERDICT_AGREES]);
  buffer_text(b, " of ");
  buffer_whole(b, c->checked);
  buffer_text(b, " derivatives agree; at worst ");
  buffer_number(b, c->worst.analytic, 6);
  buffer_text(b, ", numerically ");
  buffer_number(b, c->worst.numeric, 6);
  buffer_text(b, " (");
  buffer_text(b, verdict_word(c->worst.verdict));
  buffer_text(b, ")\n");
}

bool training_check(training *t) {
  buffer b = {0};
  t->n.said[COUNTER_TRAINING] = 1;
  network_record(&t->n, &t->d, t->split, t->batch);
  wants w = model_wants(&t->n.m, NULL);
  size_t count, wrong = 0;
  leaf_check *all = check_leaves_each(&t->n.m, &w, &count, keep_row, t);
  for (size_t i = 0; i < count; i++) {
    if (all[i].checked == 0) continue;
    wrong += all[i].by[DZ_VERDICT_WRONG];
    t->checked += all[i].checked;
    t->agreed += all[i].by[DZ_VERDICT_AGREES];
    add_leaf(&b, &all[i]);
  }
  t->slope_names = take(NULL, count, sizeof *t->slope_names);
  for (size_t i = 0; i < count; i++) t->slope_names[i] = all[i].name;
  t->slope_leaves = count;
  if (!t->o->json) output(&b);
  buffer_free(&b);
  free(all);
  wants_free(&w);
  return wrong == 0;
}
