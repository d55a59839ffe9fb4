/* What dz_print writes reads back as the same graph, with the same value bit for bit. Printed again it is the
   same text, but that what was a constant leaf is a number from then on, and that lines are counted anew. */
#include "dz/print.h"
#include "../show/graph.h"
#include "dz/sweep.h"
#include "text.h"

static dz_tape *recorded(const char *said, size_t size, const dz_allocator *a, dz_tape *leaves, dz_var *y) {
  dz_error e;
  dz_program *p = dz_program_parse(said, size, "<fuzz>", a, &e);
  if (!p && leaves && e.status != DZ_ERR_MEMORY)
    ck_abort_msg("%.*s\nis refused: %s", (int)size, said, e.message);
  dz_tape *t = p ? dz_tape_new(a) : NULL;
  for (size_t k = 0; t && leaves && k < dz_program_leaf_count(p); k++) {
    const dz_program_leaf leaf = dz_program_leaf_at(p, k);
    const dz_var x = dz_named(leaves, leaf.name);
    size_t dims[DZ_MAX_RANK];
    for (int d = 0; d < dz_rank(x); d++) dims[d] = dz_extent(x, d);
    if (dz_valid(x)) dz_set_name(dz_leaf_tensor(t, dz_role_of(x), dz_rank(x), dims, dz_values(x)), leaf.name);
  }
  if (t && !leaves) bind_leaves(t, p);
  *y = t ? dz_program_record(p, t, 7) : (dz_var){NULL, 0, 0};
  dz_program_free(p);
  return t;
}

static bool told_apart(dz_var x) { return x.tape && dz_valid(x) && dz_name(x) == NULL; }

/* Leaves that text makes by itself (parameters with an initialiser) are leaves with a name here too; one
   without a name would be called something new. */
static bool all_named(dz_tape *t) {
  for (size_t i = 0; i < dz_tape_size(t); i++)
    if (dz_role_of(dz_node_at(t, i)) != DZ_ROLE_NONE && dz_role_of(dz_node_at(t, i)) != DZ_ROLE_CONST &&
        told_apart(dz_node_at(t, i)))
      return false;
  return true;
}

static void compare(dz_tape *t, dz_var y, dz_tape *u, dz_var z, const char *said) {
  if (dz_tape_error(u)->status == DZ_ERR_MEMORY) return;
  if (!dz_valid(z)) ck_abort_msg("%s\nis refused: %s", said, dz_tape_error(u)->message);
  if (dz_size(y) != dz_size(z) || dz_rank(y) != dz_rank(z)) ck_abort_msg("%s\nhas another shape", said);
  for (size_t i = 0; i < dz_size(y); i++)
    if (!same_number(dz_values(y)[i], dz_values(z)[i])) ck_abort_msg("%s\nhas another value", said);
}

/* The same but for the numbers in t1, t2, …. */
static bool same_text(const char *x, const char *y) {
  while (*x && *y) {
    if (*x++ != *y++) return false;
    if (x[-1] != 't') continue;
    while (*x >= '0' && *x <= '9') x++;
    while (*y >= '0' && *y <= '9') y++;
  }
  return *x == *y;
}

/* Prints y and reads the text on a tape of its own, twice. Both texts are to be the same once constants are
   numbers, that is from the second time on. */
static void read_back(dz_tape *t, dz_var y, const dz_allocator *a, dz_print_options o, int round) {
  static text before;
  text p = {0};
  dz_var z;
  if (dz_print(y, &o, append, &p) == DZ_OK && !strstr(p.at, "place(") && !strstr(p.at, "scatter(")) {
    if (round == 2 && !same_text(before.at, p.at)) ck_abort_msg("first\n%s\nthen\n%s", before.at, p.at);
    dz_tape *u = round < 2 ? recorded(p.at, p.n, a, t, &z) : NULL;
    before = p;
    if (u) compare(t, y, u, z, p.at);
    if (u) read_back(u, z, a, o, round + 1);
    dz_tape_free(u);
  }
  free(p.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  failing f = {.most = (size_t)8 << 20};
  const dz_allocator a = failing_allocator(&f);
  const unsigned how = take_byte(&in);
  const dz_print_options o = {.names = how & 1 ? DZ_PRINT_DEFINE : DZ_PRINT_EXPAND, .inlined = how >> 4};
  dz_var y;
  dz_tape *t = recorded((const char *)in.at, in.left, &a, NULL, &y);
  if (t && dz_valid(y) && all_named(t)) read_back(t, y, &a, o, 0);
  dz_tape_free(t);
  ck_assert(f.blocks == 0 && f.bytes == 0);
  return 0;
}
