/* The main that checks an emitted function; and names that it may have. */
#include "plan/emit.h"

#include "dz/ops.h"

#include <string.h>

static void say_main(dz__emitter *e, const double *in, const double *values, const double *gradient) {
  size_t n = dz_plan_inputs(e->p), m = dz_plan_outputs(e->p);
  const char *part = e->options->single ? "1e6" : "1e9";
  const char *f = e->name, *type = e->options->single ? "float" : "double";
  dz__say(e, "\n#include <stdio.h>\n#include <stdlib.h>\n");
  dz__say_doubles(e, type, "at", in, n);
  dz__say_doubles(e, "double", "value", values, m);
  if (gradient) dz__say_doubles(e, "double", "slope", gradient, n);
  dz__say(e,
          "\n/* Within a part in %s of the largest of them, since another libm may round otherwise. */\n"
          "static int %s_agree(const char *what, const %s *x, const double *y, size_t n) {\n"
          "  double most = 0;\n  size_t k, bad = 0;\n"
          "  for (k = 0; k < n; k++) if (fabs(y[k]) > most && fabs(y[k]) < INFINITY) most = fabs(y[k]);\n"
          "  for (k = 0; k < n; k++)\n    if (!(x[k] == y[k] || (x[k] != x[k] && y[k] != y[k]) || fabs(x[k] "
          "- y[k]) <= most / %s)) {\n"
          "      if (bad++ < 5) printf(\"%%s %%lu is %%.17g, not %%.17g\\n\", what, (unsigned long)k, x[k], "
          "y[k]);\n    }\n"
          "  return bad == 0;\n}\n\n",
          part, f, type, part);
  dz__say(
      e,
      "int main(void) {\n  double *work = malloc(%s_work() * sizeof *work);\n  %s *out = malloc(%zu * sizeof "
      "*out), "
      "*grad = malloc(%zu * sizeof *grad);\n  int good;\n",
      f, type, m, n ? n : 1);
  dz__say(e, "  if (!work || !out || !grad) return 2;\n  (void)%s%s(%s%s_at, out, %s, work);\n", f,
          e->options->batch ? "_batch" : "", e->options->batch ? "1, " : "", f, gradient ? "grad" : "NULL");
  dz__say(e, "  good = %s_agree(\"output\", out, %s_value, %zu);\n", f, f, m);
  if (gradient) dz__say(e, "  good &= %s_agree(\"gradient\", grad, %s_slope, %zu);\n", f, f, n);
  dz__say(e, "  printf(good ? \"ok: %zu outputs%s agree\\n\" : \"wrong\\n\");\n", m,
          gradient ? " and the gradient" : "");
  dz__say(e, "  free(work);\n  free(out);\n  free(grad);\n  return !good;\n}\n");
}

dz_status dz__emit_test(dz__emitter *e) {
  const dz_plan *p = e->p;
  const double *given = e->options->at;
  size_t n = dz_plan_inputs(p), m = dz_plan_outputs(p), work = dz_plan_memory(p),
         all = (2 * n + m + 1) * sizeof(double);
  double *in = dz__alloc(&p->alloc, all), *room = dz__alloc(&p->alloc, work);
  dz_status status = in && room ? DZ_OK : DZ_ERR_MEMORY;
  if (!status) {
    for (size_t k = 0; k < n; k++) {
      in[k] = given ? given[k] : .5 + .25 * (double)(k % 3);
      if (e->options->single) in[k] = (float)in[k];
    }
    dz_plan_run(p, in, in + 2 * n, p->gradient ? in + n : NULL, room);
    say_main(e, in, in + 2 * n, p->gradient ? in + n : NULL);
  }
  dz__free(&p->alloc, in, all);
  dz__free(&p->alloc, room, work);
  return status;
}

/* ---- names ---- */

/* Words of C, and what the file's headers declare or the compiler knows beside the operations' own names. */
static const char *const taken[] = {
    "auto",         "break",        "case",      "char",     "const",    "continue", "default",  "do",
    "double",       "else",         "enum",      "extern",   "float",    "for",      "goto",     "if",
    "inline",       "int",          "long",      "register", "restrict", "return",   "short",    "signed",
    "sizeof",       "static",       "struct",    "switch",   "typedef",  "union",    "unsigned", "void",
    "volatile",     "while",        "bool",      "true",     "false",    "asm",      "typeof",   "main",
    "size_t",       "ptrdiff_t",    "wchar_t",   "memcpy",   "memmove",  "memset",   "memcmp",   "memchr",
    "strcpy",       "strncpy",      "strcat",    "strncat",  "strcmp",   "strncmp",  "strcoll",  "strxfrm",
    "strchr",       "strrchr",      "strcspn",   "strspn",   "strpbrk",  "strstr",   "strtok",   "strerror",
    "strlen",       "malloc",       "calloc",    "realloc",  "free",     "abort",    "exit",     "abs",
    "labs",         "llabs",        "div",       "ldiv",     "lldiv",    "rand",     "srand",    "system",
    "getenv",       "qsort",        "bsearch",   "atexit",   "atof",     "atoi",     "atol",     "printf",
    "puts",         "putchar",      "remove",    "rename",   "fma",      "fdim",     "logb",     "ilogb",
    "scalb",        "scalbn",       "scalbln",   "ldexp",    "frexp",    "modf",     "nan",      "nearbyint",
    "nextafter",    "nexttoward",   "remainder", "remquo",   "rint",     "lrint",    "llrint",   "lround",
    "llround",      "gamma",        "j0",        "j1",       "jn",       "y0",       "y1",       "yn",
    "drem",         "significand",  "exp10",     "pow10",    "sincos",   "signgam",  "finite",   "isnan",
    "isinf",        "MASK",         "LD",        "ST",       "NULL",     "INFINITY", "NAN",      "HUGE_VAL",
    "EXIT_SUCCESS", "EXIT_FAILURE", "RAND_MAX",  "stdin",    "stdout",   "stderr",   "errno",    "linux",
    "unix"};

static bool is_taken(const char *s) {
  size_t n = strlen(s);
  for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
    if (strcmp(s, taken[k]) == 0) return true;
  for (int f = 0; f < DZ__F_POINTWISE_END; f++) {
    size_t size = strlen(dz__ops[f].name);
    bool typed = n == size + 1 && strchr("fl", s[n - 1]); /* sinf, sinl */
    if (strncmp(s, dz__ops[f].name, size) == 0 && (n == size || typed)) return true;
  }
  return false;
}

bool dz__is_function_name(const char *s) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                    more[] = "0123456789_";
  size_t n = strlen(s);
  if (n == 0 || n > 100 || !strchr(letters, s[0]) || is_taken(s)) return false;
  for (size_t k = 0; k < n; k++)
    if (!strchr(letters, s[k]) && !strchr(more, s[k])) return false;
  return true;
}
