/* Formulas as terms that are equal when they are the same number: sums and products are collected, and what
   stands twice is stored once. The operands of a term have smaller numbers than it. */
#ifndef DZ_DERIVE_TERM_H
#define DZ_DERIVE_TERM_H

#include "derive/ratio.h"
#include "lang/program.h"
#include "tape/tape.h"

typedef enum dz__term_kind {
  DZ__K_NUMBER,
  DZ__K_LEAF,    /* node `node` of the tape */
  DZ__K_SUM,     /* sum of k term; 1 stands for a constant. One part: its k is not 1 */
  DZ__K_PRODUCT, /* product of term^power. One part: its power is not 1 */
  DZ__K_CALL     /* operation fn of its parts, with integers */
} dz__term_kind;

/* What is known of a term. */
enum {
  DZ__IS_ACTIVE = 1,
  DZ__IS_SMOOTH = 2,  /* analytic in its leaves: it equals another such term nowhere, or everywhere, or on a
                         set of measure 0 */
  DZ__IS_TRUTH = 4,   /* 0 or 1 */
  DZ__IS_FLAT = 16,   /* constant but for jumps */
  DZ__IS_POSITIVE = 8 /* not negative, where it is a number at all */
};

/* What a sum or a product is when its parts are. */
enum { DZ__INHERITED = DZ__IS_SMOOTH | DZ__IS_POSITIVE | DZ__IS_FLAT };

static inline uint8_t dz__inherit(int flags, int part) {
  return (uint8_t)((flags & (part | ~DZ__INHERITED)) | (part & DZ__IS_ACTIVE));
}

typedef struct dz__part {
  uint32_t term, power; /* power: of a product */
  dz__ratio k;          /* of a sum */
} dz__part;

typedef struct dz__term {
  uint8_t kind, flags;
  uint16_t fn;
  uint32_t part0, parts, attr0, attrs;
  uint32_t shape; /* an index of shapes */
  uint32_t node;
  double number;
  uint32_t hash, next;  /* the next of the same bucket */
  uint32_t stamp, slot; /* of the list that is being collected */
} dz__term;

typedef struct dz__shape {
  int rank;
  size_t dims[DZ__MAX_RANK];
} dz__shape;

#define DZ__NO_TERM UINT32_MAX
#define DZ__MOST_VARIABLES 16

struct dz__rules;

typedef struct dz__terms {
  dz_allocator alloc;
  dz_tape *t;
  const struct dz__rules *rules;
  dz__vec terms;        /* dz__term */
  dz__vec parts;        /* dz__part: of the terms */
  dz__vec attrs;        /* int64_t: likewise */
  dz__vec shapes;       /* dz__shape; the first is that of a scalar */
  dz__vec buckets;      /* uint32_t */
  dz__vec work;         /* dz__part: of lists being collected, one above the other */
  dz__vec seen, values; /* uint32_t, double: of comparisons by numbers */
  uint32_t stamp, one, zero;
  int depth;      /* rules that are being applied within each other */
  int pairs;      /* sums whose pairs are being tried within each other */
  size_t fuel;    /* rules that may still be applied */
  size_t guesses; /* choices whose branches were found equal by numbers only */
  bool book;      /* lay sums out as books do: x + 2, 1 + e^x */
  uint32_t later; /* in that layout: factors with this term come last */
  bool failed;    /* memory is out */
} dz__terms;

static inline dz__term *dz__term_at(const dz__terms *s, uint32_t i) { return (dz__term *)s->terms.at + i; }
static inline const dz__part *dz__parts_of(const dz__terms *s, uint32_t i) {
  const dz__part *all = s->parts.at;
  return all ? all + dz__term_at(s, i)->part0 : NULL;
}
/* Part k of term i; a copy, since making terms moves the parts. */
static inline dz__part dz__part_of(const dz__terms *s, uint32_t i, uint32_t k) {
  return dz__parts_of(s, i)[k];
}
static inline bool dz__is_number_term(const dz__terms *s, uint32_t i, double v) {
  return dz__term_at(s, i)->kind == DZ__K_NUMBER && dz__term_at(s, i)->number == v;
}

/* The list of parts that is being collected on top of `work`: part i, one more, one less. */
static inline dz__part *dz__work_at(const dz__terms *s, size_t i) { return (dz__part *)s->work.at + i; }
void dz__work_push(dz__terms *s, dz__part p);
void dz__work_drop(dz__terms *s, size_t i);

bool dz__terms_init(dz__terms *s, dz_tape *t, const struct dz__rules *rules);
void dz__terms_free(dz__terms *s);

/* Once memory is out, which `failed` says for ever, all below return DZ__NO_TERM, take it, and leave lists as
   they are: so a formula is made in one go, and asked about at its end. */

uint32_t dz__term_number(dz__terms *s, double v);
uint32_t dz__term_leaf(dz__terms *s, dz_var x);

/* The stored term of this kind with the last `n` parts of work, which are taken off. */
uint32_t dz__term_store(dz__terms *s, dz__term like, size_t n, const int64_t *attr);

/* The shape that a and b broadcast to; they must fit. */
uint32_t dz__shape_join(dz__terms *s, uint32_t a, uint32_t b);
uint32_t dz__shape_of(dz__terms *s, dz_var x);

/* ---- collect.c ---- */

/* The coefficient of a term, and what it multiplies. */
dz__ratio dz__split(const dz__terms *s, uint32_t i, uint32_t *rest);
uint32_t dz__scaled(dz__terms *s, dz__ratio k, uint32_t i);
uint32_t dz__term_ratio(dz__terms *s, dz__ratio k);

/* A list: begun, given parts, and ended as one term. Lists may be made while another is. */
size_t dz__begin_sum(dz__terms *s);
void dz__add_part(dz__terms *s, size_t start, dz__ratio k, uint32_t term);
uint32_t dz__end_sum(dz__terms *s, size_t start);
size_t dz__begin_product(dz__terms *s);
void dz__add_factor(dz__terms *s, size_t start, uint32_t term, uint32_t power);
uint32_t dz__end_product(dz__terms *s, size_t start);

uint32_t dz__sum2(dz__terms *s, uint32_t a, double sign, uint32_t b);
uint32_t dz__product2(dz__terms *s, uint32_t a, uint32_t b);
uint32_t dz__power(dz__terms *s, uint32_t a, uint32_t power);

/* ---- factor.c ---- */

/* Two parts of a sum as one product; DZ__NO_TERM when that is not worth it. */
uint32_t dz__factored(dz__terms *s, dz__part p, dz__part q);

/* ---- call.c ---- */

/* Operation fn of the terms, by the arithmetic above or as a call, simplified by the rules. `shape` is that
   of the result of a tensor operation. */
uint32_t dz__term_apply(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args, size_t nattr,
                        const int64_t *attr, uint32_t shape);
bool dz__is_smooth_fn(dz__fn fn);

/* ---- express.c ---- */

/* i with from[k] replaced by by[k]: terms of number i at most. What changes is simplified again. */
uint32_t dz__replaced(dz__terms *s, uint32_t i, uint32_t n, const uint32_t *from, const uint32_t *by);

/* i in terms of z, for which `name` stands: e^-x / (1 + e^-x)^2 by z = 1 / (1 + e^-x) is z (1 - z), since 1 -
   z = e^-x / (1 + e^-x). Exact algebra. i itself where that is no shorter; or z would come but once, unless
   its name is its own. */
uint32_t dz__expressed(dz__terms *s, uint32_t i, uint32_t z, uint32_t name, bool own);

/* i with each product in it that has a sum as factor multiplied out where that is shorter: e^x (a - e^-x) = a
   e^x
   - 1. */
uint32_t dz__spread(dz__terms *s, uint32_t i);

/* A product without factors whose every part is negative: E (-x - 2) is -E (x + 2). */
uint32_t dz__with_signs_out(dz__terms *s, uint32_t i);

/* Operations and operands when written out, a million at most, and in *times how often z, a number or a leaf,
   is among them. A million when memory is out. */
size_t dz__term_length(dz__terms *s, uint32_t i, uint32_t z, double *times);

/* ---- outside.c ---- */

/* A reduction of arg with what is the same along its axes taken out; DZ__NO_TERM when there is nothing. */
uint32_t dz__outside(dz__terms *s, dz__fn fn, uint32_t arg, size_t nattr, const int64_t *attr,
                     uint32_t shape);

/* ---- match.c ---- */

/* What a rule makes of a term, or of two parts of a sum or product; DZ__NO_TERM when none does anything. */
uint32_t dz__rewrite_call(dz__terms *s, dz__fn fn, uint32_t n, const uint32_t *args);
uint32_t dz__rewrite_pair(dz__terms *s, dz__fn fn, uint32_t a, uint32_t b);

/* ---- agree.c ---- */

/* Whether two terms have the same values wherever they were tried, up to rounding. */
bool dz__agree(dz__terms *s, uint32_t a, uint32_t b);

#endif
