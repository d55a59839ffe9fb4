/* Gradient checks: adjoints against an independent numerical derivative, with the error of the latter
 * estimated, so that no tolerance is chosen. */
#ifndef DZ_CHECK_H
#define DZ_CHECK_H

#include "dz/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Records a scalar output from leaves that stand on the tape already, in the order of the points. Called many
   times, each on a rewound tape; it must be deterministic. A plain number is an output of slope 0. An invalid
   handle ends the check with the tape's error, and so does an error of the tape whatever is given. */
typedef dz_var dz_model(dz_tape *t, const dz_var *leaves, void *user);

/* Where to check: one per leaf. */
typedef struct dz_check_point {
  const char *name; /* named so on the tape; NULL: unnamed */
  dz_role role;     /* inputs and parameters are checked, constants and data are not */
  bool skip;        /* do not check this leaf although it is active */
  int rank;
  const size_t *dims;
  const double *values;
} dz_check_point;

typedef enum dz_verdict {
  DZ_VERDICT_AGREES,
  DZ_VERDICT_WRONG,     /* they differ by more than the numerical derivative's own error */
  DZ_VERDICT_NOISY,     /* the numerical derivative is too uncertain to tell */
  DZ_VERDICT_KINK,      /* one-sided slopes differ: the point lies on a kink, a jump or a tie */
  DZ_VERDICT_NOT_FINITE /* the output is not finite at the point or on one side of it, or the adjoint is not
                           and no clear slope says that it should be */
} dz_verdict;

/* One element of one leaf, or a direction through all of a leaf's elements (element SIZE_MAX). */
typedef struct dz_check_row {
  size_t leaf, element;
  double analytic, numeric; /* numeric: NaN when the output is not finite */
  /* The uncertainty of numeric: four times the sum of its estimated truncation error and of the measured
     noise of f over the step. They agree when |analytic - numeric| <= error. */
  double error;
  dz_verdict verdict;
  double forward; /* the same derivative by the forward sweep (dz_tangent) */
  double bound;   /* |analytic - forward| is at most this by rounding alone; NaN when that cannot be said */
} dz_check_row;

/* The dot-product test: <u, J v> by the forward sweep, <J^T u, v> by the reverse one, along one random
   direction v through all wanted leaves, u = 1. Both are sums over the same paths, so they differ by rounding
   only, and that is bounded: by 2^-53 times the sum, over every use of a value, of (operations in it)
   |adjoint|^T |partial| |tangent|, and an underflow term. Griewank and Walther, Evaluating Derivatives, 3.3.
 */
typedef struct dz_check_dot {
  double forward, reverse, bound;
  dz_verdict verdict; /* agrees, wrong or not finite */
} dz_check_dot;

/* The Taylor test: r(h) = f(x + h v) - f(x) - h g.v along the same direction, over a ladder of h from 2^-4
   down. `order` is the slope of log |r| against log h at the smallest steps that rounding leaves: 2 when g is
   right (more where the second derivative vanishes), 1 when it is wrong. `odd` is that of (r(h) - r(-h)) / 2:
   3 and 1; `even` that of (r(h) + r(-h)) / 2: 2, but 1 at a kink and 0 at a jump whether g is right or not.
   Where the second derivative jumps `odd` is 2, and where there is none either is between 1 and 2: less than
   1.25 is a kink, or wrong.
   NaN where r never stands clear of the noise: f is a straight line there, or it is too noisy. No step and no
   tolerance is chosen. */
typedef struct dz_check_taylor {
  double order, odd, even;
  dz_verdict verdict;
} dz_check_taylor;

typedef enum dz_fault {
  DZ_FAULT_NONE,
  DZ_FAULT_UNREPEATABLE, /* two recordings at the same point differ from this node on */
  DZ_FAULT_LEFT_TAPE,    /* a constant here changes with the leaves: its value was taken off the tape */
  DZ_FAULT_DETACHED,     /* the value goes on from here but no gradient comes back: stop() */
  DZ_FAULT_PARTIAL,  /* the operation's own derivative, as the reverse sweep has it, disagrees with its value
                      */
  DZ_FAULT_TANGENT,  /* the same for the forward sweep alone */
  DZ_FAULT_KINK,     /* the operation's slopes to the two sides differ here */
  DZ_FAULT_BRANCH,   /* the recordings on the two sides differ from this node on: an if in the model */
  DZ_FAULT_ELSEWHERE /* a gradient is wrong although each operation by itself is right */
} dz_fault;

enum { DZ_CHECK_OPERANDS = 4 };

/* The first node, in tape order, that explains the worst verdict. */
typedef struct dz_check_fault {
  dz_fault kind;
  size_t node;      /* dz_node_index; SIZE_MAX when no node is to blame */
  char op[24];      /* the table's name, or "input", "const" ...; "" without a node */
  char name[64];    /* the node's, "" when it has none (a longer one is cut) */
  int line, column; /* as dz_describe */
  int operand;      /* through which the derivative was looked at; -1 when that has no meaning */
  int nargs;        /* of the node; the first DZ_CHECK_OPERANDS of them follow */
  struct {
    size_t node;  /* SIZE_MAX for a plain number */
    double value; /* NaN for a tensor */
    char name[32];
  } operands[DZ_CHECK_OPERANDS];
  /* DETACHED, PARTIAL, TANGENT: the operation's derivative alone, along a random direction in that operand
     against a random seed when it is a tensor. They differ by more than `error`. KINK: likewise, but the
     row's direction and no disagreement meant. 0 for the others. */
  double analytic, numeric, error;
} dz_check_fault;

typedef struct dz_check_report {
  size_t checked, agreed, wrong, noisy, kinks, not_finite;
  double value; /* of the output */
  /* The row with the worst verdict (wrong, not finite, noisy, kink, agrees), and of those with the largest
     excess of |analytic - numeric| over error; all 0 when none was checked. */
  dz_check_row worst;
  size_t forward_agreed,
      forward_wrong;      /* rows by |analytic - forward| <= bound; neither where bound is NaN */
  dz_check_dot dot;       /* all 0 when nothing was checked */
  dz_check_taylor taylor; /* likewise */
  dz_check_fault fault;
} dz_check_report;

typedef struct dz_check_options {
  size_t max_elements; /* leaves with more elements are checked at this many spread-out elements and along
                          random directions; 0 means 200 */
  void (*row)(void *user, const dz_check_row *row); /* called for each row; may be NULL */
  void *user;
} dz_check_options;

/* Checks every wanted element, by central differences of decreasing steps around the point, extrapolated to
   step 0. The verdict compares signed values. Where the two differ, or a kink shows, ever smaller steps are
   looked at before either is said. Beside each stands the forward sweep's derivative; the whole gradient
   takes the dot-product test and the Taylor test along one direction. Two recordings at the point are
   compared. When a derivative is wrong or at a kink, the nodes between the worst leaf and the output are
   looked at in tape order, each operation alone at its stored operands, and the first that explains it is
   report->fault. (Of thousands, those are looked at first that one pass over all of them suspects.)
   `options`, `a` and `error` may be NULL. DZ_OK also when gradients are wrong: read the report.
   DZ_ERR_ARGUMENT (no model, points or report; a point without extents), DZ_ERR_SHAPE (the output is no
   scalar), DZ_ERR_NAME (a name twice), DZ_ERR_MEMORY, or the tape's error, copied to *error when it is not
   NULL; the report then covers the rows so far. Cost: about 20 recordings per element of a smooth function,
   up to some hundreds for a rough one, on one tape that allocates nothing after the first unless a fault is
   looked for; one forward sweep per element; memory for that tape, some 50 bytes more per node and element,
   and the wanted adjoints. */
DZ_API dz_status dz_check(dz_model *model, void *user, size_t count, const dz_check_point *points,
                          const dz_check_options *options, const dz_allocator *a, dz_check_report *report,
                          dz_error *error);

#ifdef __cplusplus
}
#endif
#endif
