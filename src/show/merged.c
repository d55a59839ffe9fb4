#include "show/merged.h"

#include "show/symbol_work.h"
#include "tape/tape.h"

/* Copies the trace, with names, to m->own. */
static bool copy(dz__merged *m, const dz__trace *t, dz_var *handle) {
  dz__node_symbol *node = dz__alloc(&m->alloc, t->nseen * sizeof *node);
  dz__symbols to = {.alloc = m->alloc, .tape = m->own, .handle = handle, .node = node};
  dz__work work = {.y = &to, .of = t};
  bool done = node && dz__work_copy(&work);
  for (size_t i = 0; done && i < t->nseen; i++)
    if (!dz__work_is_leaf(&t->seen[i]) && t->seen[i].name)
      done = dz_set_name(handle[i], t->seen[i].name) == DZ_OK;
  dz__free(&m->alloc, node, t->nseen * sizeof *node);
  return done;
}

static bool keep_originals(dz__merged *m, const dz__trace *t, const dz_var *handle) {
  m->n = dz_node_index(handle[t->nseen - 1]) + 1;
  m->original = dz__alloc(&m->alloc, m->n * sizeof *m->original);
  if (!m->original) return false;
  for (size_t i = 0; i < t->nseen; i++) m->original[dz_node_index(handle[i])] = t->seen[i].var;
  return true;
}

static bool move(dz__merged *m, const dz__trace *t, dz_var *y, dz_var *x) {
  dz_var *handle = dz__alloc(&m->alloc, t->nseen * sizeof *handle);
  m->own = dz_tape_new(&m->alloc);
  if (m->own) dz__lend_users(m->own, y->tape);
  bool done = handle && m->own && copy(m, t, handle) && keep_originals(m, t, handle);
  size_t leaf = dz_node_index(*x);
  for (size_t i = 0; done && i < t->nseen; i++)
    if (t->seen[i].node == leaf) *x = handle[i];
  if (done) *y = handle[t->nseen - 1];
  dz__free(&m->alloc, handle, t->nseen * sizeof *handle);
  return done;
}

dz_status dz__merged_make(dz_var *y, dz_var *x, const dz_allocator *a, dz__merged *m) {
  dz__trace t;
  *m = (dz__merged){.alloc = dz__allocator(a)};
  if (dz_role_of(*x) == DZ_ROLE_NONE) return DZ_OK;
  dz_status status = dz__trace_make(*y, SIZE_MAX, &t);
  if (status) return status == DZ_ERR_LIMIT ? DZ_OK : status;
  size_t all = t.nseen;
  bool reached = false; /* by y; else x would stay on another tape */
  for (size_t i = 0; i < all; i++) reached = reached || t.seen[i].node == dz_node_index(*x);
  status = dz__trace_share(&t);
  if (!status && reached && t.nseen < all && !move(m, &t, y, x)) {
    dz_status why = m->own ? dz_tape_error(m->own)->status : DZ_OK;
    status = why && why != DZ_ERR_MEMORY ? DZ_OK : DZ_ERR_MEMORY; /* what cannot be recorded again stays */
    dz__merged_free(m);
  }
  dz__trace_free(&t);
  return status;
}

void dz__merged_free(dz__merged *m) {
  dz__free(&m->alloc, m->original, m->n * sizeof *m->original);
  if (m->own) dz__lend_users(m->own, NULL);
  dz_tape_free(m->own);
  *m = (dz__merged){.alloc = m->alloc};
}

dz_var dz__merged_original(const dz__merged *m, dz_var x) {
  return m->own ? m->original[dz_node_index(x)] : x;
}
