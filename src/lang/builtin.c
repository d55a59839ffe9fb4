#include "lang/builtin.h"

/* Functions that are no line of the tables, or that take their operands otherwise than the line says. */
static const struct {
  const char *name;
  dz__form form;
  dz__fn fn;
} own[] = {{"rank", DZ__FORM_RANK, DZ__F_END},
           {"extent", DZ__FORM_EXTENT, DZ__F_END},
           {"positions", DZ__FORM_POSITIONS, DZ__F_END},
           {"unroll", DZ__FORM_UNROLL, DZ__F_END},
           {"_room", DZ__FORM_ROOM, DZ__F_END}, /* for the prelude */
           {DZ__DERIVATIVE_NAME, DZ__FORM_DERIVATIVE, DZ__F_END}};
enum { OWN = sizeof own / sizeof *own, LISTED = OWN - 2 };
_Static_assert(DZ__F_END <= 0xff, "dz__builtin_code keeps an operation, or none, in a byte");

static dz__form form_of(dz__fn fn) {
  if (fn < DZ__F_POINTWISE_END) return DZ__FORM_POINTWISE;
  switch ((int)fn) {
  case DZ__F_max:
  case DZ__F_min:
    return DZ__FORM_EXTREME;
  case DZ__F_concat:
    return DZ__FORM_CONCAT;
  case DZ__F_stack:
    return DZ__FORM_STACK;
  case DZ__F_gather:
    return DZ__FORM_GATHER;
  case DZ__F_permute:
    return DZ__FORM_PERMUTED;
  case DZ__F_matmul:
    return DZ__FORM_MATMUL;
  case DZ__F_solve:
    return DZ__FORM_SOLVE;
  case DZ__F_noise:
    return DZ__FORM_NOISE;
  }
  switch (dz__ops[fn].signature) {
  case DZ__REDUCE:
    return DZ__FORM_REDUCE;
  case DZ__AXIS:
    return DZ__FORM_RUNNING;
  case DZ__SHAPE:
    return DZ__FORM_SHAPED;
  }
  return DZ__FORM_NONE; /* index, which is written A[…], and what only derivatives need */
}

dz__builtin dz__builtin_of(uint32_t code) {
  enum { ANY = -1 };
  static const struct {
    int8_t least, most, keys;
  } take[DZ__FORM_USER + 1] = {
      /* pointwise and user's: below; none and unroll: what is called is another */
      [DZ__FORM_EXTREME] = {1, ANY, 2},   [DZ__FORM_REDUCE] = {1, 1, 2},     [DZ__FORM_RUNNING] = {1, 1, 1},
      [DZ__FORM_CONCAT] = {1, ANY, 1},    [DZ__FORM_STACK] = {1, ANY, 1},    [DZ__FORM_GATHER] = {2, 2, 1},
      [DZ__FORM_SHAPED] = {2, ANY, 0},    [DZ__FORM_PERMUTED] = {1, ANY, 0}, [DZ__FORM_MATMUL] = {2, 2, 0},
      [DZ__FORM_SOLVE] = {2, 2, 0},       [DZ__FORM_NOISE] = {2, 2, 0},      [DZ__FORM_RANK] = {1, 1, 0},
      [DZ__FORM_EXTENT] = {1, 1, 1},      [DZ__FORM_POSITIONS] = {1, 1, 1},  [DZ__FORM_ROOM] = {2, 2, 1},
      [DZ__FORM_DERIVATIVE] = {2, ANY, 0}};
  dz__form form = (dz__form)(code >> 8 & 0xff);
  dz__fn fn = (dz__fn)(code & 0xff);
  dz__builtin b = {form, fn, take[form].least, take[form].most, take[form].keys, code >> 16};
  if (form == DZ__FORM_USER) {
    b.least = b.most = (int)(code & 0xff);
    b.fn = DZ__F_user;
  }
  if (form == DZ__FORM_POINTWISE) b.least = b.most = dz__ops[fn].arity;
  if (fn == DZ__F_count) b.keys = DZ__KEY_DDOF;
  return b;
}

const char *dz__form_name(dz__form form) {
  if (form == DZ__FORM_DERIVATIVE) return "d";
  for (int i = 0; i < OWN; i++)
    if (own[i].form == form) return own[i].name;
  return "";
}

dz__builtin dz__builtin_find(const char *name, size_t size) {
  for (int i = 0; i < OWN; i++)
    if (dz__is_called(own[i].name, name, size))
      return dz__builtin_of((uint32_t)own[i].form << 8 | (uint32_t)own[i].fn);
  dz__fn fn = dz__fn_by_name(name, size);
  if (fn == DZ__F_END) return (dz__builtin){.form = DZ__FORM_NONE};
  return dz__builtin_of((uint32_t)form_of(fn) << 8 | (uint32_t)fn);
}

static const char *const keys[] = {"", "axis", "keepdims", "ddof"};

const char *dz__key_name(int slot) { return keys[slot]; }

const char *dz__builtin_name(size_t i) {
  if (i < LISTED) return own[i].name;
  i -= LISTED;
  for (int fn = 0; fn < DZ__F_END; fn++)
    if (form_of((dz__fn)fn) && i-- == 0) return dz__ops[fn].name;
  return dz__alias_at(i);
}
