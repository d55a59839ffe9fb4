/* Loops drawn by chance, of which some are rare; of rare.h. */
#ifndef DZ_TESTS_PLAN_RARE_DRAWN_H
#define DZ_TESTS_PLAN_RARE_DRAWN_H

#include "drawn.h"
#include "subject.h"
#include "suite.h"

/* Steps that carry up to four numbers, of which each may be that of the step before or of one further back.
 */
static void draw_steps(subject *s, uint64_t seed, int most) {
  enum { STATES = 4, FAR = 3, PARAMS = 4 };
  static drawn_body b;
  static dz_var state[FAR][STATES], kept[100];
  dice d = {seed};
  const int steps = 9 + below(&d, 60), states = 1 + below(&d, STATES), params = below(&d, PARAMS),
            streams = below(&d, DRAWN_STREAMS), far = below(&d, 3) ? 1 : 1 + below(&d, FAR);
  drawn_stream stream[DRAWN_STREAMS];
  dz_var p[PARAMS], sum = dz_num(0);
  for (int k = 0; k < streams; k++)
    stream[k] = draw_stream(&d, (below(&d, 3) ? inputs : data)(s, stream_room(steps)));
  for (int k = 0; k < params; k++) p[k] = below(&d, 8) ? input(s, .3 + .1 * k) : dz_sin(input(s, .4));
  for (int k = 0; k < states; k++) {
    state[0][k] = below(&d, 3) ? input(s, .2 + .1 * k) : below(&d, 2) ? dz_sin(input(s, .3)) : dz_num(.5);
    for (int j = 1; j < far; j++) state[j][k] = state[0][k];
  }
  const int reads = states * far + params + streams + 1, smooth = below(&d, 2), use = below(&d, 4);
  draw_lines(&b, &d, reads, 1 + below(&d, most));
  int next[STATES];
  for (int k = 0; k < states; k++)
    next[k] = below(&d, 6) ? reads + b.lines - 1 - below(&d, b.lines < 4 ? b.lines : 4)
                           : below(&d, reads + b.lines);
  for (int l = 0; l < steps; l++) {
    int n = 0;
    for (int j = 0; j < far; j++)
      for (int k = 0; k < states; k++) b.at[n++] = state[j][k];
    for (int k = 0; k < params; k++) b.at[n++] = p[k];
    for (int k = 0; k < streams; k++) b.at[n++] = of_stream(&stream[k], l, steps);
    b.at[n++] = dz_num(.01 * (l * 7 % 11));
    kept[l] = work_out(&b);
    memmove(state[1], state[0], (FAR - 1) * sizeof *state);
    for (int k = 0; k < states; k++) state[0][k] = smooth ? dz_tanh(b.at[next[k]]) : b.at[next[k]];
    if (use == 1) sum = dz_add(sum, kept[l]);
    if (use == 2) sum = dz_add(sum, dz_mul(state[0][0], state[0][states - 1]));
  }
  for (int l = 0; l < steps && use == 3; l++) sum = dz_add(sum, dz_mul(kept[l], kept[(l * 7 + 1) % steps]));
  for (int k = 0; k < states; k++) sum = dz_add(sum, dz_mul(state[0][k], .3));
  add_to(s, dz_tanh(sum));
}

static void draw_lanes(subject *s, uint64_t seed, int most) {
  enum { PARAMS = 4, LANES = 260 };
  static const int sizes[] = {8, 9, 16, 17, 40, 64, 100, 250};
  static drawn_body b;
  static dz_var z[LANES];
  dice d = {seed};
  const int lanes = sizes[below(&d, 8)], params = below(&d, PARAMS),
            streams = 1 + below(&d, DRAWN_STREAMS - 1), terms = below(&d, 3) ? 0 : below(&d, 14),
            shared = below(&d, 2), use = below(&d, 3);
  drawn_stream stream[DRAWN_STREAMS];
  dz_var p[PARAMS], sum = dz_num(0), *all = NULL;
  for (int k = 0; k < streams; k++) {
    if (!k || !shared) all = (below(&d, 5) ? inputs : data)(s, stream_room(lanes));
    stream[k] = draw_stream(&d, all);
  }
  for (int k = 0; k < params; k++) p[k] = below(&d, 4) ? input(s, .3 + .1 * k) : dz_sin(input(s, .4));
  const int reads = params + streams + 1;
  draw_lines(&b, &d, reads, 1 + below(&d, most));
  int term[14][3];
  for (int k = 0; k < terms; k++)
    for (int j = 0; j < 3; j++) term[k][j] = below(&d, j ? reads + b.lines : 4);
  for (int l = 0; l < lanes; l++) {
    int n = 0;
    for (int k = 0; k < params; k++) b.at[n++] = p[k];
    for (int k = 0; k < streams; k++) b.at[n++] = of_stream(&stream[k], l, lanes);
    b.at[n++] = dz_num(.01 * (l * 7 % 11));
    z[l] = work_out(&b);
    for (int k = 0; k < terms; k++) {
      const dz_var x = b.at[term[k][1]], y = term[k][0] ? dz_mul(x, b.at[term[k][2]]) : x;
      z[l] = term[k][0] == 3 ? dz_sub(z[l], y) : dz_add(z[l], y);
    }
    if (use) sum = dz_add(sum, dz_sin(z[l]));
  }
  for (int l = 0; l < lanes && !use; l++)
    sum = dz_add(sum, dz_exp(dz_mul(dz_tanh(z[l]), z[(l + 1) % lanes])));
  add_to(s, dz_tanh(sum));
}

static void drawn_steps(subject *s) {
  static const uint64_t seeds[] = {6, 14, 34, 119, 198};
  for (size_t k = 0; k < COUNT(seeds); k++) draw_steps(s, seeds[k], 14);
}
static void drawn_wires(subject *s) { draw_steps(s, 13, 14), draw_steps(s, 9, 14); }
static void drawn_states(subject *s) { draw_steps(s, 160, 14), draw_steps(s, 250, 14); }
static void drawn_copies(subject *s) { draw_steps(s, 298, 14), draw_steps(s, 17, 60); }
static void drawn_long_steps(subject *s) {
  static const uint64_t seeds[] = {23, 40, 41};
  for (size_t k = 0; k < COUNT(seeds); k++) draw_steps(s, seeds[k], 60);
}
static void drawn_lanes(subject *s) {
  static const uint64_t seeds[] = {20, 85, 103};
  for (size_t k = 0; k < COUNT(seeds); k++) draw_lanes(s, seeds[k], 12);
}

#endif
