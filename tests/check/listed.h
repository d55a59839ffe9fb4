/* Listings of checks: each row, and the report. */
#ifndef DZ_TESTS_LISTED_H
#define DZ_TESTS_LISTED_H

#include "dz/check.h"
#include "listing.h"

static inline void list_row(void *user, const dz_check_row *r) {
  listing *l = user;
  LIST(l, "row", r->leaf, r->element, (uint64_t)r->verdict);
  list_exact(l, " analytic", r->analytic);
  list_exact(l, " numeric", r->numeric);
  list_double(l, " error", r->error);
  list_exact(l, " forward", r->forward);
  list_double(l, " bound", r->bound);
}

static inline void list_fault(listing *l, const dz_check_fault *f) {
  LIST(l, "fault", (uint64_t)f->kind, f->node, (uint64_t)f->line, (uint64_t)f->column, (uint64_t)f->operand,
       (uint64_t)f->nargs);
  list_characters(l, f->op);
  list_characters(l, f->name);
  for (int k = 0; k < DZ_CHECK_OPERANDS; k++) {
    LIST(l, " operand", f->operands[k].node);
    list_exact(l, " value", f->operands[k].value);
    list_characters(l, f->operands[k].name);
  }
  list_exact(l, " analytic", f->analytic);
  list_exact(l, " numeric", f->numeric);
  list_double(l, " error", f->error);
}

static inline void list_report(listing *l, const dz_check_report *r) {
  LIST(l, "report", r->checked, r->agreed, r->wrong, r->noisy, r->kinks, r->not_finite, r->forward_agreed,
       r->forward_wrong);
  list_exact(l, " value", r->value);
  list_row(l, &r->worst);
  LIST(l, "dot", (uint64_t)r->dot.verdict, (uint64_t)r->taylor.verdict);
  list_exact(l, " forward", r->dot.forward);
  list_exact(l, " reverse", r->dot.reverse);
  list_double(l, " bound", r->dot.bound);
  list_double(l, " order", r->taylor.order);
  list_double(l, " odd", r->taylor.odd);
  list_double(l, " even", r->taylor.even);
  list_fault(l, &r->fault);
}

#endif
