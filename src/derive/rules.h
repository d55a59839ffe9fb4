/* The table of rewrite rules, read. */
#ifndef DZ_DERIVE_RULES_H
#define DZ_DERIVE_RULES_H

#include "lang/program.h"

/* A node of a rule's text. */
typedef struct dz__rule_node {
  int fn;      /* DZ__F_END for a number or a letter */
  char letter; /* 0 for a number */
  uint8_t nargs;
  uint32_t arg[3];
  double number;
} dz__rule_node;

typedef struct dz__rule {
  uint32_t left, right, guard; /* guard: DZ__NO_PATTERN for none */
} dz__rule;
#define DZ__NO_PATTERN UINT32_MAX

typedef struct dz__rules {
  dz_allocator alloc;
  dz__vec patterns, rules;
} dz__rules;

typedef struct dz__rule_text {
  const char *left, *right, *guard;
} dz__rule_text;

/* The table's texts, NULL past the last. */
const dz__rule_text *dz__rule_text_at(size_t i);

/* DZ_ERR_MEMORY. (A text that cannot be read is DZ_ERR_SYNTAX; a test rules that out.) */
dz_status dz__rules_read(const dz_allocator *a, dz__rules *r);
void dz__rules_free(dz__rules *r);

#endif
