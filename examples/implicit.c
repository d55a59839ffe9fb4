/* An implicit function: the eccentric anomaly E of a planet, E - e sin(E) = M. It is found by Newton's
   method, and the tape has the derivatives of the solution, not of the iterations. */
#include <dz/dz.h>

#include <math.h>
#include <stdio.h>

static dz_var kepler(dz_tape *t, dz_var E, void *user) {
  const dz_var *p = user; /* e and M, on the same tape */
  (void)t;
  return dz_sub(dz_sub(E, dz_mul(p[0], dz_sin(E))), p[1]);
}

int main(void) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var p[] = {dz_input(t, 0.0167), dz_input(t, 1)}; /* the Earth's e; M in radians */
  dz_implicit_options second = {.order = 2};          /* derivatives up to the second are wanted */
  dz_var E = dz_root(t, kepler, p, p[1], &second), g[2];
  if (dz_grad(E, 2, p, g)) return printf("%s\n", dz_tape_error(t)->message), 1;
  printf("E = %.15g\ndE/de = %.15g\ndE/dM = %.15g\n", dz_value(E), dz_value(g[0]), dz_value(g[1]));
  printf("d2E/dM2 = %.15g\n", dz_value(dz_derivative(g[1], p[1])));

  double r = 1 - .0167 * cos(dz_value(E)); /* by hand: dE/dM = 1/r */
  bool good = fabs(dz_value(g[1]) - 1 / r) < 1e-15;
  printf("%zu nodes on the tape\n", dz_tape_size(t));
  dz_tape_free(t);
  return good ? 0 : 1;
}
