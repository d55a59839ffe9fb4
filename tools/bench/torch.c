/* PyTorch in a process of its own, which answers line for line: torch_step.py. */
#define _POSIX_C_SOURCE 200809L
#include "tensors.h"

#include "dz/text.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void bench_torch_close(bench_torch *p) {
  if (p->to) fclose(p->to);
  if (p->from) fclose(p->from);
  if (p->child > 0) waitpid(p->child, NULL, 0);
}

static void start(bench_torch *p, const char *python) {
  int down[2], up[2];
  if (pipe(down) || pipe(up)) return;
  p->child = fork();
  if (p->child == 0) {
    dup2(down[0], 0);
    dup2(up[1], 1);
    close(down[1]);
    close(up[0]);
    execlp(python, python, BENCH_TORCH, (char *)NULL);
    _exit(1);
  }
  close(down[0]);
  close(up[1]);
  p->to = fdopen(down[1], "w");
  p->from = fdopen(up[0], "r");
  if (!p->from || !fgets(p->version, sizeof p->version, p->from) || strncmp(p->version, "none", 4) == 0)
    p->version[0] = 0;
  p->version[strcspn(p->version, "\n")] = 0;
}

/* The first python3 of the path may not be the one that has the system's packages. */
void bench_torch_open(bench_torch *p) {
  static const char *const pythons[] = {"python3", "/usr/bin/python3"};
  signal(SIGPIPE, SIG_IGN); /* should it end before we do */
  for (int k = 0; k < 2 && !p->version[0]; k++) {
    bench_torch_close(p);
    *p = (bench_torch){.to = NULL};
    start(p, pythons[k]);
  }
}

double bench_torch_time(bench_torch *p, const size_t *layer, size_t batch, bool single, double seconds) {
  char line[64];
  double value;
  if (!p->version[0]) return NAN;
  for (int k = 0; layer[k]; k++) fprintf(p->to, "%s%zu", k ? "," : "", layer[k]);
  fprintf(p->to, " %zu %s ", batch, single ? "float" : "double");
  dz_number_write(seconds, 0, line);
  fprintf(p->to, "%s\n", line);
  fflush(p->to);
  if (!fgets(line, sizeof line, p->from)) return p->version[0] = 0, NAN;
  size_t size = strcspn(line, "\n");
  return dz_number_read(line, size, &value, NULL) == size ? value : NAN;
}
