/* Document 002's classifier through the C API: two inputs, four sigmoid units, three classes, cross-entropy;
   trained on three clouds of points by gradient descent with momentum. Prints the error and the share of
   points that it gets right. */
#include <dz/dz.h>

#include <stdint.h>
#include <stdio.h>

enum { N = 60, HIDDEN = 4, CLASSES = 3, TURNS = 300 };

static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) / 9007199254740992.0;
}

static void make_points(double *x, double *t) {
  static const double centre[3][2] = {{-1, 0}, {2, 0}, {.5, 2}};
  uint64_t state = 1;
  for (int i = 0; i < N; i++) {
    int k = i % CLASSES;
    for (int j = 0; j < 2; j++) x[2 * i + j] = centre[k][j] + uniform(&state) + uniform(&state) - 1;
    t[i] = k;
  }
}

/* One step of momentum: velocity <- 0.9 velocity - rate * gradient; weights <- weights + velocity (document
 * 001). */
static void step(dz_var w, double *velocity, double rate) {
  double values[64];
  size_t n = dz_size(w);
  for (size_t i = 0; i < n; i++) {
    velocity[i] = .9 * velocity[i] - rate * dz_adjoints(w)[i];
    values[i] = dz_values(w)[i] + velocity[i];
  }
  dz_set(w, values, n);
}

static double share_right(dz_var y, const double *t) {
  const double *p = dz_values(y);
  int right = 0;
  for (int i = 0; i < N; i++, p += CLASSES) {
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
      if (p[k] > p[best]) best = k;
    right += best == (int)t[i];
  }
  return (double)right / N;
}

int main(void) {
  double points[2 * N], classes[N], start[CLASSES * HIDDEN], velocity[4][64] = {{0}};
  uint64_t state = 2;
  make_points(points, classes);

  dz_tape *t = dz_tape_new(NULL);
  dz_var X = dz_leaf_tensor(t, DZ_ROLE_DATA, 2, (size_t[]){N, 2}, points);
  dz_var T = dz_leaf_tensor(t, DZ_ROLE_DATA, 1, (size_t[]){N}, classes);
  for (int i = 0; i < CLASSES * HIDDEN; i++) start[i] = 2 * uniform(&state) - 1;
  dz_var w = dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){2, HIDDEN}, start);
  dz_var wb = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){HIDDEN}, NULL);
  dz_var v = dz_leaf_tensor(t, DZ_ROLE_PARAM, 2, (size_t[]){HIDDEN, CLASSES}, start);
  dz_var vb = dz_leaf_tensor(t, DZ_ROLE_PARAM, 1, (size_t[]){CLASSES}, NULL);
  dz_var params[] = {w, wb, v, vb};

  dz_mark begin = dz_tape_mark(t);
  double share = 0;
  for (int turn = 0; turn <= TURNS; turn++) {
    dz_var z = dz_sigmoid(dz_add(dz_matmul(X, w), wb));
    dz_var a = dz_add(dz_matmul(z, v), vb);
    dz_var E = dz_cross_entropy(a, T, -1);
    dz_backward(E);
    share = share_right(a, classes);
    if (turn % 100 == 0) {
      char text[2][32];
      dz_number_write(dz_value(E), 4, text[0]);
      dz_number_write(100 * share, 3, text[1]);
      printf("turn %3d   E = %-8s %s %% right\n", turn, text[0], text[1]);
    }
    dz_tape_rewind(t, begin);
    for (int k = 0; k < 4; k++) step(params[k], velocity[k], .3);
  }
  const dz_error *e = dz_tape_error(t);
  if (e->status) fprintf(stderr, "classifier: %s: %s (%s:%d)\n", e->op, e->message, e->file, e->line);
  dz_status status = e->status;
  dz_tape_free(t);
  return status != DZ_OK || share < .95;
}
