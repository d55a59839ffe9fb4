/* What plans of ordinary functions hardly meet, to be recorded on a tape: rare.c runs them. Each compiler
   records the same, since no call has two arguments that record. */
#ifndef DZ_TESTS_PLAN_RARE_H
#define DZ_TESTS_PLAN_RARE_H

#include "rare_drawn.h"
#include "rare_lanes.h"
#include "rare_steps.h"
#include "rare_terms.h"

static void (*const subjects[])(subject *) = {lanes_that_collide,
                                              first_steps_collide,
                                              second_steps_collide,
                                              third_steps_collide,
                                              long_sums,
                                              runs,
                                              runs_of_two,
                                              runs_apart,
                                              runs_side_by_side,
                                              runs_that_overlap,
                                              functions_of_c,
                                              steps_with_odd_operands,
                                              long_steps,
                                              shared_0,
                                              shared_1,
                                              shared_2,
                                              shared_3,
                                              shared_4,
                                              shared_5,
                                              shared_layers,
                                              formulas,
                                              held,
                                              inputs_among_others,
                                              results_read_elsewhere,
                                              many_columns,
                                              alike,
                                              wide_steps,
                                              deep_steps,
                                              tall_steps,
                                              many_products,
                                              steps_beside_a_tall_one,
                                              two_stretches,
                                              steps_that_choose,
                                              lanes_that_choose,
                                              many_steps,
                                              runs_beside_columns,
                                              long_program,
                                              drawn_steps,
                                              drawn_wires,
                                              drawn_states,
                                              drawn_copies,
                                              drawn_long_steps,
                                              drawn_lanes};

#endif
