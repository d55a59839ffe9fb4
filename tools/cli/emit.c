/* dz emit: value and gradient as C. */
#include "dz/emit.h"

#include "buffer.h"
#include "message.h"
#include "model.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

/* Names are written as they are but for what would end the comment. */
static void add_name(buffer *b, const char *name) {
  for (const char *s = name; *s; s++) buffer_add(b, *s == '*' || *s == '\\' ? "_" : s, 1);
}

/* Which elements of in[] are what. */
static void say_inputs(buffer *b, const wants *w) {
  size_t at = 0;
  buffer_text(b, "/* Inputs:\n");
  for (size_t k = 0; k < w->count; k++) {
    size_t n = dz_size(w->at[k].node), dims[DZ_MAX_RANK];
    int rank = dz_rank(w->at[k].node);
    for (int d = 0; d < rank; d++) dims[d] = dz_extent(w->at[k].node, d);
    buffer_text(b, "     in[");
    buffer_whole(b, at);
    if (rank) {
      buffer_text(b, "] to in[");
      buffer_whole(b, at + (n ? n - 1 : 0));
    }
    buffer_text(b, "]  ");
    add_name(b, w->at[k].name);
    if (rank) buffer_shape(b, rank, dims);
    buffer_text(b, "\n");
    at += n;
  }
  buffer_text(b, "*/\n");
}

static dz_var *inputs_of(const wants *w, double **values) {
  size_t n = 0;
  dz_var *xs = take(NULL, w->count + 1, sizeof *xs);
  for (size_t k = 0; k < w->count; k++) {
    xs[k] = w->at[k].node;
    if (!dz_valid(xs[k]) || dz_role_of(xs[k]) == DZ_ROLE_NONE)
      die(STATUS_USAGE, "--wrt: '%s' is no input of the expression", w->at[k].name);
    n += dz_size(xs[k]);
  }
  *values = take(NULL, n + 1, sizeof **values);
  n = 0;
  for (size_t k = 0; k < w->count; k++)
    for (size_t j = 0; j < dz_size(xs[k]); j++) (*values)[n++] = dz_values(xs[k])[j];
  return xs;
}

int verb_emit(const options *o) {
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  buffer out = {0};
  double *at;
  dz_var *xs = inputs_of(&w, &at);
  dz_error e;
  dz_plan *p =
      dz_plan_new(1, &m.result, (int)w.count, xs, &(dz_plan_options){.tensors = DZ_TENSORS_APART}, &e);
  if (!p) die_status(&m.source, &e, e.status);
  const dz_emit_options how = {o->name, o->test, m.generic ? NULL : at, o->single, o->together};
  say_inputs(&out, &w);
  dz_status status = dz_emit(p, &how, append, &out);
  if (status == DZ_ERR_ARGUMENT) die(STATUS_USAGE, "--name: '%s' cannot name a function in C", o->name);
  if (status) die_status(&m.source, dz_tape_error(m.tape), status);
  output(&out);
  buffer_free(&out);
  dz_plan_free(p);
  free(at);
  free(xs);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
