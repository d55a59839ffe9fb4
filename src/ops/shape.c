#include "ops/call.h"

#include <stdio.h>

bool dz__size_of(int rank, const size_t *dims, size_t *size) {
  size_t n = 1;
  for (int k = 0; k < rank; k++)
    if (dims[k] == 0) {
      *size = 0;
      return true;
    }
  for (int k = 0; k < rank; k++) {
    if (dims[k] > PTRDIFF_MAX / sizeof(double) / n) return false;
    n *= dims[k];
  }
  *size = n;
  return true;
}

char *dz__shape_text(int rank, const size_t *dims, char buf[192]) {
  size_t at = 0;
  buf[at++] = '[';
  for (int k = 0; k < rank && k < DZ__MAX_RANK; k++)
    at += (size_t)snprintf(buf + at, 192 - at, k ? ", %zu" : "%zu", dims[k]);
  buf[at++] = ']';
  buf[at] = 0;
  return buf;
}

char *dz__array_text(const dz__array *x, char buf[192]) { return dz__shape_text(x->rank, x->dims, buf); }

dz_status dz__sized(dz__call *call) {
  char text[192];
  if (dz__size_of(call->out.rank, call->out.dims, &call->out.size)) return DZ_OK;
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op, "%s: a result of shape %s is too large", call->op,
                  dz__array_text(&call->out, text));
}

/* The extent of x at axis k, counted from the last axis; axes that x lacks have extent 1. */
static size_t extent_from_end(const dz__array *x, int k) {
  return k < x->rank ? x->dims[x->rank - 1 - k] : 1;
}

static bool meet(const dz__array *x, const dz__array *y, int k) {
  size_t a = extent_from_end(x, k), b = extent_from_end(y, k);
  return a == b || a == 1 || b == 1;
}

static dz_status clash(dz__call *call, int j, int i, int k) {
  const dz__array *x = &call->args[j], *y = &call->args[i];
  char a[192], b[192];
  return dz__fail(call->error, DZ_ERR_SHAPE, call->op,
                  "%s: shapes %s and %s do not broadcast: extents %zu and %zu differ", call->op,
                  dz__array_text(x, a), dz__array_text(y, b), extent_from_end(x, k), extent_from_end(y, k));
}

dz_status dz__broadcast_rule(dz__call *call) {
  dz__array *z = &call->out;
  z->rank = 0;
  for (int i = 0; i < call->nargs; i++)
    if (call->args[i].rank > z->rank) z->rank = call->args[i].rank;
  for (int k = 0; k < z->rank; k++) {
    size_t extent = 1;
    for (int i = 0; i < call->nargs; i++) {
      for (int j = 0; j < i; j++)
        if (!meet(&call->args[j], &call->args[i], k)) return clash(call, j, i, k);
      size_t n = extent_from_end(&call->args[i], k);
      if (n != 1) extent = n;
    }
    z->dims[z->rank - 1 - k] = extent;
  }
  return dz__sized(call);
}
