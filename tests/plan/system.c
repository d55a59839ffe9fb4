/* What the system may refuse: files, directories, compilers and threads. Each time the plan runs on as it
   was, nothing is left behind in the cache, and the next try is as good as the first. */
#define _GNU_SOURCE
#include "dz/dz.h"
#include "plan/cache.h"
#include "plan/plan.h"
#include "suite.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a system that refuses ---- */

typedef enum call {
  NOTHING,
  WRITE_A_PART, /* not refused: a few bytes at a time */
  WRITE_LATER,  /* a signal comes first */
  WAIT_LATER,
  LEAST_REFUSED,
  WRITE = LEAST_REFUSED,
  MAKE_FILE,
  CHANGE_MODE,
  RENAME_LIBRARY,
  RENAME_SOURCE,
  WAIT,
  SPAWN_INIT,
  SPAWN_IN,
  SPAWN_OUT,
  SPAWN_ERROR,
  CALLS
} call;

static call refused;
static int signals;              /* that still come */
static int threads_at_most = -1; /* to be made; -1: any */
static bool masks_refused;

static bool refuses(call c) {
  if (refused != c) return false;
  errno = EIO;
  return true;
}

#define REAL(name) ((__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *from, size_t n) {
  if (refuses(WRITE)) return -1;
  if (refused == WRITE_LATER && signals-- > 0) return errno = EINTR, -1;
  return REAL(write)(file, from, refused == WRITE_A_PART && n > 1000 ? 1000 : n);
}

int mkstemp(char *path) { return refuses(MAKE_FILE) ? -1 : REAL(mkstemp)(path); }

int chmod(const char *path, mode_t mode) { return refuses(CHANGE_MODE) ? -1 : REAL(chmod)(path, mode); }

int rename(const char *from, const char *to) {
  const bool source = strcmp(to + strlen(to) - 2, ".c") == 0;
  return refuses(source ? RENAME_SOURCE : RENAME_LIBRARY) ? -1 : REAL(rename)(from, to);
}

pid_t waitpid(pid_t child, int *status, int options) {
  if (refused == WAIT_LATER && signals-- > 0) return errno = EINTR, -1;
  const pid_t ended = REAL(waitpid)(child, status, options);
  if (refused != WAIT) return ended;
  *status = -1;
  return errno = ECHILD, -1;
}

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions) {
  return refuses(SPAWN_INIT) ? ENOMEM : REAL(posix_spawn_file_actions_init)(actions);
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int file, const char *path, int how,
                                     mode_t mode) {
  return refuses((call)(SPAWN_IN + file))
             ? ENOMEM
             : REAL(posix_spawn_file_actions_addopen)(actions, file, path, how, mode);
}

int pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*f)(void *), void *user) {
  if (threads_at_most >= 0 && threads_at_most-- <= 0) return EAGAIN;
  return REAL(pthread_create)(id, how, f, user);
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before) {
  return masks_refused ? EINVAL : REAL(pthread_sigmask)(how, set, before);
}

/* ---- plans ---- */

/* 3 x^2 + (k + 1) x at 2: a text of its own for each k, and long enough to be written in parts. */
static dz_plan *plan_of(int k) {
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 1), y = dz_add(dz_mul(3, dz_mul(x, x)), dz_mul(k + 1, x));
  dz_plan *p = dz_plan_new(1, &y, 1, &x, NULL, NULL);
  ck_assert(p != NULL);
  dz_tape_free(t);
  return p;
}

static void expect_right(const dz_plan *p, int k) {
  const double in = 2;
  double value, g;
  void *work = malloc(dz_plan_memory(p));
  ck_assert_int_eq(dz_plan_run(p, &in, &value, &g, work), DZ_OK);
  ck_assert(value == 12 + 2 * (k + 1) && g == 12 + k + 1);
  free(work);
}

/* One try, whose message begins so; NULL: it is done. */
static void try(int k, const dz_native_options *o, const char *message) {
  dz_plan *p = plan_of(k);
  dz_error e;
  const dz_status status = dz_plan_native(p, o, &e);
  ck_assert_msg(status == (message ? DZ_ERR_FILE : DZ_OK), "%d: %s", status, e.message);
  if (message) ck_assert_msg(strncmp(e.message, message, strlen(message)) == 0, "%s", e.message);
  ck_assert(dz_plan_is_native(p) == !message);
  expect_right(p, k);
  dz_plan_free(p);
}

/* The path of what ends so in the cache; how many files there are. */
static size_t find(const char *end, char *path, size_t size) {
  DIR *d = opendir(cache);
  size_t n = 0;
  for (const struct dirent *f; (f = readdir(d));) {
    if (f->d_name[0] == '.') continue;
    n++;
    if (path && strlen(f->d_name) > strlen(end) && !strcmp(f->d_name + strlen(f->d_name) - strlen(end), end))
      snprintf(path, size, "%s/%s", cache, f->d_name);
  }
  closedir(d);
  return n;
}

static void begin(void) {
  set_up();
  unsetenv("CC");
  refused = NOTHING, threads_at_most = -1, masks_refused = false;
}

/* ---- refusals ---- */

START_TEST(calls_that_fail) {
  const dz_native_options o = {.cache = cache};
  refused = (call)_i;
  signals = 3;
  const bool compiled = refused < WAIT || refused < LEAST_REFUSED;
  try(_i, &o,
      refused < LEAST_REFUSED ? NULL
      : compiled              ? "cannot write to the cache"
                              : "there is no compiler, or it refuses the plan: cc");
  if (refused >= LEAST_REFUSED) ck_assert_uint_le(find("", NULL, 0), refused == RENAME_SOURCE);
  refused = NOTHING;
  try(_i, &o, NULL);
  ck_assert_uint_eq(find("", NULL, 0), 2);
}
END_TEST

/* ---- what stands in the cache ---- */

static void put(const char *path, const char *text, const char *how) {
  FILE *f = fopen(path, how);
  ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void shell(const char *format, const char *path) {
  char command[400];
  snprintf(command, sizeof command, format, path);
  ck_assert_int_eq(system(command), 0);
}

/* Files that are not what they seem: made anew, or refused. */
START_TEST(files_that_changed) {
  const dz_native_options o = {.cache = cache};
  char source[128], library[128];
  try(0, &o, NULL);
  find(".c", source, sizeof source);
  find(".so", library, sizeof library);
  put(source, "longer", "a");
  try(0, &o, NULL);
  put(source, "short", "w");
  try(0, &o, NULL);
  ck_assert_int_eq(truncate(source, 100), 0);
  try(0, &o, NULL);
  put(source, "!", "r+"); /* as long as before */
  try(0, &o, NULL);
  ck_assert_int_eq(unlink(library), 0);
  try(0, &o, NULL);
  ck_assert_int_eq(chmod(library, 0722), 0);
  try(0, &o, NULL);
  ck_assert_int_eq(unlink(library), 0);
  put(library, "no library", "w");
  try(0, &o, "cannot load");
  ck_assert_int_eq(unlink(library), 0);
  shell("echo 'int other;' | cc -shared -fPIC -o '%s' -x c -", library);
  try(0, &o, "cannot load");
  ck_assert(unlink(library) == 0 && mkdir(library, 0700) == 0);
  try(0, &o, "cannot write to the cache");
  ck_assert(rmdir(library) == 0 && unlink(source) == 0 && mkdir(source, 0700) == 0);
  try(0, &o, "cannot write to the cache");
  ck_assert_int_eq(rmdir(source), 0);
  try(0, &o, NULL);
}
END_TEST

START_TEST(compilers) {
  char script[128], path[160];
  const dz_native_options o = {.cache = cache, .compiler = script};
  snprintf(script, sizeof script, "%s/.cc", cache);
  put(script, "#!/bin/sh\nexit 0\n", "w"); /* writes nothing */
  ck_assert_int_eq(chmod(script, 0700), 0);
  try(0, &o, "cannot write to the cache");
  put(script, "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nln -s /bin/true \"$2\"\n", "w");
  snprintf(path, sizeof path, "%s/x", cache);
  refused = NOTHING;
  try(0, &o, "cannot"); /* no file of its own */
  setenv("CC", script, 1);
  try(0, &(dz_native_options){.cache = cache}, "cannot");
  setenv("CC", "", 1);
  try(1, &(dz_native_options){.cache = cache}, NULL);
  unsetenv("CC");
}
END_TEST

/* ---- where the cache is ---- */

START_TEST(directories) {
  char path[1200], name[128];
  memset(path, 'x', sizeof path);
  path[0] = '/', path[sizeof path - 1] = 0;
  try(0, &(dz_native_options){.cache = path}, "the path is too long");
  snprintf(path, sizeof path, "%s/file", cache);
  put(path, "", "w");
  try(0, &(dz_native_options){.cache = path}, "the cache directory does not belong to you alone");
  snprintf(path, sizeof path, "%s/file/below", cache);
  try(0, &(dz_native_options){.cache = path}, "cannot make the directory");
  snprintf(path, sizeof path, "%s/far/below", cache);
  try(0, &(dz_native_options){.cache = path}, NULL);
  ck_assert_int_eq(chmod(path, 0720), 0);
  try(0, &(dz_native_options){.cache = path}, "the cache directory does not belong to you alone");
  if (geteuid() == 0) ck_assert(chmod(path, 0700) == 0 && chown(path, 1, 1) == 0);
  try(0, &(dz_native_options){.cache = geteuid() == 0 ? path : "/"},
      "the cache directory does not belong to you alone");
  setenv("XDG_CACHE_HOME", cache, 1);
  try(0, NULL, NULL);
  snprintf(name, sizeof name, "%s/dz", cache);
  ck_assert_int_eq(access(name, F_OK), 0);
  setenv("HOME", cache, 1);
  setenv("XDG_CACHE_HOME", "here", 1);
  try(0, &(dz_native_options){.compiler = "cc"}, NULL);
  unsetenv("XDG_CACHE_HOME");
  try(0, NULL, NULL);
  snprintf(name, sizeof name, "%s/.cache/dz", cache);
  ck_assert_int_eq(access(name, F_OK), 0);
  setenv("HOME", "there", 1);
  try(0, NULL, "there is no cache directory");
  unsetenv("HOME");
  try(0, NULL, "there is no cache directory");
}
END_TEST

/* What a compiler is told of the surroundings: also where there is nothing, or too much. */
START_TEST(surroundings) {
  static char much[5000];
  const char *const paths[] = {NULL, "/usr/bin:/bin", much}, *const folders[] = {NULL, "/tmp", much};
  const dz_native_options o = {.cache = cache, .compiler = "/usr/bin/cc"};
  if (access("/usr/bin/cc", X_OK)) return;
  memset(much, '/', sizeof much - 1);
  for (int k = 0; k < 3; k++) {
    if (paths[k]) setenv("PATH", paths[k], 1);
    if (!paths[k]) unsetenv("PATH");
    if (folders[k]) setenv("TMPDIR", folders[k], 1);
    if (!folders[k]) unsetenv("TMPDIR");
    try(k, &o, NULL);
  }
  setenv("PATH", "/usr/bin:/bin", 1);
  unsetenv("TMPDIR");
}
END_TEST

/* ---- processors and threads ---- */

START_TEST(processors) {
#if defined(DZ_LANES_X86)
  dz__machine *const all[] = {dz__run_lanes, dz__run_lanes_avx2, dz__machine_here()};
  for (int k = 0; k < 3; k++) {
    if (k == 1 && dz__machine_here() == dz__run_lanes) continue;
    dz_plan *p = plan_of(k);
    p->lanes = all[k];
    ck_assert_int_eq(dz_plan_native(p, &(dz_native_options){.cache = cache}, NULL), DZ_OK);
    expect_right(p, k);
    dz_plan_free(p);
  }
#endif
  dz_plan *p = plan_of(0);
  p->facts.instructions = 300001;
  ck_assert_int_eq(dz_plan_native(p, NULL, NULL), DZ_ERR_LIMIT);
  dz_plan_free(p);
}
END_TEST

/* As if the processor lacked what newer ones have; where the compiler's library keeps that is known for
 * gcc's. */
#if defined(DZ_LANES_X86) && defined(__GLIBC__)
extern struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;

START_TEST(older_processors) {
  enum { AVX2 = 1 << 10, FMA = 1 << 14, F = 1 << 15, VL = 1 << 20, BW = 1 << 21, DQ = 1 << 22 };
  static const unsigned wide[] = {F, VL, BW, DQ};
  __builtin_cpu_init();
  const unsigned own = __cpu_model.features[0], all = own | AVX2 | FMA | F | VL | BW | DQ;
  ck_assert_int_eq(!!(own & AVX2), !!__builtin_cpu_supports("avx2"));
  __cpu_model.features[0] = all;
  ck_assert(dz__machine_here() == dz__run_lanes_avx512);
  ck_assert_int_eq(dz__machine_isa(dz__machine_quick()), DZ__AVX512);
  for (size_t k = 0; k < COUNT(wide); k++) {
    __cpu_model.features[0] = all & ~wide[k];
    ck_assert(dz__machine_here() == dz__run_lanes_avx2);
    ck_assert_int_eq(dz__machine_isa(dz__machine_quick()), DZ__AVX2);
  }
  __cpu_model.features[0] = all & ~(unsigned)AVX2;
  ck_assert(dz__machine_here() == dz__run_lanes);
  __cpu_model.features[0] = all & ~(unsigned)FMA;
  ck_assert(dz__machine_here() == dz__run_lanes);
  ck_assert_int_eq(dz__machine_isa(dz__machine_quick()), DZ__BASE);
  __cpu_model.features[0] = own;
}
END_TEST
#else
START_TEST(older_processors) { ck_assert(dz__machine_here() != NULL); }
END_TEST
#endif

/* Fewer threads than were asked for, or none. */
#if defined(DZ_THREADS)
enum { SHARED = true };
#else
enum { SHARED = false };
#endif

START_TEST(threads) {
  enum { N = 20000 };
  dz_tape *t = dz_tape_new(NULL);
  const dz_var x = dz_input(t, 3);
  dz_var y = dz_num(0);
  for (int k = 0; k < N; k++)
    y = dz_add(y, dz_fabs(dz_mul(dz_add(dz_mul(x, x), dz_mul(x, k % 5 - 7)), k % 3 + 1)));
  ck_assert_int_eq(dz_backward(y), DZ_OK);
  for (int most = -1; most < 3; most++) {
    const double in = 3;
    double value, g;
    threads_at_most = most, masks_refused = most == -1;
    dz_plan *p = dz_plan_new(1, &y, 1, &x, &(dz_plan_options){.threads = 3}, NULL);
    threads_at_most = -1, masks_refused = false;
    void *work = malloc(dz_plan_memory(p));
    ck_assert_int_eq(dz_plan_run(p, &in, &value, &g, work), DZ_OK);
    ck_assert(value == dz_value(y) && g == dz_adjoint(x) && (p->crew != NULL) == (SHARED && most > 0));
    free(work);
    dz_plan_free(p);
  }
  dz_tape_free(t);
}
END_TEST

SUITE_BETWEEN(begin, tear_down, EACH(calls_that_fail, CALLS), ONCE(files_that_changed), ONCE(compilers),
              ONCE(directories), ONCE(surroundings), ONCE(processors), ONCE(older_processors), ONCE(threads))
