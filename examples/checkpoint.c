/* The gradient of a loss after 100000 steps in the memory of a few: a damped pendulum, and how its angle at
   the end depends on where it began and on the damping. Peak memory is known before the run, and the budget
   is kept. */
#include <dz/dz.h>

#include <stdio.h>

/* One step of semi-implicit Euler: state[0] is the angle, state[1] its speed; param[0] the damping. */
static void step(dz_tape *t, size_t k, const dz_var *state, const dz_var *param, dz_var *next, void *user) {
  const double dt = *(const double *)user;
  (void)t, (void)k;
  dz_var force = dz_neg(dz_add(dz_sin(state[0]), dz_mul(param[0], state[1])));
  next[1] = dz_add(state[1], dz_mul(force, dt));
  next[0] = dz_add(state[0], dz_mul(next[1], dt));
}

static dz_var angle(dz_tape *t, const dz_var *state, const dz_var *param, void *user) {
  (void)t, (void)param, (void)user;
  return state[0];
}

int main(void) {
  double begin = 1.5, rest = 0, damping = .1, dt = 1e-4, to_begin, to_damping, value;
  dz_chain_leaf state[] = {{.values = &begin, .gradient = &to_begin}, {.values = &rest}};
  dz_chain_leaf param[] = {{.values = &damping, .gradient = &to_damping}};
  dz_chain chain = {.steps = 100000,
                    .states = 2,
                    .params = 1,
                    .state = state,
                    .param = param,
                    .step = step,
                    .loss = angle,
                    .user = &dt};
  dz_checkpoint_cost cost;
  dz_checkpoint_schedule plan;
  dz_error e;

  if (dz_checkpoint_measure(&chain, NULL, &cost, &e)) return 1;
  if (dz_checkpoint_plan(chain.steps, &cost, 1000, &plan, &e)) printf("%s\n", e.message);
  if (dz_checkpoint_plan(chain.steps, &cost, 32 * 1024, &plan, &e)) return 1;
  printf("%zu of %zu states kept, %zu bytes, %.2f evaluations of each step\n", plan.kept, plan.steps,
         plan.peak, (double)plan.evaluations / (double)plan.steps);
  if (dz_checkpoint_run(&chain, &plan, NULL, &value, &e)) return printf("%s\n", e.message), 1;
  printf("angle %.15g, slope to the first angle %.15g, to the damping %.15g\n", value, to_begin, to_damping);
  return 0;
}
