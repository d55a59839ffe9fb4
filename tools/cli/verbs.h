/* The verbs of the command line. Each returns the exit status, or ends the program itself with a message. */
#ifndef DZ_CLI_VERBS_H
#define DZ_CLI_VERBS_H

#include "options.h"

int verb_grad(const options *o);
int verb_check(const options *o);
int verb_jacobian(const options *o);
int verb_hessian(const options *o);
int verb_derive(const options *o);
int verb_cost(const options *o);
int verb_emit(const options *o);
int verb_paths(const options *o);
int verb_why(const options *o);
int verb_grade(const options *o);
int verb_explain(const options *o);
int verb_dot(const options *o);
int verb_draw(const options *o);
int verb_plot(const options *o);
int verb_page(const options *o);
int verb_train(const options *o);
int verb_predict(const options *o);
int verb_ops(const options *o);
int verb_help(const options *o);

/* Verbs in the order of the help; NULL past the end, or for an unknown name. */
const verb *verb_at(size_t i);
const verb *verb_named(const char *name);

#endif
