/* Sequences as C. A body too long for one function calls several for each step, and stores all its
   registers. */
#include "plan/emit.h"

#include <stdio.h>

static const char arguments[] =
    "const double *in, double *grad, double *w, const double *t, const uint32_t *x, "
    "double *restrict R, double *restrict P, size_t s",
                  given[] = "in, grad, w, t, x";

/* ---- long bodies ---- */

/* Instructions from `from` on, as functions NAME_loopK_PART0, …. Returns how many. */
static size_t say_part(dz__emitter *e, size_t k, const char *part, size_t from, size_t end) {
  size_t pieces = 0;
  while (from < end) {
    dz__say(e, "static void %s_loop%zu_%s%zu(%s) {\n", e->name, k, part, pieces++, arguments);
    dz__say(e, "  (void)in, (void)grad, (void)w, (void)t, (void)x, (void)R, (void)P, (void)s;\n");
    for (size_t n = 0; n < DZ__SCALARS && from < end; n++) dz__emit_scalar(e, &e->steps->code.at[from++]);
    dz__say(e, "}\n");
  }
  return pieces;
}

/* Calls of a part. */
static void say_calls(dz__emitter *e, size_t k, const char *part, size_t pieces, const char *R,
                      const char *P) {
  for (size_t j = 0; j < pieces; j++)
    dz__say(e, "    %s_loop%zu_%s%zu(%s, %s, %s, s);\n", e->name, k, part, j, given, R, P);
}

void dz__open_sequence(dz__emitter *e, size_t k, const dz__loop *l) {
  dz__say(
      e,
      "static void %s_loop%zu(const double *in, double *grad, double *w, const double *t, const uint32_t *x, "
      "int mode%s) {\n  double *S = w + %zu;\n  size_t s = 0;\n  (void)in, (void)grad, (void)t, (void)x%s;\n",
      e->name, k, e->outside ? ", const kernels *q, const team *c" : "", l->spot,
      e->outside ? ", (void)q, (void)c" : "");
}

static void say_long(dz__emitter *e, size_t k, const dz__loop *l) {
  char here[64], last[64];
  size_t result = say_part(e, k, "last", 0, l->last), enter = say_part(e, k, "enter", l->last, l->enter),
         values = say_part(e, k, "value", l->enter, l->code.reverse),
         zeros = say_part(e, k, "zero", l->code.reverse, l->zeroed),
         adjoints = say_part(e, k, "adjoint", l->zeroed, l->leave),
         leave = say_part(e, k, "leave", l->leave, l->passed),
         arrive = say_part(e, k, "arrive", l->passed, l->code.n);
  snprintf(here, sizeof here, "S + %zu", l->room);
  snprintf(last, sizeof last, "S + %zu", l->lanes * l->room);
  dz__open_sequence(e, k, l);
  dz__say(e, "  if (mode != %u) {\n", DZ__CALL_BACKWARD);
  say_calls(e, k, "enter", enter, "S", "NULL");
  dz__say(e, "    for (s = 0; s < %zu; s++, S += %zu) {\n", l->lanes, l->room);
  say_calls(e, k, "value", values, here, "S");
  dz__say(e, "    }\n");
  say_calls(e, k, "last", result, "S", "NULL");
  dz__say(e, "  }\n");
  if (adjoints + leave) {
    dz__say(e, "  if (mode == %u) return;\n  S = w + %zu;\n", DZ__CALL_FORWARD, l->spot);
    say_calls(e, k, "zero", zeros, "NULL", last);
    say_calls(e, k, "arrive", arrive, last, "NULL");
    dz__say(e, "  S += %zu;\n  for (s = %zu; s-- > 0;) {\n    S -= %zu;\n", l->lanes * l->room, l->lanes,
            l->room);
    say_calls(e, k, "zero", zeros, "NULL", "S");
    say_calls(e, k, "adjoint", adjoints, here, "S");
    dz__say(e, "  }\n");
    dz__say(e, "  s = 0;\n");
    say_calls(e, k, "leave", leave, "S", "NULL");
  }
  dz__say(e, "}\n\n");
}

dz_status dz__emit_sequence(dz__emitter *e, size_t k) {
  const dz__loop *l = &e->p->program.loop[k];
  dz_status status = DZ_OK;
  e->steps = l;
  e->spots = dz__spots_of(e->p, k);
  if (l->code.n > DZ__SCALARS)
    say_long(e, k, l);
  else
    status = dz__emit_steps(e, k);
  e->steps = NULL;
  return status;
}
