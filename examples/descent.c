/* Document 001: plain gradient descent beside descent with momentum, down the long valley L = (x^2 + 30
   y^2)/2, whose slope is 30 times steeper across than along. Both take the same rate. Plain descent must keep
   its rate small for the steep walls and so creeps along the floor; momentum gathers speed there, and what it
   gathers across cancels. Prints the loss at each step as a table; status 0 when momentum is ahead at the
   end. */
#include <dz/dz.h>

#include <stdio.h>

enum { STEPS = 80 };

typedef struct descent {
  dz_tape *t;
  dz_var x, y;
  dz_mark start; /* behind the leaves */
  dz_optimiser *o;
} descent;

static descent begin(const char *method) {
  descent d = {.t = dz_tape_new(NULL)};
  dz_optimiser_options how;
  d.x = dz_param(d.t, -4);
  d.y = dz_param(d.t, 1);
  d.start = dz_tape_mark(d.t);
  dz_optimiser_defaults(method, &how);
  how.rate = .03;
  how.momentum = .8;
  d.o = dz_optimiser_new(&how, 2, NULL, NULL);
  return d;
}

/* The loss where it stands, and one step from there. */
static double step(descent *d) {
  dz_tape_rewind(d->t, d->start);
  dz_var L = dz_div(dz_add(dz_mul(d->x, d->x), dz_mul(30, dz_mul(d->y, d->y))), 2);
  double loss = dz_value(L);
  dz_backward(L);
  dz_optimiser_apply(d->o, loss, 2, (dz_var[]){d->x, d->y});
  return loss;
}

static dz_status end(descent *d) {
  dz_status status = d->o ? dz_tape_error(d->t)->status : DZ_ERR_MEMORY;
  dz_optimiser_free(d->o);
  dz_tape_free(d->t);
  return status;
}

int main(void) {
  descent plain = begin("sgd"), momentum = begin("momentum");
  double a = 0, b = 0;
  printf("step,plain,momentum\n");
  for (int k = 0; k <= STEPS; k++) {
    char text[2][32];
    a = step(&plain);
    b = step(&momentum);
    dz_number_write(a, 6, text[0]);
    dz_number_write(b, 6, text[1]);
    printf("%d,%s,%s\n", k, text[0], text[1]);
  }
  dz_status p = end(&plain), m = end(&momentum);
  return p != DZ_OK || m != DZ_OK || !(b < a);
}
