/* The forward sweep's storage and its steps, which patterns of sparse derivatives share. */
#ifndef DZ_TAPE_TANGENT_H
#define DZ_TAPE_TANGENT_H

#include "tape/tape.h"

/* Makes s->tangent hold every node up to `top`, all 0, with scratch for every kernel. False when memory is
 * out. */
bool dz__tangents_ready(dz__tape *s, uint32_t top);

/* The call of an active wide node for its tangent kernel. In the careful sweep `reached` is s->touched, else
 * NULL. Valid until the next one is made. */
dz__tangent_call dz__tangent_call_of(dz__tape *s, const dz__wide *w, const dz__adjoints *reached);

/* Whether the handles are live nodes of one tape without an error, the leaves active leaves; reports and says
   why not otherwise. *top is the last of ys, `total` the number of elements of all ys. `rows` > 0. */
dz_status dz__tangent_check(const char *op, int rows, const dz_var *ys, int count, const dz_var *leaves,
                            uint32_t *top);

/* Where node i's number of a set stands: NULL for an inactive tensor. */
double *dz__tangent_slot(dz__tape *s, const dz__adjoints *a, uint32_t i);

#endif
