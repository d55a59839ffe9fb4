/* Between dz and the module that knows MPI, which is loaded only where mpirun has started dz: who is not
   started so waits for no library of MPI. */
#ifndef DZ_CLI_RANKS_CALLS_H
#define DZ_CLI_RANKS_CALLS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* See ranks.h. Each gives false when a rank is lost, or memory is out. */
typedef struct ranks_calls {
  bool (*begin)(size_t *count, size_t *mine, const volatile sig_atomic_t *stopped);
  bool (*sum)(double *x, size_t n);
  bool (*wait)(void);
  void (*end)(void);
} ranks_calls;

/* The module's one symbol. */
#define RANKS_CALLS "dz_ranks"

#endif
