/* Document 004's function f(x, y, z) = x^2 y + y / (z + x) + z^x and its partial derivatives, once by C calls
   and once from text on the same tape: the two agree to the last bit, since both are the same operations. */
#include <dz/dz.h>

#include <stdio.h>

static void print(const char *what, double by_calls, double by_text) {
  char a[32], b[32];
  dz_number_write(by_calls, 0, a);
  dz_number_write(by_text, 0, b);
  printf("%-6s %-20s %-20s %s\n", what, a, b, by_calls == by_text ? "same" : "DIFFERENT");
}

int main(void) {
  dz_tape *t = dz_tape_new(NULL);
  dz_var x = dz_input(t, 1), y = dz_input(t, 1), z = dz_input(t, 2);
  dz_set_name(x, "x");
  dz_set_name(y, "y");
  dz_set_name(z, "z");

  dz_var f = dz_add(dz_add(dz_mul(dz_pow(x, 2), y), dz_div(y, dz_add(z, x))), dz_pow(z, x));
  dz_backward(f);
  double by_calls[] = {dz_value(f), dz_adjoint(x), dz_adjoint(y), dz_adjoint(z)};

  dz_var g = dz_expr(t, "x^2*y + y/(z+x) + z^x");
  dz_backward(g);
  double by_text[] = {dz_value(g), dz_adjoint(x), dz_adjoint(y), dz_adjoint(z)};

  if (dz_tape_error(t)->status) {
    fprintf(stderr, "document004: %s\n", dz_tape_error(t)->message);
    return 1;
  }
  const char *const what[] = {"f", "df/dx", "df/dy", "df/dz"};
  bool same = true;
  for (int i = 0; i < 4; i++) {
    print(what[i], by_calls[i], by_text[i]);
    same &= by_calls[i] == by_text[i];
  }
  dz_tape_free(t);
  return same ? 0 : 1;
}
