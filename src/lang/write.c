/* What an expression is made of: numbers, names, literals, and the tails of calls. */
#include "lang/print.h"

#include "dz/lang.h"

#include <string.h>

/* ---- writing ---- */

void dz__print_flush(dz__print *p) {
  if (p->n && !p->write(p->user, p->text, p->n)) p->status = DZ_ERR_WRITE;
  p->n = 0;
}

static void put_bytes(dz__print *p, const char *text, size_t size) {
  if (p->status) return;
  if (size > p->left) {
    dz__print_flush(p);
    if (!p->status) p->status = DZ_ERR_LIMIT;
    return;
  }
  p->left -= size;
  for (size_t k; size; size -= k, text += k) {
    if (p->n == sizeof p->text) dz__print_flush(p);
    k = sizeof p->text - p->n < size ? sizeof p->text - p->n : size;
    memcpy(p->text + p->n, text, k);
    p->n += k;
  }
}

void dz__put(dz__print *p, const char *text) { put_bytes(p, text, strlen(text)); }

void dz__put_number(dz__print *p, double v) {
  char text[32];
  bool shadowed = v != v ? p->nan_taken : p->inf_taken;
  if (v != v)
    dz__put(p, shadowed ? "(0/0)" : "nan");
  else if (v - v != 0)
    dz__put(p, shadowed ? (v > 0 ? "(1/0)" : "-(1/0)") : v > 0 ? "inf" : "-inf");
  else if (v == 3.141592653589793 && !p->pi_taken)
    dz__put(p, "pi");
  else
    put_bytes(p, text, dz_number_write(v, p->digits, text));
}

static void put_whole(dz__print *p, int64_t v) {
  char text[32];
  put_bytes(p, text, dz_number_write((double)v, 0, text));
}

static void put_wholes(dz__print *p, size_t n, const int64_t *v) {
  dz__put(p, "[");
  for (size_t k = 0; k < n; k++) dz__put(p, k ? ", " : ""), put_whole(p, v[k]);
  dz__put(p, "]");
}

/* The elements row by row: a bracket opens where an axis begins and closes where it ends. */
/* Without elements: only of one axis do brackets say the shape. */
static void put_nothing(dz__print *p, const dz__array *a) {
  int64_t dims[DZ__MAX_RANK];
  for (int k = 0; k < a->rank; k++) dims[k] = (int64_t)a->dims[k];
  if (a->rank == 1) {
    dz__put(p, "[]");
    return;
  }
  dz__put(p, "reshape([], ");
  put_wholes(p, (size_t)a->rank, dims);
  dz__put(p, ")");
}

void dz__put_literal(dz__print *p, dz_var x) {
  dz__array a = dz__array_of(x);
  if (a.size == 0) put_nothing(p, &a);
  for (size_t i = 0; i < a.size && !p->status; i++) {
    size_t below = 1;
    if (i) dz__put(p, ", ");
    for (int k = a.rank; k-- > 0;)
      if (i % (below *= a.dims[k]) == 0) dz__put(p, "[");
    dz__put_number(p, dz__element_of(x, i));
    below = 1;
    for (int k = a.rank; k-- > 0;)
      if ((i + 1) % (below *= a.dims[k]) == 0) dz__put(p, "]");
  }
}

void dz__put_name(dz__print *p, dz_var x) {
  uint32_t label = p->label[dz__index(x)];
  if (label == DZ__LABEL_OWN) {
    dz__put(p, dz_name(x));
    return;
  }
  dz__put(p, dz__is_leaf(x) && !dz__is_constant(x) ? "x" : "t");
  put_whole(p, label);
}

/* ---- the tails of calls ---- */

static void put_reduction(dz__print *p, dz_var x, const int64_t *attr, size_t n) {
  bool counts = dz__fn_of(x) == DZ__F_count;
  size_t axes = n - 1 - counts, rank = (size_t)dz_rank(dz_operand(x, 0));
  if (axes != rank) {
    dz__put(p, ", axis=");
    if (axes == 1)
      put_whole(p, attr[1]);
    else
      put_wholes(p, axes, attr + 1);
  }
  if (attr[0]) dz__put(p, ", keepdims=1");
  if (counts && attr[n - 1]) dz__put(p, ", ddof="), put_whole(p, attr[n - 1]);
  dz__put(p, ")");
}

static void put_axis(dz__print *p, dz_var x, int64_t axis) {
  bool joins = dz__fn_of(x) == DZ__F_concat || dz__fn_of(x) == DZ__F_stack;
  dz__put(p, joins ? "]" : "");
  bool plain = axis == 0 && (joins || dz__fn_of(x) == DZ__F_gather || dz_rank(x) == 1);
  if (!plain) dz__put(p, ", axis="), put_whole(p, axis);
  dz__put(p, ")");
}

/* start:stop:step of an axis with that many elements */
static void put_range(dz__print *p, const int64_t *r, int64_t extent) {
  int64_t start = r[0], step = r[2], last = start + (r[1] - 1) * step;
  bool up = step > 0;
  if (r[3] || r[1] == 0) {
    r[3] ? put_whole(p, start) : dz__put(p, "0:0");
    return;
  }
  if (start != (up ? 0 : extent - 1)) put_whole(p, start);
  dz__put(p, ":");
  if (up ? last + step < extent : last + step >= 0) put_whole(p, last + (up ? 1 : -1));
  if (step != 1) dz__put(p, ":"), put_whole(p, step);
}

static void put_index(dz__print *p, dz_var x, const int64_t *attr, size_t n) {
  dz__array a = dz__array_of(dz_operand(x, 0));
  size_t shown = n / 4;
  for (; shown > 1; shown--) { /* axes left whole at the end need not be written */
    const int64_t *r = attr + 4 * (shown - 1);
    if (r[3] || r[0] != 0 || r[1] != (int64_t)a.dims[shown - 1]) break; /* then the step is 1 */
  }
  dz__put(p, "[");
  for (size_t k = 0; k < shown; k++)
    dz__put(p, k ? ", " : ""), put_range(p, attr + 4 * k, (int64_t)a.dims[k]);
  dz__put(p, "]");
}

void dz__put_tail(dz__print *p, dz_var x) {
  const int64_t *attr;
  size_t n = dz_attributes(x, &attr);
  dz__fn fn = dz__fn_of(x);
  if (fn == DZ__F_index) {
    put_index(p, x, attr, n);
  } else if (dz__ops[fn].signature == DZ__REDUCE) {
    put_reduction(p, x, attr, n);
  } else if (dz__ops[fn].signature == DZ__AXIS) {
    put_axis(p, x, attr[0]);
  } else {
    bool integers = dz__ops[fn].signature == DZ__SHAPE || fn == DZ__F_place || fn == DZ__F_scatter;
    if (integers) dz__put(p, ", "), put_wholes(p, n, attr);
    dz__put(p, ")");
  }
}
