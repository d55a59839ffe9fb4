/* dz: reverse-mode automatic differentiation on computational graphs. This header brings all the others. */
#ifndef DZ_DZ_H
#define DZ_DZ_H

#include "dz/check.h"
#include "dz/checkpoint.h"
#include "dz/derive.h"
#include "dz/emit.h"
#include "dz/explain.h"
#include "dz/holds.h"
#include "dz/implicit.h"
#include "dz/jacobian.h"
#include "dz/lang.h"
#include "dz/learn.h"
#include "dz/memory.h"
#include "dz/ops.h"
#include "dz/paths.h"
#include "dz/plan.h"
#include "dz/pointwise.h"
#include "dz/prelude.h"
#include "dz/print.h"
#include "dz/show.h"
#include "dz/sparse.h"
#include "dz/status.h"
#include "dz/sweep.h"
#include "dz/tangent.h"
#include "dz/tape.h"
#include "dz/tensor.h"
#include "dz/text.h"
#include "dz/trace.h"
#include "dz/userop.h"
#include "dz/why.h"

#endif
