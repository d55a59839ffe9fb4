/* What kept_blame.c and kept_kinks.c share: leaves, and a listing of the check of one model. */
#ifndef DZ_TESTS_BLAMED_H
#define DZ_TESTS_BLAMED_H

#include "dz/dz.h"
#include "dz/userop.h"
#include "listed.h"
#include "suite.h"

enum { X, Y, V, ONES, ZEROS, ZERO, DATA, TWELVE, LAST, LEAVES };

static const size_t two[] = {2}, three[] = {3}, nine[] = {9}, twelve[] = {12};
static const double ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
static const dz_check_point points[LEAVES] = {
    [X] = {.role = DZ_ROLE_INPUT, .values = (const double[]){.25}, .name = "x"},
    [Y] = {.role = DZ_ROLE_PARAM, .values = (const double[]){.625}},
    [V] = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = three, .values = (const double[]){.75, 0, -.5}},
    [ONES] = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = nine, .values = ones},
    [ZEROS] = {.role = DZ_ROLE_INPUT, .rank = 1, .dims = two},
    [ZERO] = {.role = DZ_ROLE_INPUT},
    [DATA] = {.role = DZ_ROLE_DATA, .values = (const double[]){2}},
    [TWELVE] = {.role = DZ_ROLE_INPUT,
                .rank = 1,
                .dims = twelve,
                .values = (const double[]){.5, .75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25}},
    [LAST] = {.role = DZ_ROLE_INPUT}};

static int count; /* of recordings */

static inline dz_var sum(dz_var x) { return dz_sum(x, DZ_ALL, false); }
static inline dz_var off(dz_var x, double by) { return dz_sub(x, by); }
static inline dz_var add(dz_var x, dz_var y) { return dz_add(x, y); }

typedef dz_var part(dz_tape *t, const dz_var *leaf);

/* Model k of n, of all elements and of a few. */
static inline void keep_blame(dz_model *model, const char *file, int k, int n, uint64_t kept) {
  listing l = list_begin();
  for (size_t few = 0; few < 2; few++) {
    const dz_allocator a = list_allocator(&l);
    const dz_check_options o = {.max_elements = 3 * few, .row = list_row, .user = &l};
    dz_check_report r;
    dz_error e;
    count = 0;
    LIST(&l, "check", (uint64_t)dz_check(model, &k, LEAVES, points, &o, &a, &r, &e));
    list_characters(&l, e.message);
    list_report(&l, &r);
  }
  list_end(&l, file, k, n, kept);
}

#endif
