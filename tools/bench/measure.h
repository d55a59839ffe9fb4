/* Measuring: rounds in which all contenders take turns, and what came of them. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "workloads.h"

#include <cjson/cJSON.h>

typedef struct bench_options {
  int rounds;
  bool quick, json, readme;
  bool chain_only, plans, tensors, map;
  size_t threads, linear; /* 0: not asked for */
  size_t chain;           /* operations; 0: no chain */
  const char *data;       /* W1's file */
  const char *only;       /* names of workloads, or NULL for all */
} bench_options;

/* Seconds are medians over the rounds; NaN stands for what was not measured. */
typedef struct bench_result {
  const workload *w;
  char failed[160];  /* why the numbers are not to be trusted, or "" */
  char skipped[160]; /* why it was not run, or "" */
  double plain, hand, record, reverse, total, adolc;
  double cold, cold_adolc;
  size_t ops;          /* as recorded by dz */
  double bytes_per_op; /* of the whole tape after a sweep */
  size_t allocations;  /* that a warm repetition made */
  double difference;   /* the largest relative one between a contender's gradient and the hand-written one */
} bench_result;

/* Runs workload `index`, which is w. */
bench_result bench_measure(int index, const workload *w, const bench_options *o);

/* Plans instead of tapes: measures and prints. Returns whether something failed. */
int bench_plans(const bench_options *o, const workload *const *all,
                bool (*wanted)(const char *list, const char *name));

/* Of plans: time and memory up to so many operations; by threads; of samples side by side. Whether something
   failed. */
int bench_linear(size_t most);
int bench_threads(const bench_options *o, const workload *const *all,
                  bool (*wanted)(const char *list, const char *name));
int bench_map(int rounds);

/* Training steps of networks: measures and prints. Returns whether something failed. */
int bench_tensors(const bench_options *o);

enum { CHAIN_LENGTHS = 3 };

/* A chain of n/10, n/2 and n operations, each recorded, swept and freed on a small stack. */
typedef struct bench_chain {
  size_t ops[CHAIN_LENGTHS];
  double seconds[CHAIN_LENGTHS];
  const char *failed;
} bench_chain;

enum { CHAIN_STACK = 256 * 1024 };

bench_chain bench_chain_run(size_t n, bool quick);

/* What was measured, for people or as one line of JSON. The chain may be NULL. */
void bench_report(const bench_result *r, int count, const bench_chain *c, const bench_options *o);

/* A cell of a table, to so many significant digits; "-" for NaN, which was not measured. */
void bench_cell(int width, double value, int digits);
/* " x |", the same in Markdown; empty when it was not measured. */
void bench_markdown_cell(double value, int digits);

/* A member of an object: non-finite numbers are strings, NaN is left out. */
void bench_json_put(cJSON *object, const char *key, double value);
/* As one line. */
void bench_json_print(cJSON *json);

/* One line on a terminal that the next one overwrites; nothing when stderr is no terminal. NULL clears it. */
void bench_progress(const char *what, int done, int all);

/* What `work` returns in a process of its own, where every page is new; NaN when that fails. */
double bench_apart(double (*work)(void *), void *user);

/* Seconds of all processors that this process has used: others that work at the same time count less. */
double bench_processor(void);
/* Of the calling thread alone: those of libraries turn in circles for a while before they sleep. */
double bench_thread(void);

/* The median; sorts x. NaN for none. */
double bench_median(double *x, size_t n);

#endif
