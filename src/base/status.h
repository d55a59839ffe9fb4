/* Filling in an error record. */
#ifndef DZ_BASE_STATUS_H
#define DZ_BASE_STATUS_H

#include "dz/status.h"

#ifdef __GNUC__
#define DZ__FORMAT(a, b) __attribute__((format(printf, a, b)))
#else
#define DZ__FORMAT(a, b)
#endif

/* Records a failure unless e already holds an earlier one (the first wins). Returns `status` for `return
   dz__fail(...)`. The format must hold no floating-point conversion: those follow the locale. */
dz_status dz__fail(dz_error *e, dz_status status, const char *op, const char *format, ...) DZ__FORMAT(4, 5);

/* Adds the place to a failure that has none yet. A long path is cut to its last part. */
void dz__fail_at(dz_error *e, const char *file, int line, int column);

#endif
