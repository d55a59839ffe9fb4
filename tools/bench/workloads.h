/* The six workloads: data, and what each contender computes on them. Read by C and C++. */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WORKLOADS = 6 };

/* What a workload reads. x[n] are the inputs that the gradient is for; s[] are samples, by rows. A gradient
   has `ngrad` numbers: n of them, or for W2 two rows of 15 per observation. */
typedef struct bench_data {
  double *x, *s, *work; /* work: what the hand-written version keeps between its two directions */
  dz_var *v;            /* room for the handles of the inputs */
  size_t n, rows, ngrad;
  int d, k, m; /* W1: dimension, Gaussians, Wishart's degrees of freedom */
  double gamma;
} bench_data;

/* One workload. A contender returns the value and writes the gradient; `record` is dz's formula alone. */
typedef struct workload {
  const char *name, *what;
  size_t ops;     /* scalar operations that an exact transcription of the formula records */
  double target;  /* at most this share of ADOL-C's time; 0: none is set */
  bool from_file; /* `open` reads the file of --data */
  /* False with a message in `why`. bench_data_free frees what it made either way. */
  bool (*open)(bench_data *d, const char *path, char why[160]);
  double (*plain)(const bench_data *d);
  double (*hand)(const bench_data *d, double *grad);
  dz_var (*record)(const bench_data *d, const dz_var *x); /* NULL: the whole is many small tapes, `run` */
  double (*run)(const bench_data *d, dz_tape *t, double *grad, double *recording, size_t *ops);
  /* Of many small tapes: one sample with its features as handles, for a plan over all of them. */
  void (*record_one)(const dz_var *x, const dz_var *features, dz_var *results);
} workload;

extern const workload bench_w1, bench_w2, bench_w3, bench_w4, bench_w5, bench_w6;

bool bench_w1_open(bench_data *d, const char *path, char why[160]);

/* Sizes that the formulas share. W1_MOST bounds d and K. */
enum { W1_MOST = 64 };
enum { W2_INPUTS = 15, W2_FEATURES = 2 };
enum { W3_D = 20, W3_ROW = W3_D + 1 };
enum { W4_IN = 2, W4_HIDDEN = 16, W4_ROW = W4_IN + 1 };
enum { W5_STEPS = 1000000 };

/* Room for n inputs, rows samples of `width` numbers, ngrad results and `work` numbers; false without memory.
 */
bool bench_data_make(bench_data *d, size_t n, size_t rows, size_t width, size_t ngrad, size_t work);
void bench_data_free(bench_data *d);

/* A fixed stream of numbers, uniform in [lo, hi). */
double bench_uniform(uint64_t *state, double lo, double hi);

/* Seconds of a clock that only goes forward. */
double bench_now(void);

/* ADOL-C: value and gradient of workload w (0 to 5), recorded and swept anew. Only where BENCH_ADOLC is
 * defined. */
double bench_adolc(int w, const bench_data *d, double *grad);
/* From now on ADOL-C is used in the quickest way that we know, instead of its manual's. */
void bench_adolc_tune(void);

#ifdef __cplusplus
}
#endif
#endif
