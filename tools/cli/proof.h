/* What dz check says beside its table: the tests of the whole gradient, and the first node to blame. */
#ifndef DZ_CLI_PROOF_H
#define DZ_CLI_PROOF_H

#include "buffer.h"
#include "dz/check.h"
#include "json.h"

/* Lines for people; nothing when nothing was checked. */
void proof_text(buffer *b, const dz_check_report *r, int digits);
/* "forward_agreed", "forward_wrong", "dot", "taylor", "fault". */
void proof_json(cJSON *object, const dz_check_report *r);

#endif
