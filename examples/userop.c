/* An operation of one's own: swish(x) = x sigmoid(x), with its derivative. Once defined it is used as dz's
   own are: from C, in text, in sweeps, and in derivatives of any order. */
#include <dz/dz.h>
#include <dz/userop.h>

#include <stdio.h>

int main(void) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 0.5);
  dz_set_name(x, "x");

  /* dz compares the derivative with the value's slope, and refuses a wrong one. Without it (NULL) dz derives
     its own. */
  dz_error e;
  const char *wrong[] = {"sigmoid(x)"};
  if (dz_op_define(t, "swish", 1, "x*sigmoid(x)", wrong, &e)) printf("refused: %s\n", e.message);

  const char *right[] = {"z + sigmoid(x)*(1 - z)"}; /* z is the value */
  if (dz_op_define(t, "swish", 1, "x*sigmoid(x)", right, &e)) return 1;

  dz_var y = dz_apply(t, "swish", 1, &x); /* the same as dz_expr(t, "swish(x)") */
  dz_backward(y);
  printf("swish(0.5)   = %.15g\n", dz_value(y));
  printf("swish'(0.5)  = %.15g\n", dz_adjoint(x));
  printf("swish''(0.5) = %.15g\n", dz_value(dz_expr(t, "d(swish(x), x, x)")));

  bool done = !dz_tape_error(t)->status;
  dz_tape_free(t);
  return done ? 0 : 1;
}
