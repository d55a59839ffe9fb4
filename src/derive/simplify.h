/* Graphs as formulas that a person would write. */
#ifndef DZ_DERIVE_SIMPLIFY_H
#define DZ_DERIVE_SIMPLIFY_H

#include "derive/rules.h"
#include "derive/term.h"

/* The term recorded at the end of the tape. Cost: linear in the terms up to i. */
dz_var dz__emit_term(dz__terms *s, uint32_t i);

/* y as a term, node by node. DZ__NO_TERM after an error, with s->failed set. */
uint32_t dz__term_of_graph(dz__terms *s, dz_var y);

#endif
