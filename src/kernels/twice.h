/* Compiles TEMPLATE, a file, for doubles and for floats. In it REAL is the kind of number and NAME(x) a name
   of this copy; DATA, G and GA are the members of an array and a call that hold such numbers (ops/call.h). No
   guard: a source includes this once for each template, with TEMPLATE defined before. */
#define REAL double
#define SIZED_LIKE_REAL int64_t
#define NAME(x) x##_double
#define DATA data
#define G g
#define GA ga
#include TEMPLATE
#undef REAL
#undef SIZED_LIKE_REAL
#undef NAME
#undef DATA
#undef G
#undef GA

#define REAL float
#define SIZED_LIKE_REAL int32_t /* so that a loop of such numbers becomes vectors */
#define NAME(x) x##_single
#define DATA single
#define G g_single
#define GA ga_single
#include TEMPLATE
#undef REAL
#undef SIZED_LIKE_REAL
#undef NAME
#undef DATA
#undef G
#undef GA
#undef TEMPLATE
