/* What the parts of dz_check share. */
#ifndef DZ_CHECK_CHECKING_H
#define DZ_CHECK_CHECKING_H

#include "check/slope.h"
#include "dz/check.h"
#include "tape/tape.h"

/* What a node was in one recording. */
typedef struct dz__print {
  uint64_t shape; /* operation, operands, extents */
  uint64_t fixed; /* the constants in it */
  uint64_t value;
} dz__print;

/* The derivative of one row by the forward sweep. */
typedef struct dz__dual {
  double forward, bound;
} dz__dual;

typedef struct dz__checking {
  dz_model *model;
  void *user;
  const dz_check_point *points;
  const dz_check_options *options;
  dz_allocator alloc;
  dz_tape *tape;
  dz_mark mark;
  dz_var *leaves;
  double **adjoints; /* per leaf, into `room`; NULL when it is not checked */
  /* All adjoints; a direction through all wanted leaves, laid out alike; the moved values of one leaf. */
  double *room;
  double *direction, *moved;
  size_t count, room_size, total; /* total: elements of all wanted leaves */
  dz_var *wanted;                 /* the wanted leaves, in order */
  int nwanted;
  dz__dual *duals; /* per row, in order */
  size_t rows;
  dz__print *prints; /* of the first recording */
  size_t nprints, prints_cap;
  dz_check_report *report;
  dz_error *error;
  dz_status status;
  double excess; /* of the worst row */
  /* the line along which f is taken now */
  size_t leaf, element;
  uint64_t ray;
} dz__checking;

dz_status dz__check_fail(dz__checking *c, dz_status status, const char *message);
/* The tape's error, or the one given when the tape has none. */
dz_status dz__check_fail_as(dz__checking *c, const dz_tape *t, dz_status status, const char *message);

/* One recording on the rewound tape, from the values that the leaves have. False after reporting. */
bool dz__check_record(dz__checking *c, dz_var *y);
double dz__check_value(dz_var y);
/* Moves leaf i to what `moved` holds, or back to its point. */
bool dz__check_move(dz__checking *c, size_t leaf);
bool dz__check_restore(dz__checking *c, size_t leaf);
double dz__check_base(const dz__checking *c, size_t leaf, size_t element);
/* The largest size of a leaf's elements. */
double dz__check_scale(const dz__checking *c, size_t leaf);

/* The k-th number of a stream of random bits, and a random sign. */
uint64_t dz__check_bits(uint64_t stream, uint64_t k);
double dz__check_sign(uint64_t stream, uint64_t k);

/* Rows of a leaf: their number, and what row j is: an element, or SIZE_MAX and *ray. */
size_t dz__check_rows(const dz__checking *c, size_t leaf);
size_t dz__check_row(const dz__checking *c, size_t leaf, size_t j, uint64_t *ray);

/* f along row (leaf, element, ray) of c. */
bool dz__check_along(void *user, double s, double *value);

/* The forward sweep beside the reverse one, along every row and along c->direction (which it sets), while the
   first recording and its adjoints stand: fills c->duals and report->dot. */
bool dz__check_duals(dz__checking *c, dz_var y);
/* The Taylor test along c->direction: report->taylor. */
bool dz__check_taylor(dz__checking *c);

/* Keeps what every node of the first recording is. */
bool dz__check_print(dz__checking *c);
/* The first node that differs from the first recording: by its shape, or by its constants alone, or its
   values where they count too. One that only one of them has differs by its shape. False when there is none.
 */
bool dz__check_differs(const dz__checking *c, bool values, size_t *node, bool *shape);
/* Records at the point once more: a difference from the first recording is report->fault. */
bool dz__check_repeat(dz__checking *c);
/* The first node that explains the worst row: report->fault. */
void dz__check_blame(dz__checking *c);
/* suspects[i], for the nodes up to y, says whether node i may be at fault in the worst row; all 0 where that
   cannot be told. Records again: *y is the new output, at the point, of the same nodes. False when memory is
   out. */
bool dz__check_screen(dz__checking *c, dz_var *y, bool wrong, uint8_t *suspects);
/* The tangents along the worst row. */
bool dz__check_push(dz__checking *c, dz_var y);
/* Writes report->fault for a node of c->tape, or for none (SIZE_MAX). */
void dz__check_name(dz__checking *c, dz_fault kind, size_t node, int operand);

/* ---- one node alone ---- */

typedef enum dz__way {
  DZ__AS_IT_IS,
  DZ__SIZES, /* operands by their absolute values */
  DZ__SPREAD /* operands broadcast to the result's shape */
} dz__way;

/* A tape of its own for one node at a time: its operands are fresh leaves. */
typedef struct dz__lone {
  dz_tape *tape;
  dz_allocator alloc;
  dz_var *leaf, *use; /* per operand: the leaf (or number), and what the operation takes */
  size_t leaf_cap, use_cap;
  dz_mark start, leaves; /* before the leaves, and after them */
  dz_var x;              /* the node on its own tape */
  dz__way way;
} dz__lone;

bool dz__lone_new(dz__lone *l, const dz_allocator *a);
void dz__lone_free(dz__lone *l);
/* Sets the node and its leaves. False when memory is out. */
bool dz__lone_take(dz__lone *l, dz_var x, dz__way way);
/* The operation on the leaves as they are now; invalid where it refuses them. False when memory is out. */
bool dz__lone_record(dz__lone *l, dz_var *z);

#endif
