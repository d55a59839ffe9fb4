/* The tape: nodes in topological order, each with its value. Handles to them, leaves, names, marks.

   A tape owns its nodes. Any number of tapes may exist; one tape is used by one thread at a time.
   Errors poison: an operation on a bad operand gives an invalid handle, and the tape keeps the first error.
   So an expression is written whole and checked once, with dz_tape_error. */
#ifndef DZ_TAPE_H
#define DZ_TAPE_H

#include "dz/memory.h"
#include "dz/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dz_tape dz_tape;

/* A handle: a small value, passed and copied freely; it owns nothing. It names a node of a tape, or holds a
   plain number that is not yet on any tape (dz_num). All-zero is an invalid handle. Its fields are private:
   the value is a copy, so that a chain of operations need not wait for the tape's memory; it is the node's
   for as long as the handle carries the tape's present stamp. */
typedef struct dz_var {
  dz_tape *tape;
  double value;
  uint64_t id;
} dz_var;

/* What a leaf is for. Gradients flow to inputs and parameters; constants and data are inactive. */
typedef enum dz_role { DZ_ROLE_INPUT, DZ_ROLE_PARAM, DZ_ROLE_CONST, DZ_ROLE_DATA, DZ_ROLE_NONE } dz_role;

enum { DZ_MAX_RANK = 8 };

/* ---- tapes ---- */

/* A new empty tape. `a` may be NULL (malloc); it is copied, its user pointer must outlive the tape. NULL when
   memory is out. Cost: a few small allocations. Free it with dz_tape_free. */
DZ_API dz_tape *dz_tape_new(const dz_allocator *a);

/* The same, of floats: everything on it has a float's precision and range. Each number that enters is rounded
   to a float, and so is the result of each operation, which is computed with doubles: + - * / and sqrt are
   the float operations to the last bit, the other pointwise ones within 0.501 ULP of what the table's text
   gives exactly. Matrix products are computed with floats throughout, and gradients of tensors are added up
   in floats where several meet; reductions add with doubles and are rounded at the end; adjoints of scalars
   and tangents are carried as doubles within one sweep and rounded then. Tensors and their adjoints take 4
   bytes per element; scalar nodes take what they take on a tape of doubles. Whole numbers are exact up to
   2^24, positions among them.
   All functions of a tape serve both kinds, and those that take or give doubles convert; beside them stand
   dz_leaf_tensor_single, dz_set_single, dz_values_single and dz_adjoints_single for floats as they are. Nodes
   of two tapes never meet in one operation, of two kinds no more than of one. */
DZ_API dz_tape *dz_tape_new_single(const dz_allocator *a);

/* Whether it is a tape of floats; false for NULL. */
DZ_API bool dz_tape_is_single(const dz_tape *t);

/* Frees the tape and its nodes; NULL is fine. A handle of a freed tape is as dead as any pointer into it: to
   make every handle stale in a way that is noticed, use dz_tape_clear. */
DZ_API void dz_tape_free(dz_tape *t);

/* Drops every node, name and error, gives the memory back, keeps the kind of its numbers, and makes every
 * handle stale (using one is an error, not a crash). */
DZ_API void dz_tape_clear(dz_tape *t);

/* Number of nodes, constants of the pool not counted. 0 for NULL. Cost O(1). */
DZ_API size_t dz_tape_size(const dz_tape *t);

/* Makes room for `nodes` scalar nodes in all, so that recording allocates nothing until then. DZ_ERR_MEMORY,
   DZ_ERR_LIMIT (more nodes than the tape may hold) or DZ_ERR_ARGUMENT (NULL). */
DZ_API dz_status dz_tape_reserve(dz_tape *t, size_t nodes);

/* What a tape refuses to go beyond, with DZ_ERR_LIMIT: nodes, 2^28 unless set, which is also the most that
   can be set; and the operations and operands that functions of a program expand to in one recording,
   2^26 unless set. */
typedef enum dz_limit { DZ_LIMIT_NODES, DZ_LIMIT_STEPS } dz_limit;

/* Sets a limit, which stays when the tape is cleared. Nodes that are there already stay, too. DZ_ERR_ARGUMENT
   (NULL, no such limit) or DZ_ERR_LIMIT (more nodes than can be). Cost O(1). */
DZ_API dz_status dz_tape_limit(dz_tape *t, dz_limit what, uint64_t most);

/* The tape's data are rows first to first + rows of a batch whose other rows are elsewhere: what is recorded
   from now on and draws noise with so many rows (dz_noise; its first axis) gets the numbers that these rows
   of the whole batch would get, so that those who share a batch compute together what one would compute
   alone. Printed programs do not say so. 0 and 0, as for a new or cleared tape: nothing is shared.
   DZ_ERR_ARGUMENT (NULL), DZ_ERR_LIMIT (more rows than memory has room for). Cost O(1). */
DZ_API dz_status dz_tape_share(dz_tape *t, size_t first, size_t rows);

/* The first error since the tape was made, cleared, or dz_tape_forgive was called; its status is DZ_OK when
   there was none. Never NULL: for a NULL tape it says DZ_ERR_ARGUMENT. Valid until the tape is freed. */
DZ_API const dz_error *dz_tape_error(const dz_tape *t);

/* Forgets the error, so that recording may go on from valid handles. */
DZ_API void dz_tape_forgive(dz_tape *t);

/* ---- marks ---- */

typedef struct dz_mark {
  dz_tape *tape;
  uint32_t at, pooled, leaves, stamp;
} dz_mark;

/* The present end of the tape. Cost O(1). */
DZ_API dz_mark dz_tape_mark(dz_tape *t);

/* Drops every node after the mark, their names and adjoints, and keeps capacity, so a loop that marks once
   and rewinds each turn allocates nothing after its first. Handles of dropped nodes are stale from then on.
   Adjoints and values of nodes before the mark stay. DZ_ERR_ARGUMENT for NULL or a mark of another tape,
   DZ_ERR_HANDLE for a mark that an earlier rewind has dropped. Cost: O(names and tensors dropped). */
DZ_API dz_status dz_tape_rewind(dz_tape *t, dz_mark mark);

/* ---- leaves ---- */

/* A scalar leaf. An invalid handle when t is NULL or memory is out. Cost O(1), amortised. */
DZ_API dz_var dz_leaf(dz_tape *t, dz_role role, double value);
DZ_API dz_var dz_input(dz_tape *t, double value); /* dz_leaf(t, DZ_ROLE_INPUT, value) */
DZ_API dz_var dz_param(dz_tape *t, double value); /* dz_leaf(t, DZ_ROLE_PARAM, value) */
DZ_API dz_var dz_const(dz_tape *t, double value); /* dz_leaf(t, DZ_ROLE_CONST, value) */
DZ_API dz_var dz_data(dz_tape *t, double value);  /* dz_leaf(t, DZ_ROLE_DATA, value) */

/* A tensor leaf of rank 0 to 8, row-major; the values are copied, and are all 0 when `values` is NULL.
   Extents may be 0. Errors: DZ_ERR_SHAPE (rank, or a size that overflows), DZ_ERR_MEMORY. Cost: one copy. */
DZ_API dz_var dz_leaf_tensor(dz_tape *t, dz_role role, int rank, const size_t *dims, const double *values);

/* The same from floats. */
DZ_API dz_var dz_leaf_tensor_single(dz_tape *t, dz_role role, int rank, const size_t *dims,
                                    const float *values);

/* Overwrites a leaf's values (count must be its size): the step of an optimiser. Nodes recorded from the old
   value keep theirs, so rewind to a mark before them and record again. DZ_ERR_HANDLE, DZ_ERR_ARGUMENT (not a
   leaf, NULL), DZ_ERR_SHAPE (count). */
DZ_API dz_status dz_set(dz_var leaf, const double *values, size_t count);
DZ_API dz_status dz_set_single(dz_var leaf, const float *values, size_t count);

/* A number as a handle: it may stand wherever a handle may. Operations on numbers alone give numbers and
 * touch no tape. */
static inline dz_var dz_num(double value) {
  dz_var v;
  v.tape = (dz_tape *)1; /* never a tape's address; see dz_is_number */
  v.value = value;
  v.id = 0;
  return v;
}

/* ---- what a handle says ---- */

/* Whether the handle is a live node (or a number). A dropped or poisoned one, or {0}, is not. Cost O(1)
 * usually, O(log marks) at worst. */
DZ_API bool dz_valid(dz_var x);
static inline bool dz_is_number(dz_var x) { return x.tape == (dz_tape *)1; }

/* The value of a scalar, or of a tensor with one element; NaN for any other handle. Cost O(1). */
DZ_API double dz_value(dz_var x);
/* The elements, row-major, owned by the tape; valid until the node is dropped, and for a scalar only until
   the next recording. NULL for an invalid handle or a number. On a tape of floats the first call for a tensor
   makes a copy, which the tape keeps as long as the node: 8 bytes per element, and NULL when memory is out.
 */
DZ_API const double *dz_values(dz_var x);
/* The elements of a tensor (rank 1 or more) of a tape of floats, where they stand; NULL for any other handle.
   Cost O(1). */
DZ_API const float *dz_values_single(dz_var x);
/* Rank, extent k (1 when k is out of range), number of elements (0 for an invalid handle). Cost O(1). */
DZ_API int dz_rank(dz_var x);
DZ_API size_t dz_extent(dz_var x, int k);
DZ_API size_t dz_size(dz_var x);
/* The role of a leaf; DZ_ROLE_NONE for an operation or an invalid handle; DZ_ROLE_CONST for a number. */
DZ_API dz_role dz_role_of(dz_var x);
/* Whether gradients can flow to x: false for constants, data, and what is made of them only. */
DZ_API bool dz_is_active(dz_var x);

/* ---- names ---- */

/* Names a node; a name belongs to one node at a time, and a node may have several, of which dz_name tells the
   first. DZ_ERR_NAME when it is taken; DZ_ERR_ARGUMENT when it is empty, longer than 255 bytes or not UTF-8;
   DZ_ERR_HANDLE, DZ_ERR_MEMORY. The copy is the tape's. Cost O(1) expected. */
DZ_API dz_status dz_set_name(dz_var x, const char *name);
/* The name, or NULL when it has none. Valid while the node lives. Cost O(1) expected. */
DZ_API const char *dz_name(dz_var x);
/* The node of that name, or an invalid handle (which is no error of the tape). Cost O(1) expected. */
DZ_API dz_var dz_named(dz_tape *t, const char *name);

/* ---- walking the tape: what pictures and checks read ---- */

/* One node as data. `op` is the table's name of the operation, or "input", "param", "const", "data". */
typedef struct dz_node {
  const char *op;
  dz_role role;
  int nargs;
  bool active;
  int line, column; /* where it stood in text; 0 when recorded by C calls */
} dz_node;

/* The handle of node i, 0 <= i < dz_tape_size; an invalid handle otherwise. Operands always have smaller i.
 * Cost O(1). */
DZ_API dz_var dz_node_at(dz_tape *t, size_t i);
/* The i of a handle; SIZE_MAX for an invalid handle or a number. Cost O(1). */
DZ_API size_t dz_node_index(dz_var x);
/* What node x is; op is NULL for an invalid handle. Cost O(1). */
DZ_API dz_node dz_describe(dz_var x);
/* Operand k: a node, or a number for a plain constant. Invalid when k is out of range. Cost O(1). */
DZ_API dz_var dz_operand(dz_var x, int k);
/* Integers that a tensor operation carries (axes, extents; see `dz ops`): their count, with *values set. Cost
 * O(1). */
DZ_API size_t dz_attributes(dz_var x, const int64_t **values);

/* The place in a text that nodes recorded from now on come from, until it is set again; line 0 means none. */
DZ_API void dz_tape_at(dz_tape *t, int line, int column);

/* ---- notes: what a reader of the numbers should know; never an error ---- */

typedef struct dz_note {
  char kind[16]; /* "underflow", "domain", "pole", "overflow", "infinite slope", "0*inf" … see dz_diagnose */
  char op[24];
  int line, column;
  char message[224];
} dz_note;

/* Notes are kept in the order they arose, at most 64 of them. The pointer is valid until the tape changes. */
DZ_API size_t dz_note_count(const dz_tape *t);
DZ_API const dz_note *dz_note_at(const dz_tape *t, size_t i);

/* ---- what follows is private to dz: it is here so that recording can be inlined ---- */

/* A node: its value, and a word that says the operation and its operands. */
typedef struct dz__cell {
  double value;
  uint64_t word; /* from its lowest bit: 28 of the first operand, 8 of a dz__code, 28 of the second operand */
} dz__cell;
enum { DZ__CODE_SHIFT = 28, DZ__B_SHIFT = 36, DZ__MOST_CELLS = 1 << DZ__CODE_SHIFT };

struct dz_tape {
  dz__cell *next, *end; /* the next node's place; the first without room */
  dz__cell *cell;       /* per node */
  double *pool;         /* constants that stand as operands */
  uint64_t origin;      /* a node's id is this and a sixteenth of its address */
  uint64_t fresh;       /* the id that node 0 would have now: the present stamp in its high half */
  uint64_t first;       /* plain handles from this id on have the present stamp */
  uint32_t pooled, pool_cap;
  uint32_t leaves; /* active scalar leaves */
  uint32_t floor;  /* no rewind ever went below this node: handles under it need no stamp */
};

/* How many nodes there are. */
static inline uint32_t dz__count(const dz_tape *t) { return t->cell ? (uint32_t)(t->next - t->cell) : 0; }

/* id: the low half is the node, the high half its stamp below two flags, which are set when they do NOT hold,
   so that the ids of plain nodes (live, active scalars) are the largest, and those of the present stamp the
   largest of these. Stamps only grow. */
#define DZ__TENSOR 0x80000000u   /* rank 1 or more */
#define DZ__INACTIVE 0x40000000u /* no gradient flows to it */
#define DZ__FLAGS 0xc0000000u
#define DZ__STAMPS 0x3fffffffu
#define DZ__NONE 0xffffffffu

static inline uint32_t dz__index(dz_var x) { return (uint32_t)x.id; }
static inline uint32_t dz__stamp(dz_var x) { return (uint32_t)(x.id >> 32) & DZ__STAMPS; }
static inline uint32_t dz__flags(dz_var x) { return ~(uint32_t)(x.id >> 32) & DZ__FLAGS; }
static inline double dz__number(dz_var x) { return x.value; }

#ifdef __GNUC__
#define DZ__LIKELY(x) __builtin_expect(!!(x), 1)
#else
#define DZ__LIKELY(x) (x)
#endif

/* The value of a live, active scalar, seen without a call. False also sends rarer cases to the general road.
   With the present stamp the handle's copy is right; with an older one a leaf may have been set since. */
static inline bool dz__plain(const dz_tape *t, dz_var x, double *value) {
  *value = x.value;
  if (DZ__LIKELY(x.id >= t->first)) return true;
  if (dz__index(x) >= t->floor || dz__flags(x)) return false;
  *value = t->cell[dz__index(x)].value;
  return true;
}

#ifdef __cplusplus
}
#endif
#endif
