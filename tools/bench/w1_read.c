/* W1's data, from a file: d K n; K alphas; K means; K factors; n points; gamma m. See w1.c. */
#include "workloads.h"

#include "dz/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One number after blanks; false at the end or at anything else. */
static bool next(const char **at, const char *end, double *value) {
  dz_number_kind kind;
  while (*at < end && strchr(" \t\r\n", **at)) ++*at;
  bool minus = *at < end && **at == '-';
  size_t size = dz_number_read(*at + minus, (size_t)(end - *at) - minus, value, &kind);
  *at += minus + size;
  if (minus) *value = -*value;
  return size > 0 && (kind == DZ_NUMBER_OK || kind == DZ_NUMBER_UNDERFLOW);
}

static char *slurp(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  char *text = NULL;
  long length = -1;
  if (f && fseek(f, 0, SEEK_END) == 0) length = ftell(f);
  if (length >= 0 && fseek(f, 0, SEEK_SET) == 0) text = malloc((size_t)length + 1);
  *size = text ? fread(text, 1, (size_t)length, f) : 0;
  if (f) fclose(f);
  return text;
}

static bool parse(bench_data *d, const char *text, size_t size) {
  const char *end = text + size;
  double dim, k, rows, gamma, m;
  if (!next(&text, end, &dim) || !next(&text, end, &k) || !next(&text, end, &rows)) return false;
  if (!(dim >= 1 && dim <= W1_MOST && k >= 1 && k <= W1_MOST && rows >= 1 && rows <= 1e7)) return false;
  d->d = (int)dim;
  d->k = (int)k;
  size_t nd = (size_t)dim, nk = (size_t)k, factor = nd * (nd + 1) / 2, n = nk * (1 + nd + factor);
  if (!bench_data_make(d, n, (size_t)rows, nd, n, (nk + 3) * nd * (nd + 5))) return false;
  for (size_t i = 0; i < d->n; i++)
    if (!next(&text, end, &d->x[i])) return false;
  for (size_t i = 0; i < d->rows * nd; i++)
    if (!next(&text, end, &d->s[i])) return false;
  if (!next(&text, end, &gamma) || !next(&text, end, &m)) return false;
  d->gamma = gamma;
  d->m = (int)m;
  return true;
}

bool bench_w1_open(bench_data *d, const char *path, char why[160]) {
  size_t size;
  char *text = slurp(path, &size);
  bool done = text && parse(d, text, size);
  if (!text)
    snprintf(why, 160, "cannot read %.120s", path);
  else if (!done)
    snprintf(why, 160, "%.120s is not a mixture of Gaussians", path);
  free(text);
  return done;
}
