/* Several processes that train together: what mpirun -np N dz train starts. Each of them is a rank, 0 to N-1.
   Everything is told and written by rank 0. */
#ifndef DZ_CLI_RANKS_H
#define DZ_CLI_RANKS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Joins the others when mpirun has started this process; otherwise there is one rank, MPI is not touched, and
   the functions below cost nothing. `stopped` is where a signal to stop shows. */
void ranks_begin(const volatile sig_atomic_t *stopped);

size_t ranks_count(void);
size_t ranks_mine(void);
bool ranks_first(void);

/* x[0..n) becomes the sum over all ranks, in the order of the ranks: the same bits in each of them, and in
   each run with so many. False when a rank is lost. Cost: each number travels twice, however many ranks there
   are. */
bool ranks_sum(double *x, size_t n);

/* Returns when all ranks have come here; false when one is lost. */
bool ranks_wait(void);

/* Leaves the others, when all have come here, and ends the program. */
_Noreturn void ranks_quit(int status);

#endif
