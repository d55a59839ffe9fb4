/* The tape inside: what the public struct goes on with, and the general road of recording. */
#ifndef DZ_TAPE_TAPE_H
#define DZ_TAPE_TAPE_H

#include "base/memory.h"
#include "base/names.h"
#include "base/status.h"
#include "dz/pointwise.h"
#include "dz/sweep.h"
#include "dz/tape.h"
#include "ops/call.h"
#include "ops/op.h"

/* What a node that is not a plain scalar operation says more: tensors, tensor operations, OP3. arg.a of the
   node is its place here. Rank 0 keeps its value and adjoint in the scalar arrays, so that its users are
   plain; `data` is NULL then. */
typedef struct dz__wide {
  uint32_t node, nargs;
  uint16_t fn; /* DZ__F_END for a leaf */
  uint8_t rank;
  bool active : 1;
  bool reached : 1;            /* by the last quick sweep: an operation added to this tensor's adjoint */
  uint32_t arg0, attr0, nattr; /* into wide_args, wide_attr */
  uint32_t dims0;              /* into wide_dims */
  size_t size;
  union {
    double *data;
    float *single; /* on a tape of floats */
  };
  dz__arena_mark before; /* the arena before this node's data */
} dz__wide;

/* An operand of a wide node: a node with its flags, or an entry of the pool. */
typedef struct dz__ref {
  uint32_t index;
  uint32_t flags; /* DZ__TENSOR, DZ__INACTIVE, DZ__POOLED */
} dz__ref;
#define DZ__POOLED 1u

/* One set of adjoints: scalars by node, tensors by wide record, laid out in recording order so that a rewind
 * can drop the latest. */
typedef struct dz__adjoints {
  double *scalar;
  size_t cap;
  double **tensor; /* per wide record; NULL for rank 0 and inactive ones */
  dz__arena_mark *before;
  size_t wide, wide_cap, before_cap; /* records laid out */
  dz__arena arena;
} dz__adjoints;

/* What the last sweep was, and what it left. Active scalar leaves are numbered as they are recorded (arg.a),
   and their adjoints are kept by that number. Of scalars in between the quick sweep leaves zeros in
   kept.scalar; they are computed when one is first asked for. */
typedef struct dz__swept {
  uint32_t nodes;  /* covered: 0 to nodes - 1 */
  uint32_t leaves; /* active scalar leaves among them */
  bool whole;      /* kept.scalar holds all of them */
  bool again;      /* the same sweep can be done again: nothing of it was dropped or set since */
  bool added;      /* dz_backward_add: only leaves have a meaning */
  bool careful;    /* `reached` is of this sweep */
  double seed;     /* of a scalar output */
} dz__swept;

/* Nodes from `first` on came from this place in a text. */
typedef struct dz__place {
  uint32_t first;
  int line, column;
} dz__place;

/* A rewind to `low` happened when the stamp became `stamp`: handles with an older stamp are live only below
 * `low`. */
typedef struct dz__rewound {
  uint64_t stamp;
  uint32_t low;
} dz__rewound;

enum { DZ__MAX_NOTES = 64 };

/* How many rows of a Jacobian one sweep computes. */
enum { DZ__ROWS = 2 };

/* What a tape of floats has more. Its scalars are doubles, each rounded to a float when it is made, and so
   are their adjoints, once for each sweep; its tensors and their adjoints are floats. Whoever reads them as
   doubles gets copies, made when they are first asked for: of values here, of adjoints in kept.tensor. The
   copies of a record go when it is dropped, those of adjoints before the next sweep. */
typedef struct dz__single {
  dz__adjoints adjoint; /* of tensors, its pointers being those of floats; scalars have theirs in kept */
  double **value;       /* copies, per wide record; NULL where nobody asked */
  size_t value_cap;     /* all entries up to here are set */
  float *few;           /* scalars among the operands of the call at work, and their adjoints */
  size_t few_cap;
} dz__single;

typedef struct dz__tape {
  dz_tape hot; /* first: a dz_tape is a dz__tape */
  dz_allocator alloc;
  size_t cell_cap, pool_cap; /* of the arrays in hot */
  struct {
    size_t first, rows; /* dz_tape_share */
  } share;
  uint64_t most[DZ_LIMIT_STEPS + 1]; /* limits; hot.end is within that of nodes */
  uint64_t stamp;                    /* hot.fresh has its low part */
  uint64_t cleared;                  /* handles with an older stamp are from before a clear */
  uint32_t unseen; /* the size when the stamp was made: no handle has the stamp while nothing was added */
  bool handed;     /* a handle of an older node was given the present stamp */
  dz_error error;
  dz__arena arena; /* tensor data */
  dz__wide *wide;
  size_t wides, wide_cap;
  dz__ref *wide_args;
  size_t wide_nargs, wide_args_cap;
  int64_t *wide_attr;
  size_t wide_nattr, wide_attr_cap;
  size_t *wide_dims;
  size_t wide_ndims, wide_dims_cap;
  dz__rewound *rewound;
  size_t rewounds, rewound_cap;
  dz__place *place;
  size_t places, place_cap;
  int line, column;
  dz__names names;
  dz__swept swept;
  dz__adjoints kept;
  dz__adjoints reached; /* of the careful sweep: 1 where a structural nonzero arrived */
  double *leaf;         /* adjoints of active scalar leaves, by their number */
  size_t leaf_cap;
  double (*rows)[DZ__ROWS], (*leaf_rows)[DZ__ROWS]; /* rows.h */
  size_t rows_cap, leaf_rows_cap;
  size_t dirty;                  /* how many of kept.scalar may be other than 0 */
  dz__adjoints tangent, touched; /* of the forward sweep: tangents, and 1 where the direction arrived */
  double *zeros;                 /* stand for the tangents of inactive operands */
  size_t zeros_cap;
  dz__arena held; /* dz_backward_add: the leaves' adjoints from before */
  double *spare;  /* scratch of kernels */
  size_t spare_cap;
  dz__array *call_args; /* operands of the wide operation at work, and their adjoints */
  double **call_ga, **call_reached;
  size_t call_args_cap, call_ga_cap, call_reached_cap;
  dz_note *notes; /* DZ__MAX_NOTES of them once there is one */
  size_t nnotes;
  const dz__userop **users; /* what the user defined, by number; users_free frees the list where it is own */
  size_t nusers, users_cap;
  void (*users_free)(struct dz__tape *s);
  void *prelude; /* what floor 5 keeps with the tape, freed by prelude_free */
  void (*prelude_free)(void *prelude);
  struct dz__held *branches; /* comparisons that C code branched on; see holds.c */
  size_t nbranches, branches_cap;
  dz__single *single; /* of a tape of floats, whose inline roads are closed: hot.end is hot.cell; else NULL */
} dz__tape;

/* The two operands of a scalar node, or what else its 64 bits say. */
typedef struct dz__pair {
  uint32_t a, b;
} dz__pair;
static inline dz__pair dz__operands_in(uint64_t word) {
  return (dz__pair){(uint32_t)word & (DZ__MOST_CELLS - 1), (uint32_t)(word >> DZ__B_SHIFT)};
}
static inline dz__pair dz__operands(const dz_tape *t, size_t i) { return dz__operands_in(t->cell[i].word); }

/* Its operation, a dz__code. */
static inline unsigned dz__code_in(uint64_t word) { return (uint8_t)(word >> DZ__CODE_SHIFT); }
static inline unsigned dz__node_code(const dz_tape *t, size_t i) { return dz__code_in(t->cell[i].word); }

static inline dz__tape *dz__of(dz_tape *t) { return (dz__tape *)(void *)t; }
static inline const dz__tape *dz__of_const(const dz_tape *t) { return (const dz__tape *)(const void *)t; }

/* The integers of a wide node; NULL when it has none. */
static inline const int64_t *dz__attr_of(const dz__tape *s, const dz__wide *w) {
  return w->nattr ? &s->wide_attr[w->attr0] : NULL;
}

/* A user operation by its number, or by name: NULL when there is none, *number its place. */
static inline const dz__userop *dz__user_of(const dz__tape *s, unsigned fn, const int64_t *attr) {
  return fn == DZ__F_user ? s->users[attr[0]] : NULL;
}
const dz__userop *dz__user_named(const dz_tape *t, const char *name, size_t size, int64_t *number);

/* Lets t use the operations that the user defined on `from`, which owns them; NULL takes them away again, as
   must be done before t is freed. */
static inline void dz__lend_users(dz_tape *t, const dz_tape *from) {
  dz__of(t)->users = from ? dz__of_const(from)->users : NULL;
  dz__of(t)->nusers = from ? dz__of_const(from)->nusers : 0;
}

/* The name of an operation with such integers. */
static inline const char *dz__op_name(const dz__tape *s, unsigned fn, const int64_t *attr) {
  return fn == DZ__F_user ? dz__user_of(s, fn, attr)->name : dz__ops[fn].name;
}

/* The general road: records any operation on live operands of one tape, or numbers; checks handles, shapes,
   room. Numbers alone are computed at once and give a number where the result is a scalar of a pointwise
   operation. `attr` as ops/tensor.def says. An invalid handle after an error. */
dz_var dz__record(dz__fn fn, int nargs, const dz_var *args, int nattr, const int64_t *attr);

/* hot.origin, from where the cells are and what the stamp is. */
static inline void dz__set_origin(dz_tape *t) { t->origin = t->fresh - (uintptr_t)t->cell / sizeof *t->cell; }

/* hot.end, from what there is room for and what the limit is. */
void dz__set_end(dz__tape *s);

/* Room for one more node (and `pool` more constants). False after reporting DZ_ERR_MEMORY or DZ_ERR_LIMIT. */
bool dz__room(dz_tape *t, uint32_t pool);

/* Records a leaf with rank >= 1 or a wide node: node, record, operands, extents, integers, all or nothing.
 * *call gives shape and data. */
dz_var dz__push_wide(dz_tape *t, unsigned code, dz__fn fn, const dz__call *call, const dz__ref *refs,
                     bool active, dz__arena_mark before);

/* The live handle of node i. */
dz_var dz__handle(const dz_tape *t, uint32_t i);

/* From now on operations take every node's value from the tape, not from handles made until now. */
void dz__forget_values(dz__tape *s);

/* The wide record of node i, or NULL for a plain scalar. */
const dz__wide *dz__wide_of(const dz_tape *t, uint32_t i);

/* The operation of a live node; DZ__F_END for a leaf. */
dz__fn dz__fn_of(dz_var x);

/* What a wide node's operand holds, or the node itself, as doubles, where it is wanted, since copies of it
   wait for what was just written: on a tape of floats the data of a tensor is the copy that was made
   (dz__doubles_ready), or NULL. */
void dz__put_operand(const dz_tape *t, dz__ref ref, dz__array *to);
void dz__put_wide(const dz_tape *t, const dz__wide *w, dz__array *to);
size_t dz__size_at(const dz_tape *t, dz__ref ref); /* how many elements */

/* A number as the tape keeps it. */
static inline double dz__rounded(const dz_tape *t, double x) {
  return dz__of_const(t)->single ? (double)(float)x : x;
}

/* A poisoned handle; the format says why (kept only if it is the tape's first error). t may be NULL. */
dz_var dz__poison(dz_tape *t, dz_status status, const char *op, const char *format, ...) DZ__FORMAT(4, 5);

/* Whether x is a live node of t; reports DZ_ERR_HANDLE and why not otherwise. */
bool dz__check_handle(dz_tape *t, dz_var x, const char *op);

/* Whether it is seen without a call that x is a live, active scalar of t; false says nothing. */
static inline bool dz__at_sight(const dz_tape *t, const dz_var *x) {
  return x->tape == t && x->id >= t->first;
}

/* The shape of a live node or number, data included (a scalar's points into the tape: valid until the next
 * recording; a number's data is NULL). */
dz__array dz__array_of(dz_var x);

/* Element e of a live node or a number; all of them; and those of its adjoint, 0 where it has none. On a tape
   of floats nothing is copied for that beside what is asked for. */
double dz__element_of(dz_var x, size_t e);
void dz__read_values(dz_var x, double *to);
void dz__read_adjoint(dz_var x, double *to);

/* Records a number as a constant node, or returns a node as it is. */
dz_var dz__as_node(dz_tape *t, dz_var x);

/* Makes room for notes; false when memory is out. */
bool dz__notes_begin(dz_tape *t);
/* Appends a note; quietly drops it when there are too many or memory is out. Place: the given line and
 * column. */
void dz__note(dz_tape *t, const char *kind, const char *op, int line, int column, const char *format, ...)
    DZ__FORMAT(6, 7);

/* A comparison that C code branched on, with its call site. It counts while its node is live. */
typedef struct dz__held {
  dz_var condition;
  const char *file; /* the caller's literal */
  int line;
  bool held;
} dz__held;

/* The place in the text that node i came from; line 0 when there is none. */
dz__place dz__place_of(const dz_tape *t, uint32_t i);

#endif
