/* What runs the tiles of a loop, one after another or, where it is divided, by blocks that threads may share;
   and takes its sums. */
#include "plan/emit_loop.h"

#include <stdio.h>

static void say_sum_of_eight(dz__emitter *e, const char *a) {
  dz__say(e, "((%s[0] + %s[1]) + (%s[2] + %s[3])) + ((%s[4] + %s[5]) + (%s[6] + %s[7]));\n", a, a, a, a, a, a,
          a, a);
}

/* Where sums go: to one array, or to either. */
static const char *array_of_results(const dz__loop *l) {
  size_t slopes = 0;
  for (size_t j = l->reduced; j < l->accs; j++) slopes += dz__where_of(l->acc[j]) == DZ__GRAD;
  return slopes == l->accs - l->reduced ? "grad" : slopes ? NULL : "w";
}

static void say_result(dz__loop_emitter *k, const char *index, const char *sum) {
  const char *array = array_of_results(k->l);
  dz__say(k->e, "const uint32_t to = %s_to%zu[%s];\n", k->e->name, k->loop, index);
  if (array)
    dz__say(k->e, "        %s[to] += %s", array, sum);
  else
    dz__say(k->e, "        (to %% 2 ? grad : w)[to / 2] += %s", sum);
}

/* Accumulators from the second on: where each belongs is in a table if they are many. */
static void say_results(dz__loop_emitter *k, size_t from) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  if (from >= l->accs) return;
  const size_t whole = (l->accs - from) / DZ__W * DZ__W + from;
  dz__say(e, "  if (mode != %u) {\n", DZ__CALL_FORWARD);
  if (whole > from) {
    dz__say(
        e,
        "    for (k = %zu; k < %zu; k += 8) {\n      double s[8];\n      size_t j;\n      %s_sums(A + 8 * k, "
        "s);\n      for (j = 0; j < 8; j++) {\n        ",
        from, whole, e->name);
    say_result(k, "k + j", "s[j];\n");
    dz__say(e, "      }\n    }\n");
  }
  if (whole < l->accs) {
    dz__say(e, "    for (k = %zu; k < %zu; k++) {\n      const double *a = A + 8 * k;\n      ", whole,
            l->accs);
    say_result(k, "k", "");
    say_sum_of_eight(e, "a");
    dz__say(e, "    }\n");
  }
  dz__say(e, "  }\n");
}

static void say_places(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  const bool one = array_of_results(l);
  if (l->accs <= (size_t)l->reduced) return;
  dz__say(e, "static const uint32_t %s_to%zu[%zu] = {", e->name, k->loop, l->accs);
  for (size_t j = 0; j < l->accs; j++) {
    unsigned to = dz__place_index(l->acc[j]);
    dz__say(e, "%s%u,", j % 12 ? " " : "\n  ", one ? to : 2 * to + (dz__where_of(l->acc[j]) == DZ__GRAD));
  }
  dz__say(e, "\n};\n");
}

/* Tiles up to `full` from `lane` on: the registers are at R, the accumulators at A. */
static void say_tiles(dz__loop_emitter *k, const char *full) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  dz__say(e, "  for (; lane < %s; lane += %zu, R += %zu)\n", full, l->tile, l->kept ? l->room : 0);
  dz__say(e,
          "    %s_loop%zu_tile(in, grad, w, t, x, R, A, lane, %s - lane < %zu ? %s - lane : %zu, mode%s);\n",
          e->name, k->loop, full, l->tile, full, l->tile, dz__the_kernels(e));
}

/* How many accumulators are there at most: where only values are wanted the first alone. */
static void say_emptying(dz__loop_emitter *k, const char *array) {
  const dz__loop *l = k->l;
  if (l->accs)
    dz__say(k->e, "  memset(%s, 0, (mode == %u ? %u : %zu) * sizeof *A);\n", array, DZ__CALL_FORWARD,
            l->reduced ? DZ__W : 0, l->accs * DZ__W);
}

static size_t full_of(const dz__loop *l) { return l->lanes / DZ__W * DZ__W; }

/* One block of lanes, each with accumulators and registers of its own. */
static void say_block(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  const dz__program *p = &e->p->program;
  const dz__loop *l = k->l;
  dz__say(e, "static void %s_loop%zu_block(void *work, size_t block, size_t who) {\n", e->name, k->loop);
  dz__say(e,
          "  const struct job *const j = work;\n  const double *const in = j->in, *const t = j->t;\n"
          "  const uint32_t *const x = j->x;\n  double *const grad = j->grad, *const w = j->w;\n"
          "  const int mode = j->mode;\n%s",
          e->outside ? "  const kernels *const q = j->q;\n" : "");
  dz__say(e, "  size_t lane = block * %zu;\n  const size_t end = lane + %zu < %zu ? lane + %zu : %zu;\n",
          l->span, l->span, full_of(l), l->span, full_of(l));
  dz__say(e, "  double *A = w + %zu + block * %zu, *R = w + ", p->acc, l->accs * DZ__W);
  if (l->kept)
    dz__say(e, "%zu + lane / %zu * %zu;\n  (void)who;\n", l->spot, l->tile, l->room);
  else
    dz__say(e, "(who ? %zu + (who - 1) * %zu : %zu);\n", p->spare, p->common, l->spot);
  say_emptying(k, "A");
  say_tiles(k, "end");
  dz__say(e, "}\n");
}

/* All blocks, whose accumulators are added in their order, whoever ran them. */
static void say_sharing(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  size_t blocks = dz__blocks_of(l), n = l->accs * DZ__W;
  dz__say(e, "  {\n    struct job j = {in, t, x, grad, w, mode%s};\n", dz__the_kernels(e));
  if (e->outside)
    dz__say(e, "    c->share(c->crew, %zu, %s_loop%zu_block, &j);\n  }\n", blocks, e->name, k->loop);
  else
    dz__say(e, "    for (k = 0; k < %zu; k++) %s_loop%zu_block(&j, k, 0);\n  }\n", blocks, e->name, k->loop);
  if (n && blocks > 1)
    dz__say(e,
            "  for (lane = 1; lane < %zu; lane++)\n    for (k = 0; k < (mode == %u ? %u : %zu); k++) A[k] += "
            "A[lane * %zu + k];\n",
            blocks, DZ__CALL_FORWARD, l->reduced ? DZ__W : 0, n, n);
}

/* The lanes that do not fill a vector go to accumulators of their own, of which only those lanes count. */
static void say_rest(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  size_t full = full_of(l), rest = l->lanes - full, tiles = (l->lanes + l->tile - 1) / l->tile;
  size_t last = (l->span ? dz__blocks_of(l) : 1) * l->accs * DZ__W;
  char array[40];
  if (!rest) return;
  snprintf(array, sizeof array, "A + %zu", last);
  say_emptying(k, array);
  dz__say(e, "  %s_loop%zu_tile(in, grad, w, t, x, w + %zu, %s, %zu, %zu, mode%s);\n", e->name, k->loop,
          l->spot + (l->kept ? l->room * tiles : 0), array, full, rest, dz__the_kernels(e));
  if (l->accs)
    dz__say(e,
            "  for (k = 0; k < (mode == %u ? %u : %zu); k++)\n    for (lane = 0; lane < %zu; lane++) A[8 * k "
            "+ lane] += "
            "A[8 * k + lane + %zu];\n",
            DZ__CALL_FORWARD, l->reduced ? 1u : 0u, l->accs, rest, last);
}

void dz__say_around(dz__loop_emitter *k) {
  dz__emitter *e = k->e;
  const dz__loop *l = k->l;
  say_places(k);
  if (k->hoisted.sums) dz__say_hoisted(k, &k->hoisted);
  if (l->span) say_block(k);
  dz__say(e,
          "static void %s_loop%zu(const double *in, double *grad, double *w, const double *t, const uint32_t "
          "*x, int mode%s%s) {\n",
          e->name, k->loop, dz__kernels(e), e->outside ? ", const team *c" : "");
  dz__say(
      e,
      "  double *A = w + %zu, *R = w + %zu;\n  size_t lane = 0, k = 0;\n  (void)k, (void)lane, (void)R%s;\n",
      e->p->program.acc, l->spot, e->outside ? ", (void)c" : "");
  if (l->span) {
    say_sharing(k);
  } else {
    char full[32];
    snprintf(full, sizeof full, "%zu", full_of(l));
    say_emptying(k, "A");
    say_tiles(k, full);
  }
  say_rest(k);
  if (k->hoisted.sums)
    dz__say(e, "  if (mode != %u) %s_loop%zu_hoist(in, w, A);\n", DZ__CALL_FORWARD, e->name, k->loop);
  if (l->reduced) {
    dz__say(e, "  if (mode != %u) w[%u] = ", DZ__CALL_BACKWARD, (unsigned)dz__place_index(l->acc[0]));
    say_sum_of_eight(e, "A");
  }
  say_results(k, l->reduced);
  dz__say(e, "  (void)mode, (void)grad;\n}\n\n");
}
