/* bench: dz beside plain C, hand-written adjoint code and ADOL-C, in one run. */
#include "measure.h"

#include "dz/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: bench [OPTION]...\n"
    "\n"
    "Gradients of six workloads: by dz (recorded and swept anew each time), by hand-written adjoint C, and "
    "by\n"
    "ADOL-C where it was found, in interleaved rounds, beside the plain function. Their gradients must "
    "agree.\n"
    "Times drift from machine to machine and from run to run: compare ratios within one run.\n"
    "\n"
    "  bench                    all of it, well under a minute\n"
    "  bench --only W3,W5       these workloads\n"
    "  bench --chain 1000000    only the chain, of a million operations\n"
    "  bench --plans            plans of the workloads, on the virtual machine and as native code\n"
    "  bench --threads N        plans run by 1 and by N threads\n"
    "  bench --map              samples side by side beside as many runs\n"
    "  bench --linear N         time and bytes per operation of tape and plan, up to N operations (100 bytes "
    "each)\n"
    "  bench --tensors          training steps of perceptrons, beside PyTorch where python3 has it\n"
    "\n"
    "  --rounds N    rounds per workload (default 15)\n"
    "  --quick       3 rounds, and a chain of a million\n"
    "  --only NAMES  of W1 to W6, separated by commas; without the chain\n"
    "  --chain N     only a chain of N operations, recorded, swept and freed on a stack of 256 KiB\n"
    "  --data FILE   W1's data (default ../shared/data/gmm_d10_K25.txt; W1 is skipped without it)\n"
    "  --tuned       ADOL-C with buffers for the whole trace and without its driver's forward sweep: the "
    "quickest\n"
    "                way that we know, instead of its manual's (trace, then the driver `gradient`)\n"
    "  --json        one line of JSON\n"
    "  --readme      the README's table, in Markdown (of plans with --plans, of networks with --tensors)\n"
    "  --help        this\n"
    "\n"
    "Status: 0 done; 1 gradients differ, or a run failed; 2 usage.\n";

static bool count_of(const char *text, double least, double most, size_t *n) {
  double value;
  size_t size = strlen(text);
  bool good = dz_number_read(text, size, &value, NULL) == size && value >= least && value <= most;
  if (good) *n = (size_t)value;
  return good && (double)*n == value;
}

static int usage(const char *what, const char *text) {
  fprintf(stderr, "bench: %s '%s' (bench --help lists the options)\n", what, text);
  return 2;
}

/* -1 to go on, or the exit status. */
static int read_options(int argc, char **argv, bench_options *o) {
  static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                          {"quick", no_argument, NULL, 'q'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"chain", required_argument, NULL, 'c'},
                                          {"data", required_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"tuned", no_argument, NULL, 't'},
                                          {"plans", no_argument, NULL, 'p'},
                                          {"threads", required_argument, NULL, 'w'},
                                          {"map", no_argument, NULL, 's'},
                                          {"linear", required_argument, NULL, 'l'},
                                          {"tensors", no_argument, NULL, 'x'},
                                          {"readme", no_argument, NULL, 'm'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
  size_t rounds = 0;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) switch (c) {
    case 'r':
      if (!count_of(optarg, 1, 10000, &rounds))
        return usage("--rounds takes a number from 1 to 10000, not", optarg);
      break;
    case 't':
#ifdef BENCH_ADOLC
      bench_adolc_tune();
#endif
      break;
    case 'q':
      o->quick = true;
      break;
    case 'o':
      o->only = optarg;
      break;
    case 'c':
      if (!count_of(optarg, 20, 4e9, &o->chain))
        return usage("--chain takes a number from 20 to 4e9, not", optarg);
      o->chain_only = true;
      break;
    case 'd':
      o->data = optarg;
      break;
    case 'p':
      o->plans = true;
      break;
    case 'x':
      o->tensors = true;
      break;
    case 'w':
      if (!count_of(optarg, 1, 256, &o->threads))
        return usage("--threads takes a number from 1 to 256, not", optarg);
      break;
    case 's':
      o->map = true;
      break;
    case 'l':
      if (!count_of(optarg, 1e5, 1e9, &o->linear))
        return usage("--linear takes a number from 1e5 to 1e9, not", optarg);
      break;
    case 'j':
      o->json = true;
      break;
    case 'm':
      o->readme = true;
      break;
    case 'h':
      return fputs(help, stdout), 0;
    case ':':
      return usage("a value is missing after", argv[optind - 1]);
    default:
      return usage("unknown option", argv[optind - 1]);
    }
  if (optind < argc) return usage("unexpected argument", argv[optind]);
  o->rounds = rounds ? (int)rounds : o->quick ? 3 : 15;
  if (!o->chain_only) o->chain = o->only || o->readme ? 0 : o->quick ? 1000000 : 10000000;
  return -1;
}

static const workload *const all[WORKLOADS] = {&bench_w1, &bench_w2, &bench_w3,
                                               &bench_w4, &bench_w5, &bench_w6};

/* Whether a name of a workload is in the list. */
static bool wanted(const char *list, const char *name) {
  for (const char *at = list; at; at = strchr(at, ',')) {
    if (*at == ',') at++;
    size_t size = strcspn(at, ",");
    if (size == strlen(name) && strncmp(at, name, size) == 0) return true;
  }
  return !list;
}

static bool names_known(const char *list) {
  for (const char *at = list; at; at = strchr(at, ',')) {
    if (*at == ',') at++;
    size_t size = strcspn(at, ",");
    if (size != 2 || at[0] != 'W' || at[1] < '1' || at[1] > '0' + WORKLOADS) return false;
  }
  return true;
}

/* W2 goes first: each of its many traces costs ADOL-C more after a trace of many variables. */
static int measure_all(const bench_options *o, bench_result *results) {
  static const int order[WORKLOADS] = {1, 0, 2, 3, 4, 5};
  int count = 0;
  for (int k = 0; k < WORKLOADS; k++) {
    const workload *w = all[order[k]];
    if (wanted(o->only, w->name)) results[order[k]] = bench_measure(order[k], w, o);
  }
  for (int i = 0; i < WORKLOADS; i++)
    if (wanted(o->only, all[i]->name)) results[count++] = results[i];
  return count;
}

int main(int argc, char **argv) {
  bench_options o = {.data = "../shared/data/gmm_d10_K25.txt"};
  bench_result results[WORKLOADS];
  bench_chain chain = {.failed = NULL};
  int count = 0, status = read_options(argc, argv, &o);
  if (status >= 0) return status;
  if (!names_known(o.only)) return usage("--only takes names from W1 to W6, not", o.only);
  if (o.plans) return bench_plans(&o, all, wanted);
  if (o.tensors) return bench_tensors(&o);
  if (o.linear) return bench_linear(o.linear);
  if (o.map) return bench_map(o.rounds);
  if (o.threads) return bench_threads(&o, all, wanted);
  if (!o.chain_only) count = measure_all(&o, results);
  if (o.chain) chain = bench_chain_run(o.chain, o.quick);
  bench_progress(NULL, 0, 0);
  bench_report(results, count, o.chain ? &chain : NULL, &o);
  status = chain.failed != NULL;
  for (int i = 0; i < count; i++)
    if (results[i].failed[0]) status = 1;
  return status;
}
