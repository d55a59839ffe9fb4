/* accuracy: every value and slope of the table of operations against MPFR. */
#include "accuracy.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: accuracy [OPTION]...\n"
    "\n"
    "Errors of every pointwise operation, values and slopes, in ULP against MPFR: half of the points are of "
    "all\n"
    "sizes from 1e-300 to 1e300, the others beside thresholds, zeros, poles and overflow, and of moderate "
    "size.\n"
    "Allowed are 4 ULP, and 8 in the gamma class.\n"
    "\n"
    "  accuracy                     all operations\n"
    "  accuracy --only pow,tanh     these\n"
    "  accuracy --readme            the tables of the README, in Markdown\n"
    "\n"
    "  --points N    points for each operation, 100 or more (default 20000)\n"
    "  --seed N      other points (default 0)\n"
    "  --only NAMES  separated by commas\n"
    "  --json        one line of JSON\n"
    "  --readme      Markdown\n"
    "  --help        this\n"
    "\n"
    "Status: 0 all within bounds; 1 not; 2 usage.\n";

typedef struct options {
  size_t points, seed;
  const char *only;
  style style;
} options;

static int usage(const char *what, const char *text) {
  fprintf(stderr, "accuracy: %s '%s' (accuracy --help lists the options)\n", what, text);
  return 2;
}

static bool count_of(const char *text, double least, size_t *n) {
  double value;
  const size_t size = strlen(text);
  if (dz_number_read(text, size, &value, NULL) != size || !(value >= least && value <= 1e9)) return false;
  *n = (size_t)value;
  return (double)*n == value;
}

/* -1 to go on, or the exit status. */
static int read_options(int argc, char **argv, options *o) {
  static const struct option all[] = {{"points", required_argument, NULL, 'p'},
                                      {"seed", required_argument, NULL, 's'},
                                      {"only", required_argument, NULL, 'o'},
                                      {"json", no_argument, NULL, 'j'},
                                      {"readme", no_argument, NULL, 'r'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", all, NULL)) != -1;) switch (c) {
    case 'p':
      if (!count_of(optarg, 100, &o->points))
        return usage("--points takes a number from 100 to 1e9, not", optarg);
      break;
    case 's':
      if (!count_of(optarg, 0, &o->seed)) return usage("--seed takes a number from 0 to 1e9, not", optarg);
      break;
    case 'o':
      o->only = optarg;
      break;
    case 'j':
      o->style = JSON;
      break;
    case 'r':
      o->style = README;
      break;
    case 'h':
      return fputs(help, stdout), 0;
    case ':':
      return usage("a value is missing after", argv[optind - 1]);
    default:
      return usage("unknown option", argv[optind - 1]);
    }
  return optind < argc ? usage("unexpected argument", argv[optind]) : -1;
}

static const row *row_of(const char *name, size_t size) {
  for (size_t i = 0; i < accuracy_row_count; i++)
    if (strlen(accuracy_rows[i].name) == size && strncmp(accuracy_rows[i].name, name, size) == 0)
      return &accuracy_rows[i];
  return NULL;
}

/* Whether the name is in the list; all are in an absent one. */
static bool wanted(const char *list, const char *name) {
  if (!list) return true;
  for (size_t size; *list; list += size + (list[size] == ',')) {
    size = strcspn(list, ",");
    if (strlen(name) == size && strncmp(list, name, size) == 0) return true;
  }
  return false;
}

static bool names_known(const char *list) {
  for (size_t size; list && *list; list += size + (list[size] == ',')) {
    size = strcspn(list, ",");
    if (!row_of(list, size)) return false;
  }
  return true;
}

/* No operation of dz's table is without a row. */
static bool complete(void) {
  for (size_t i = 0; i < dz_op_count(); i++) {
    const dz_op_info op = dz_op_at(i);
    if (!op.value || row_of(op.name, strlen(op.name))) continue;
    fprintf(stderr, "accuracy: no reference for %s: rows.c lacks it\n", op.name);
    return false;
  }
  return true;
}

static void progress(const char *name) {
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K%s", name);
}

int main(int argc, char **argv) {
  options o = {.points = 20000};
  const int status = read_options(argc, argv, &o);
  if (status >= 0) return status;
  if (!names_known(o.only)) return usage("--only takes names of operations, not", o.only);
  result *results = calloc(accuracy_row_count, sizeof *results);
  size_t count = 0;
  bool good = results && complete();
  mpfr_set_emin(mpfr_get_emin_min());
  mpfr_set_emax(mpfr_get_emax_max());
  for (size_t i = 0; results && i < accuracy_row_count; i++) {
    if (!wanted(o.only, accuracy_rows[i].name)) continue;
    progress(accuracy_rows[i].name);
    results[count] = measure(&accuracy_rows[i], o.points, o.seed);
    good = good && holds(&results[count++]);
  }
  progress("");
  if (results) report(results, count, o.style);
  free(results);
  return good ? 0 : 1;
}
