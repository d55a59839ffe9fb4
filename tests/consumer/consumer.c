/* A program that uses dz, printing every bit of what it gets: compiled in many ways by tests/consumer/run, it
   prints the same. Graphs of the operations that are recorded inline, of numbers that round, and literals
   among them. */
#include "dz/dz.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t state = 1;

static unsigned pick(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

static void print(const char *what, double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  printf("%s %016llx\n", what, (unsigned long long)bits);
}

/* One call at a time: in which order a call's operands are computed is the compiler's choice. */
static dz_var next(const dz_var *x, unsigned n) {
  const dz_var u = x[pick(n)], v = x[n - 1], w = x[pick(n)];
  const unsigned which = pick(9);
  dz_var z = which == 0 ? dz_mul(v, w) : which == 1 ? dz_mul(u, v) : u;
  if (which == 0) return dz_add(u, z);
  if (which == 1) return dz_sub(z, dz_mul(u, v));
  if (which == 2) return dz_sub(dz_add(u, 1e9), 1e9);
  if (which == 3) return dz_div(u, 3);
  if (which == 4) return dz_div(u, dz_add(dz_mul(v, v), .1));
  if (which == 5) return dz_mul(.1, dz_sub(.3, v));
  if (which == 6) return dz_neg(dz_sub(u, v));
  z = dz_add(u, v);
  return which == 7 ? dz_div(z, dz_add(dz_mul(w, w), .7)) : dz_add(z, w);
}

/* What is special: infinities, NaN, the two zeros. */
static void specials(dz_tape *t) {
  const dz_var zero = dz_input(t, 0), one = dz_input(t, 1);
  print("-0", dz_value(dz_neg(zero)));
  print("inf", dz_value(dz_div(one, zero)));
  const dz_var far = dz_div(one, zero);
  print("nan", dz_value(dz_sub(far, far)));
  print("0 0", dz_value(dz_add(dz_neg(zero), 0)));
  print("sub", dz_value(dz_sub(zero, zero)));
}

int main(void) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_mark start = dz_tape_mark(t);
  specials(t);
  for (int graph = 0; graph < 300; graph++) {
    dz_var x[40];
    dz_tape_rewind(t, start);
    for (int i = 0; i < 4; i++) x[i] = dz_input(t, (pick(1000) + 1) * .15);
    for (unsigned i = 4; i < 40; i++) x[i] = next(x, i);
    dz_var y = dz_num(0);
    for (int i = 4; i < 40; i++) y = dz_add(y, x[i]);
    if (dz_backward(y) != DZ_OK) return 1;
    print("value", dz_value(y));
    for (int i = 0; i < 40; i++) print("node", dz_value(x[i]));
    for (int i = 0; i < 4; i++) print("slope", dz_adjoint(x[i]));
  }
  dz_tape_free(t);
  return 0;
}
