/* Rules that make one element of a group of n <= MOST_SIZE, all of which are numbers. */
#ifndef DZ_TESTS_ORACLE_GROUPS_H
#define DZ_TESTS_ORACLE_GROUPS_H

#include "graph.h"

verdict group_sum(graph *g, const node *x, const int *ids, int n);
verdict group_mean(graph *g, const node *x, const int *ids, int n);
verdict group_prod(graph *g, const node *x, const int *ids, int n, int roundings);
verdict group_extreme(graph *g, const node *x, const int *ids, int n, int sign);
verdict group_norm(graph *g, const node *x, const int *ids, int n);
verdict group_logsumexp(graph *g, const node *x, const int *ids, int n);
verdict group_dot(graph *g, const node *x, const int *left, const node *y, const int *right, int n);

#endif
