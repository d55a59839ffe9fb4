/* What ranks do together, by MPI. */
#include "cli/ranks_calls.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Seconds that a rank may stay away once all were told to stop: in a step, and when the first of them saves.
 */
static const double patience = .1, much_patience = 60;

static const volatile sig_atomic_t *told_to_stop;
static size_t count;
static double *room; /* of sum: what the others send of this rank's part, and all parts */
static size_t room_for;

static bool begin(size_t *ranks, size_t *mine, const volatile sig_atomic_t *stopped) {
  int size, rank;
  if (MPI_Init(NULL, NULL) != MPI_SUCCESS) return false;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  *ranks = count = (size_t)size;
  *mine = (size_t)rank;
  told_to_stop = stopped;
  return true;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Whether all the others have done their part. A rank that was killed never does; what has started the ranks
   then tells those that are left to stop. */
static bool finished(MPI_Request *request, double most) {
  double since = 0;
  for (int done = 0;;) {
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (done) return true;
    sched_yield();
    if (!*told_to_stop) continue;
    if (since == 0) since = now();
    if (now() - since > most) return false;
  }
}

/* Rank k adds up part k of all ranks, in their order, and gives the sum to all. */
static bool sum_part(double *x, size_t n, size_t part) {
  MPI_Request request;
  double *theirs = room, *sums = room + count * part;
  memcpy(sums, x, n * sizeof *x);
  memset(sums + n, 0, (count * part - n) * sizeof *x);
  MPI_Ialltoall(sums, (int)part, MPI_DOUBLE, theirs, (int)part, MPI_DOUBLE, MPI_COMM_WORLD, &request);
  if (!finished(&request, patience)) return false;
  for (size_t k = 1; k < count; k++)
    for (size_t i = 0; i < part; i++) theirs[i] += theirs[k * part + i];
  MPI_Iallgather(theirs, (int)part, MPI_DOUBLE, sums, (int)part, MPI_DOUBLE, MPI_COMM_WORLD, &request);
  if (!finished(&request, patience)) return false;
  memcpy(x, sums, n * sizeof *x);
  return true;
}

static bool sum(double *x, size_t n) {
  enum { MOST = 1 << 24 }; /* numbers at a time: MPI counts in int */
  size_t most = (n < MOST ? n : MOST) + count;
  if (room_for < most) {
    double *larger = realloc(room, 2 * (most + count) * sizeof *room);
    if (larger == NULL) return false;
    room = larger;
    room_for = most;
  }
  for (size_t from = 0; from < n; from += MOST) {
    size_t size = n - from < MOST ? n - from : MOST;
    if (!sum_part(x + from, size, (size + count - 1) / count)) return false;
  }
  return true;
}

static bool meet(void) {
  MPI_Request request;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  return finished(&request, much_patience);
}

static void end(void) {
  free(room);
  MPI_Finalize();
}

extern const ranks_calls dz_ranks;
const ranks_calls dz_ranks = {begin, sum, meet, end};
