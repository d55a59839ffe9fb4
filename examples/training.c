/* A training loop: record, sweep, step, rewind. Fits y = w x + b to seven points by gradient descent on the
   mean squared error. After its first turn the loop allocates nothing: the rewind keeps the tape's room. */
#include <dz/dz.h>

#include <stdio.h>

int main(void) {
  const double xs[] = {-3, -2, -1, 0, 1, 2, 3}, ys[] = {-5.1, -2.9, -1.2, 1.1, 2.8, 5.2, 7.1};
  dz_tape *t = dz_tape_new(NULL);
  dz_var w = dz_param(t, 0), b = dz_param(t, 0);
  dz_mark start = dz_tape_mark(t);
  double error = 0;
  for (int turn = 0; turn < 200; turn++) {
    dz_var sum = dz_const(t, 0);
    for (int i = 0; i < 7; i++) {
      dz_var miss = dz_sub(dz_add(dz_mul(w, xs[i]), b), ys[i]);
      sum = dz_add(sum, dz_mul(miss, miss));
    }
    dz_var loss = dz_div(sum, 7);
    dz_backward(loss);
    double new_w = dz_value(w) - 0.1 * dz_adjoint(w), new_b = dz_value(b) - 0.1 * dz_adjoint(b);
    error = dz_value(loss);
    dz_tape_rewind(t, start);
    dz_set(w, &new_w, 1);
    dz_set(b, &new_b, 1);
  }
  char text[3][32];
  dz_number_write(dz_value(w), 6, text[0]);
  dz_number_write(dz_value(b), 6, text[1]);
  dz_number_write(error, 6, text[2]);
  printf("y = %s x + %s, mean squared error %s\n", text[0], text[1], text[2]);
  dz_status status = dz_tape_error(t)->status;
  dz_tape_free(t);
  return status != DZ_OK;
}
