#define _POSIX_C_SOURCE 200809L
#include "ranks.h"

#include "buffer.h"
#include "message.h"
#include "ranks_calls.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_MPI
#include <dlfcn.h>
#endif

static size_t count = 1, mine;
static const ranks_calls *calls; /* NULL: one rank */

size_t ranks_count(void) { return count; }
size_t ranks_mine(void) { return mine; }
bool ranks_first(void) { return mine == 0; }

/* What the launchers of Open MPI, MPICH and their kin tell those that they start: how many there are. */
static size_t launched(void) {
  static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    if (text != NULL && text[0] >= '0' && text[0] <= '9') return (size_t)strtoul(text, NULL, 10);
  }
  return 1;
}

#ifdef HAVE_MPI
/* Beside the program, where it was built; else where it is installed. Open MPI's own modules look for its
   symbols among those that are global. */
static void *open_module(void) {
  char program[4096];
  ssize_t size = readlink("/proc/self/exe", program, sizeof program);
  buffer path = {0};
  while (size > 0 && program[size - 1] != '/') size--;
  if (size > 0) buffer_add(&path, program, (size_t)size);
  buffer_add(&path, MPI_MODULE, sizeof MPI_MODULE);
  void *module = dlopen(path.text, RTLD_NOW | RTLD_GLOBAL);
  buffer_free(&path);
  return module != NULL ? module : dlopen(MPI_FOLDER "/" MPI_MODULE, RTLD_NOW | RTLD_GLOBAL);
}

static const ranks_calls *find_calls(void) {
  void *module = open_module();
  if (module == NULL) die(STATUS_FILE, "MPI cannot be used: %s", dlerror());
  return dlsym(module, RANKS_CALLS);
}
#else
static const ranks_calls *find_calls(void) {
  die(STATUS_USAGE,
      "this dz was built without MPI, each of these %zu processes would train alone: install MPI (apt "
      "install "
      "libopenmpi-dev openmpi-bin) and build again",
      launched());
}
#endif

void ranks_begin(const volatile sig_atomic_t *stopped) {
  if (launched() < 2) return;
  calls = find_calls();
  if (calls == NULL || !calls->begin(&count, &mine, stopped)) die(STATUS_FILE, "MPI does not start");
  if (mine > 0) message_from(mine);
}

bool ranks_sum(double *x, size_t n) { return calls == NULL || calls->sum(x, n); }
bool ranks_wait(void) { return calls == NULL || calls->wait(); }

/* What MPI keeps to itself is nobody's loss: no one looks for leaks after this. */
_Noreturn void ranks_quit(int status) {
  if (ranks_wait() && calls != NULL) calls->end();
  quit(status);
}
