/* As much of Check as the tests use, for machines that have none: tools/machines compiles with this folder
   before others. A test that fails says where, and the program goes on with the next one. */
#ifndef DZ_TESTS_MACHINES_CHECK_H
#define DZ_TESTS_MACHINES_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TTest {
  const char *name;
  void (*run)(int _i);
} TTest;
typedef void (*SFun)(void);
typedef struct Suite {
  struct {
    const TTest *test;
    int from, to;
  } at[256];
  int count, ran, failed;
  SFun begin, end;
} Suite, TCase, SRunner;
enum { CK_NOFORK, CK_ENV };

static jmp_buf check_end;

__attribute__((noreturn, format(printf, 3, 4), unused)) static void check_fails(const char *file, int line,
                                                                                const char *format, ...) {
  va_list list;
  va_start(list, format);
  printf("%s:%d: ", file, line);
  vprintf(format, list);
  printf("\n");
  va_end(list);
  longjmp(check_end, 1);
}

#define START_TEST(id)                                                                                       \
  static void id##_run(int _i);                                                                              \
  static const TTest id##_test = {#id, id##_run};                                                            \
  static const TTest *const id = &id##_test;                                                                 \
  static void id##_run(int _i) {                                                                             \
    (void)_i;
#define END_TEST }

#define ck_abort() ck_abort_msg("here")
#define ck_abort_msg(...) check_fails(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(x, ...) ((x) ? (void)0 : check_fails(__FILE__, __LINE__, "" __VA_ARGS__))
#define ck_assert(x) ck_assert_msg(x, "%s", #x)
#define CHECK_AS(type, format, x, op, y)                                                                     \
  do {                                                                                                       \
    const type check_x = (x), check_y = (y);                                                                 \
    if (!(check_x op check_y)) ck_abort_msg("%s " #op " %s: " format ", " format, #x, #y, check_x, check_y); \
  } while (0)
#define ck_assert_int_eq(x, y) CHECK_AS(intmax_t, "%jd", x, ==, y)
#define ck_assert_int_le(x, y) CHECK_AS(intmax_t, "%jd", x, <=, y)
#define ck_assert_int_lt(x, y) CHECK_AS(intmax_t, "%jd", x, <, y)
#define ck_assert_int_ge(x, y) CHECK_AS(intmax_t, "%jd", x, >=, y)
#define ck_assert_int_gt(x, y) CHECK_AS(intmax_t, "%jd", x, >, y)
#define ck_assert_int_ne(x, y) CHECK_AS(intmax_t, "%jd", x, !=, y)
#define ck_assert_uint_eq(x, y) CHECK_AS(uintmax_t, "%ju", x, ==, y)
#define ck_assert_uint_ne(x, y) CHECK_AS(uintmax_t, "%ju", x, !=, y)
#define ck_assert_uint_le(x, y) CHECK_AS(uintmax_t, "%ju", x, <=, y)
#define ck_assert_uint_lt(x, y) CHECK_AS(uintmax_t, "%ju", x, <, y)
#define ck_assert_uint_ge(x, y) CHECK_AS(uintmax_t, "%ju", x, >=, y)
#define ck_assert_uint_gt(x, y) CHECK_AS(uintmax_t, "%ju", x, >, y)
#define ck_assert_double_eq(x, y) CHECK_AS(double, "%.17g", x, ==, y)
#define ck_assert_double_ne(x, y) CHECK_AS(double, "%.17g", x, !=, y)
#define ck_assert_double_le(x, y) CHECK_AS(double, "%.17g", x, <=, y)
#define ck_assert_double_lt(x, y) CHECK_AS(double, "%.17g", x, <, y)
#define ck_assert_double_ge(x, y) CHECK_AS(double, "%.17g", x, >=, y)
#define ck_assert_double_gt(x, y) CHECK_AS(double, "%.17g", x, >, y)
#define ck_assert_double_nan(x) ck_assert(isnan(x))
#define ck_assert_double_eq_tol(x, y, within) ck_assert_double_le(fabs((x) - (y)), within)
#define ck_assert_ptr_eq(x, y) ck_assert((const void *)(x) == (const void *)(y))
#define ck_assert_ptr_null(x) ck_assert((x) == NULL)
#define ck_assert_ptr_nonnull(x) ck_assert((x) != NULL)
#define ck_assert_mem_eq(x, y, size) ck_assert(memcmp(x, y, size) == 0)
#define ck_assert_str_eq(x, y)                                                                               \
  do {                                                                                                       \
    const char *check_x = (x), *check_y = (y);                                                               \
    if (strcmp(check_x, check_y) != 0) ck_abort_msg("%s is '%s', should be '%s'", #x, check_x, check_y);     \
  } while (0)
#define ck_assert_pstr_eq(x, y) /* NULL is equal to NULL */                                                  \
  do {                                                                                                       \
    const char *check_p = (x), *check_q = (y);                                                               \
    if (check_p && check_q)                                                                                  \
      ck_assert_str_eq(check_p, check_q);                                                                    \
    else                                                                                                     \
      ck_assert(check_p == check_q);                                                                         \
  } while (0)
#define ck_assert_str_ne(x, y) ck_assert(strcmp(x, y) != 0)

static inline Suite *suite_create(const char *name) {
  static Suite only;
  return &only;
}
static inline TCase *tcase_create(const char *name) { return suite_create(name); }
static inline SRunner *srunner_create(Suite *s) { return s; }
static inline void suite_add_tcase(Suite *s, TCase *c) {}
static inline void tcase_set_timeout(TCase *c, double seconds) {}
static inline void srunner_set_fork_status(SRunner *r, int how) {}
static inline void srunner_free(SRunner *r) {}
static inline int srunner_ntests_failed(const SRunner *r) { return r->failed; }
static inline int srunner_ntests_run(const SRunner *r) { return r->ran; }
static inline void tcase_add_checked_fixture(TCase *c, SFun begin, SFun end) {
  c->begin = begin;
  c->end = end;
}
static inline void tcase_add_loop_test(TCase *c, const TTest *test, int from, int to) {
  if (c->count == 256) abort();
  c->at[c->count].test = test;
  c->at[c->count].from = from;
  c->at[c->count++].to = to;
}

static inline void check_run_one(Suite *s, const TTest *test, int i) {
  volatile int failed = 0;
  if (s->begin) s->begin();
  if (setjmp(check_end) == 0)
    test->run(i);
  else
    failed = 1;
  if (failed) printf("  in %s, %d\n", test->name, i);
  if (s->end && !failed) s->end();
  s->ran++;
  s->failed += failed;
}

static inline void srunner_run_all(SRunner *s, int how) {
  for (int k = 0; k < s->count; k++)
    for (int i = s->at[k].from; i < s->at[k].to; i++) check_run_one(s, s->at[k].test, i);
  printf("%d run, %d failed\n", s->ran, s->failed);
}

#endif
