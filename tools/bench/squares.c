/* Matrix products beside OpenBLAS's own. */
#include "tensors.h"

#include "dz/dz.h"

#ifdef BENCH_CBLAS
#include <cblas.h>
#endif
#include <math.h>
#include <stdlib.h>

typedef struct square {
  size_t n;
  double dz, blas, difference; /* seconds */
} square;

static const size_t squares[] = {64, 256, 512, 1024};
enum { SQUARES = sizeof squares / sizeof *squares };

/* a b on a plan, which does them as the tape does. */
static square measure_square(size_t n, const bench_options *o) {
  square s = {n, NAN, NAN, 0};
  dz_tape *t = dz_tape_new(NULL);
  double *in = calloc(2 * n * n, sizeof *in), *out = calloc(n * n, sizeof *out),
         *c = calloc(n * n, sizeof *c);
  double rounds[2][BENCH_MOST_ROUNDS];
  uint64_t random = 2;
  int count = o->rounds < BENCH_MOST_ROUNDS ? o->rounds : BENCH_MOST_ROUNDS;
  for (size_t i = 0; i < 2 * n * n; i++) in[i] = bench_uniform(&random, -1, 1);
  dz_var a = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){n, n}, in);
  dz_var b = dz_leaf_tensor(t, DZ_ROLE_INPUT, 2, (size_t[]){n, n}, in + n * n), y = dz_matmul(a, b);
  const dz_plan_options whole = {.tensors = DZ_TENSORS_WHOLE, .values_only = true};
  dz_plan *p = dz_plan_new(1, &y, 2, (dz_var[]){a, b}, &whole, NULL);
  void *work = malloc(dz_plan_memory(p));
  for (int k = 0; k < count; k++) {
    double start = bench_processor();
    dz_plan_run(p, in, out, NULL, work);
    rounds[0][k] = bench_processor() - start;
#ifdef BENCH_CBLAS
    openblas_set_num_threads(1);
    start = bench_processor();
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1, in, (int)n, in + n * n,
                (int)n, 0, c, (int)n);
    rounds[1][k] = bench_processor() - start;
    for (size_t i = 0; i < n * n; i++) s.difference = fmax(s.difference, fabs(c[i] - out[i]));
#endif
  }
  s.dz = bench_median(rounds[0], (size_t)count);
#ifdef BENCH_CBLAS
  s.blas = bench_median(rounds[1], (size_t)count);
#endif
  dz_plan_free(p);
  dz_tape_free(t);
  free(in), free(out), free(c), free(work);
  return s;
}

/* Of n products of numbers up to 1 added up in two orders: each is off by at most n^2 u / 2. */
static bool agrees(const square *s) { return s->difference <= (double)s->n * (double)s->n * 0x1p-53; }

static double rate(const square *s, double seconds) { return 2e-9 * pow((double)s->n, 3) / seconds; }

int bench_squares(const bench_options *o, cJSON *list) {
  int failed = 0;
  if (!o->json)
    printf("\nMatrix products, doubles, 10^9 operations a second, with one copy of the "
           "result\n\n%-20s%10s%10s%8s\n",
           "size", "dz", "OpenBLAS", "ratio");
  for (int k = 0; k < SQUARES - (o->quick ? 2 : 0); k++) {
    square s = measure_square(squares[k], o);
    failed |= !agrees(&s);
    if (!o->json) {
      printf("%-20zu", s.n);
      bench_cell(10, rate(&s, s.dz), 3);
      bench_cell(10, rate(&s, s.blas), 3);
      bench_cell(8, s.blas / s.dz, 3);
      puts(agrees(&s) ? "" : "  FAILED: they differ");
      continue;
    }
    cJSON *row = cJSON_CreateObject();
    cJSON_AddNumberToObject(row, "product", (double)s.n);
    bench_json_put(row, "dz", s.dz);
    bench_json_put(row, "openblas", s.blas);
    cJSON_AddItemToArray(list, row);
  }
  return failed;
}
