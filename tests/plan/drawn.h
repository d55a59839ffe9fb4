/* Loops and recurrences whose formulas are drawn by chance, to be recorded on a tape: rare_drawn.h has those
   that meet something rare. */
#ifndef DZ_TESTS_PLAN_DRAWN_H
#define DZ_TESTS_PLAN_DRAWN_H

#include "dice.h"
#include "dz/dz.h"

static int below(dice *d, int n) { return (int)(roll(d) % (uint64_t)n); }

/* One line of a formula: an operation of lines before it. */
typedef struct drawn_line {
  int op, of[3];
} drawn_line;

enum { DRAWN_OPS = 20, DRAWN_LINES = 512, DRAWN_STREAMS = 4 };

static dz_var drawn_operation(int op, dz_var a, dz_var b, dz_var c) {
  const dz_var positive = dz_add(dz_mul(b, b), 1);
  switch (op) {
  case 0:
  case 1:
    return dz_mul(a, b);
  case 2:
    return dz_add(a, b);
  case 3:
    return dz_sub(a, b);
  case 4:
    return dz_sin(a);
  case 5:
    return dz_cos(a);
  case 6:
    return dz_tanh(a);
  case 7:
    return dz_exp(dz_mul(a, .1));
  case 8:
    return dz_div(a, positive);
  case 9:
    return dz_fmax(a, b);
  case 10:
    return dz_where(dz_gt(a, c), a, b);
  case 11:
    return dz_neg(a);
  case 12:
    return dz_holds(dz_gt(a, b)) ? a : b;
  case 13:
    return dz_atan2(a, positive);
  case 14:
    return dz_stop(a);
  case 15:
    return dz_fabs(a);
  case 16:
    return dz_log(positive);
  case 17:
    return dz_pow(positive, a);
  case 18:
    return dz_mul(a, a);
  default:
    return dz_sqrt(positive);
  }
}

/* What a formula reads: values first, then its own lines. */
typedef struct drawn_body {
  drawn_line line[DRAWN_LINES];
  int reads, lines;
  dz_var at[2 * DRAWN_LINES];
} drawn_body;

static void draw_lines(drawn_body *b, dice *d, int reads, int lines) {
  b->reads = reads, b->lines = lines;
  for (int k = 0; k < lines; k++) {
    b->line[k].op = below(d, DRAWN_OPS);
    for (int j = 0; j < 3; j++) b->line[k].of[j] = below(d, reads + k);
  }
}

/* With b->at[0 .. reads) set. */
static dz_var work_out(drawn_body *b) {
  dz_var *x = b->at;
  for (int k = 0; k < b->lines; k++) {
    const drawn_line *l = &b->line[k];
    x[b->reads + k] = drawn_operation(l->op, x[l->of[0]], x[l->of[1]], x[l->of[2]]);
  }
  return x[b->reads + b->lines - 1];
}

/* Numbers for each lane or step: beside each other, every second or third, backwards, in disorder. */
typedef struct drawn_stream {
  const dz_var *from;
  int step, how, shift;
} drawn_stream;

static drawn_stream draw_stream(dice *d, const dz_var *from) {
  drawn_stream s = {from, below(d, 2) ? 1 : 1 + below(d, 3), below(d, 4), 0};
  s.shift = below(d, below(d, 2) ? 4 : 20);
  return s;
}

static dz_var of_stream(const drawn_stream *s, int l, int n) {
  const int at = s->how == 0 ? l * 7 % n : s->how == 1 ? n - 1 - l : l * s->step;
  return s->from[at + s->shift];
}

/* What the streams of n lanes read at most. */
static int stream_room(int n) { return 3 * n + 20; }

#endif
