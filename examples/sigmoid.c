/* The sigmoid as a graph: its gradient by the reverse sweep beside the textbook's z(1 - z), and how far they
   are apart.

     cc sigmoid.c $(pkg-config --cflags --libs dz) -o sigmoid && ./sigmoid          (at x = 1)
     ./sigmoid 3.5                                                                  (elsewhere)

   Document 004 draws z = a^2 / (a^2 + e^(a x)) with a = -1, which is 1 / (1 + e^-x). */
#include <dz/dz.h>

#include <stdio.h>
#include <string.h>

static void print(const char *what, double value) {
  char text[32];
  dz_number_write(value, 0, text);
  printf("%-24s %s\n", what, text);
}

/* Doubles in order are integers in order: the distance of two positive ones in units of the last place. */
static long long ulps(double a, double b) {
  long long i, j;
  memcpy(&i, &a, sizeof i);
  memcpy(&j, &b, sizeof j);
  return i > j ? i - j : j - i;
}

int main(int argc, char **argv) {
  double at = 1;
  if (argc > 1) {
    const char *text = argv[1];
    bool minus = *text == '-';
    dz_number_kind kind;
    size_t used = dz_number_read(text + minus, strlen(text + minus), &at, &kind);
    if (used == 0 || text[minus + used]) {
      fprintf(stderr, "sigmoid: a number was expected, '%s' came\n", text);
      return 2;
    }
    if (minus) at = -at;
  }

  dz_tape *t = dz_tape_new(NULL);
  dz_var a = dz_input(t, -1), x = dz_input(t, at);
  dz_var square = dz_pow(a, 2);
  dz_var z = dz_div(square, dz_add(square, dz_exp(dz_mul(a, x))));
  if (dz_backward(z) != DZ_OK) {
    fprintf(stderr, "sigmoid: %s\n", dz_tape_error(t)->message);
    return 1;
  }
  double value = dz_value(z), graph = dz_adjoint(x), textbook = value * (1 - value);
  print("x", at);
  print("z", value);
  print("dz/dx by the graph", graph);
  print("z(1-z)", textbook);
  printf("%-24s %lld ULP\n", "difference", ulps(graph, textbook));
  print("dz/da by the graph", dz_adjoint(a));
  print("-(x+2) z(1-z)", -(at + 2) * textbook);
  dz_tape_free(t);
  return 0;
}
