/* What the public functions of plans ask of plans of whole tensors. */
#ifndef DZ_PLAN_WHOLE_PLAN_H
#define DZ_PLAN_WHOLE_PLAN_H

#include "plan/plan.h"
#include "plan/whole.h"

/* Whether such a plan is asked for, or is the better one. */
bool dz__wants_whole(const dz_plan_options *o, const dz__wanted *w);

/* Makes p one. Errors as dz__extract. */
dz_status dz__make_whole(dz_plan *p, const dz__wanted *w, const dz_plan_options *o, dz_error *e);
void dz__drop_whole(dz_plan *p);

#endif
