/* Sets of adjoints: one for each sweep that has its own, and the forward sweep's tangents. */
#ifndef DZ_TAPE_ADJOINTS_H
#define DZ_TAPE_ADJOINTS_H

#include "tape/tape.h"

/* Makes a set hold every node up to `top`; false when memory is out. What is new in it is not set. */
bool dz__adjoints_lay(dz__tape *s, dz__adjoints *a, uint32_t top);
/* The same of tensors, and of scalars. */
bool dz__lay_tensors(dz__tape *s, dz__adjoints *a, uint32_t top);
bool dz__lay_scalars(dz__tape *s, dz__adjoints *a, uint32_t top);

/* All 0 up to `top`; those of tensors. */
void dz__adjoints_clear(const dz__tape *s, dz__adjoints *a, uint32_t top);
void dz__clear_tensors(const dz__tape *s, dz__adjoints *a, uint32_t top);

void dz__adjoints_free(dz__tape *s, dz__adjoints *a);
/* Drops those of tensors that the tape has no longer. */
void dz__adjoints_rewind(const dz__tape *s, dz__adjoints *a);
size_t dz__adjoints_bytes(const dz__adjoints *a);

/* Wide records up to and including node `top`. */
size_t dz__wides_to(const dz__tape *s, uint32_t top);

#endif
