/* graphs [--graphs N] [--seed S] [--planted N]

   Compares random graphs, whose seeds count from 1, with the exact answer. Without arguments
   500,000, which takes less than a minute; ten times as many with DZ_LONG=1.
   --seed S      one graph alone, printed
   --planted N   the library linked here has a bug planted in it: success is to find it within N graphs */
#include "main.h"

#include "compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USUAL = 500000 };

enum { MOST_WORKERS = 16, REPORTED = 3 };

static graph the_graph;

static graph *fresh_graph(void) {
  the_graph.tape = sizeof(held) < sizeof(double) ? dz_tape_new_single(NULL) : dz_tape_new(NULL);
  if (!the_graph.tape) exit(2);
  return &the_graph;
}

/* Seeds first, first + step, … up to last. */
static score run(uint64_t first, uint64_t last, uint64_t step) {
  score s = {0};
  graph *g = fresh_graph();
  for (uint64_t seed = first; seed <= last; seed += step)
    compare_graph(g, seed, &s, s.failed < REPORTED ? stdout : NULL, false);
  dz_tape_free(g->tape);
  return s;
}

/* ---- several processes ---- */

static int start_worker(uint64_t first, uint64_t last, uint64_t step) {
  int ends[2];
  if (pipe(ends)) exit(2);
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) exit(2);
  if (child > 0) {
    close(ends[1]);
    return ends[0];
  }
  const score s = run(first, last, step);
  fflush(stdout);
  _exit(write(ends[1], &s, sizeof s) == (ssize_t)sizeof s ? 0 : 2);
}

static bool collect(int from, score *sum) {
  score part;
  char *to = (char *)&part;
  size_t got = 0;
  for (ssize_t n; got < sizeof part && (n = read(from, to + got, sizeof part - got)) > 0;) got += (size_t)n;
  close(from);
  if (got == sizeof part) score_add(sum, &part);
  return got == sizeof part;
}

static bool run_all(uint64_t graphs, score *sum) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  const int workers = cores < 1 ? 1 : cores > MOST_WORKERS ? MOST_WORKERS : (int)cores;
  int from[MOST_WORKERS];
  bool done = true;
  for (int k = 0; k < workers; k++) from[k] = start_worker((uint64_t)k + 1, graphs, (uint64_t)workers);
  for (int k = 0; k < workers; k++) done = collect(from[k], sum) && done;
  for (int k = 0, status; k < workers; k++) done = wait(&status) > 0 && status == 0 && done;
  return done;
}

/* ---- the verdict ---- */

static void print_score(const score *s) {
  static const char *const kinds[] = {
      "values", "adjoints", "tangents", "gradient nodes", "second derivatives", "  near by", "plans"};
  printf("%ld graphs, %ld failed, %ld left out (%.2f %%)\n", s->graphs, s->failed, s->skipped,
         100. * (double)s->skipped / (double)s->graphs);
  printf("%ld operations drawn, %ld of them too near to a kink, jump or pole (%.2f %%)\n", s->count.drawn,
         s->count.doubtful, 100. * (double)s->count.doubtful / (double)s->count.drawn);
  printf("%ld derivative graphs, %ld of them not compared (%.2f %%)\n", s->derived, s->not_derived,
         100. * (double)s->not_derived / (double)(s->derived + !s->derived));
  printf("%-28s", "|error| / bound at most");
  for (int j = 0; j < BINS; j++) printf("%10g", bin_ends[j]);
  for (int k = 0; k < KINDS; k++) {
    printf("\n%-28s", kinds[k]);
    for (int j = 0; j < BINS; j++) printf("%10ld", s->bins[k][j]);
    printf("   largest %.3f (seed %" PRIu64 ")", s->worst[k], s->worst_seed[k]);
  }
  printf("\n");
}

/* Their errors go with a matrix's condition, for which this oracle has no bound: tests/kernels/solve.c has
 * one. Random numbers are no function of numbers: tests/base/philox.c. */
static const char *const apart[] = {"lu", "solve", "noise"};

static bool knows(const char *name) {
  for (size_t k = 0; k < sizeof apart / sizeof *apart; k++)
    if (strcmp(apart[k], name) == 0) return true;
  for (int k = 0; k < OP_leaf; k++)
    if (strcmp(op_name((op)k), name) == 0) return true;
  return false;
}

/* Each operation of the library's tables has a rule here, and enough graphs use it. (Those of ORACLE_INNER
   are met in derivative graphs.) */
static bool all_met(const score *s) {
  bool met = true;
  for (size_t i = 0; i < dz_op_count(); i++) {
    const char *name = dz_op_at(i).name;
    if (knows(name)) continue;
    printf("no rule for %s\n", name);
    met = false;
  }
  for (int k = 0; k < OP_END; k++)
    if (s->count.made[k] * 1000 < s->graphs) {
      printf("%s was made %ld times only\n", op_name((op)k), s->count.made[k]);
      met = false;
    }
  return met;
}

static int verdict_of(const score *s) {
  print_score(s);
  const bool met = all_met(s), few = s->skipped * 20 < s->graphs && s->count.doubtful * 20 < s->count.drawn &&
                                     s->not_derived * 10 < s->derived;
  if (!few) printf("too much was left out\n");
  if (s->failed) printf("the first that failed: --seed %" PRIu64 "\n", s->first_failed);
  return s->failed || !met || !few;
}

static int alone(uint64_t seed) {
  score s = {0};
  graph *g = fresh_graph();
  compare_graph(g, seed, &s, stdout, true);
  dz_tape_free(g->tape);
  print_score(&s);
  return s.failed > 0;
}

static int find_planted(uint64_t graphs) {
  score s = {0};
  graph *g = fresh_graph();
  for (uint64_t seed = 1; seed <= graphs; seed++) compare_graph(g, seed, &s, NULL, false);
  dz_tape_free(g->tape);
  if (s.failed)
    printf("seen in %ld of %ld graphs, first with --seed %" PRIu64 "\n", s.failed, s.graphs, s.first_failed);
  else
    printf("the planted bug was not found by %ld graphs\n", s.graphs);
  return s.failed ? 0 : 1;
}

int oracle_main(int argc, char **argv) {
  uint64_t graphs = USUAL * (getenv("DZ_LONG") ? 10 : 1);
  if (argc == 3) {
    const uint64_t n = strtoull(argv[2], NULL, 10);
    if (strcmp(argv[1], "--seed") == 0) return alone(n);
    if (strcmp(argv[1], "--planted") == 0) return find_planted(n);
    if (strcmp(argv[1], "--graphs") == 0) graphs = n;
  }
  score s = {0};
  if (!run_all(graphs, &s)) {
    printf("a worker failed\n");
    return 2;
  }
  return verdict_of(&s);
}
