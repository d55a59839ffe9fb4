/* Native code: the plan's C, compiled by the system's compiler and loaded. */
#define _POSIX_C_SOURCE 200809L
#include "plan/emit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH = 1024, MOST_COMPILED = 300000 };

typedef struct text {
  const dz_allocator *alloc;
  char *at;
  size_t n, cap;
} text;

typedef struct paths {
  char directory[PATH], source[PATH + 64], library[PATH + 64], fresh[PATH + 64];
} paths;

static bool append(void *user, const char *more, size_t n) {
  text *t = user;
  if (!dz__grow(t->alloc, (void **)&t->at, &t->cap, t->n + n, 1)) return false;
  memcpy(t->at + t->n, more, n);
  t->n += n;
  return true;
}

/* The same instructions as the machine's, so the same numbers: nothing that relaxes IEEE rules; contraction
   where the plan is to be quick. Of sin and cos gcc would make one function, for which a chain of operations
   waits longer; and of 32 bits the older unit would round to more than a double. */
static const char *const common[] = {"-std=c99",
                                     "-O2",
#if defined(__i386__)
                                     "-msse2",
                                     "-mfpmath=sse",
#endif
                                     "-ftree-vectorize",
                                     "-fno-math-errno",
                                     "-fno-trapping-math",
                                     "-fno-builtin-cos",
                                     "-fPIC",
                                     "-shared",
                                     "-w"};
#if defined(DZ_LANES_X86)
static const char *const wide[] = {"-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw",
                                   "-mprefer-vector-width=512"};
static const char *const narrow[] = {"-mavx2", "-mfma"};
#endif

typedef struct command {
  const char *word[32];
  size_t n;
} command;

static command compile_command(const dz_plan *p, const char *compiler) {
  command c = {{compiler}, 1};
  for (size_t k = 0; k < sizeof common / sizeof *common; k++) c.word[c.n++] = common[k];
  c.word[c.n++] = dz__machine_is_quick(p->lanes) ? "-ffp-contract=fast" : "-ffp-contract=off";
#if defined(DZ_LANES_X86)
  dz__isa isa = dz__machine_isa(p->lanes);
  if (isa == DZ__AVX512)
    for (size_t k = 0; k < sizeof wide / sizeof *wide; k++) c.word[c.n++] = wide[k];
  else if (isa == DZ__AVX2)
    for (size_t k = 0; k < sizeof narrow / sizeof *narrow; k++) c.word[c.n++] = narrow[k];
#else
  (void)p;
#endif
  return c;
}

/* ---- the cache ---- */

static dz_status refuse(dz_error *e, const char *why, const char *what) {
  return dz__fail(e, DZ_ERR_FILE, "native", "%s: %s", why, what);
}

/* Ours, and for nobody else to write. */
static bool is_private(const char *path, bool directory) {
  struct stat s;
  if (lstat(path, &s)) return false;
  return s.st_uid == geteuid() && !(s.st_mode & (S_IWGRP | S_IWOTH)) &&
         (directory ? S_ISDIR(s.st_mode) : S_ISREG(s.st_mode));
}

static dz_status find_directory(const dz_native_options *o, paths *at, dz_error *e) {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int n;
  if (o && o->cache)
    n = snprintf(at->directory, sizeof at->directory, "%s", o->cache);
  else if (cache && cache[0] == '/')
    n = snprintf(at->directory, sizeof at->directory, "%s/dz", cache);
  else if (home && home[0] == '/')
    n = snprintf(at->directory, sizeof at->directory, "%s/.cache/dz", home);
  else
    return refuse(e, "there is no cache directory", "neither XDG_CACHE_HOME nor HOME is set");
  if ((size_t)n >= sizeof at->directory) return refuse(e, "the path is too long", "cache directory");
  for (char *s = at->directory + 1; *s; s++) {
    if (*s != '/') continue;
    *s = 0;
    mkdir(at->directory, 0700);
    *s = '/';
  }
  if (mkdir(at->directory, 0700) && errno != EEXIST)
    return refuse(e, "cannot make the directory", at->directory);
  if (!is_private(at->directory, true))
    return refuse(e, "the cache directory does not belong to you alone", at->directory);
  return DZ_OK;
}

static uint64_t hash(uint64_t h, const char *s, size_t n) {
  for (size_t k = 0; k < n; k++) h = (h ^ (unsigned char)s[k]) * 0x100000001b3u;
  return h ^ h >> 29;
}

static void name_files(paths *at, const text *t, const command *c) {
  uint64_t h = 0xcbf29ce484222325u, g = 0x9e3779b97f4a7c15u;
  for (size_t k = 0; k < c->n; k++) h = hash(h, c->word[k], strlen(c->word[k]) + 1);
  h = hash(h, t->at, t->n);
  g = hash(g ^ h, t->at, t->n);
  char name[40];
  snprintf(name, sizeof name, "%08lx%08lx%08lx", (unsigned long)(h >> 32), (unsigned long)(h & 0xffffffff),
           (unsigned long)(g & 0xffffffff));
  snprintf(at->source, sizeof at->source, "%s/%s.c", at->directory, name);
  snprintf(at->library, sizeof at->library, "%s/%s.so", at->directory, name);
  snprintf(at->fresh, sizeof at->fresh, "%s/%s.XXXXXX", at->directory, name);
}

/* Whether the file holds just this text: a hash alone is no proof. */
static bool holds(const char *path, const text *t) {
  char piece[4096];
  size_t at = 0;
  int file = is_private(path, false) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
  if (file < 0) return false;
  bool same = true;
  for (ssize_t n; same && (n = read(file, piece, sizeof piece)) > 0; at += (size_t)n)
    same = (size_t)n <= t->n - at && memcmp(t->at + at, piece, (size_t)n) == 0;
  close(file);
  return same && at == t->n;
}

static bool write_all(int file, const text *t) {
  for (size_t at = 0; at < t->n;) {
    ssize_t n = write(file, t->at + at, t->n - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += (size_t)n;
  }
  return true;
}

/* ---- compiling ---- */

/* What a compiler needs to know of ours. */
typedef struct surroundings {
  char path[4096], folder[PATH];
  char *list[3];
} surroundings;

static void surround(surroundings *s) {
  const char *path = getenv("PATH"), *folder = getenv("TMPDIR");
  int n = snprintf(s->path, sizeof s->path, "PATH=%s", path ? path : "/usr/bin:/bin");
  if ((size_t)n >= sizeof s->path) memcpy(s->path, "PATH=/usr/bin:/bin", 19);
  n = snprintf(s->folder, sizeof s->folder, "TMPDIR=%s", folder ? folder : "/tmp");
  if ((size_t)n >= sizeof s->folder) memcpy(s->folder, "TMPDIR=/tmp", 12);
  s->list[0] = s->path;
  s->list[1] = s->folder;
  s->list[2] = NULL;
}

static bool run(const command *c) {
  posix_spawn_file_actions_t quiet;
  pid_t child;
  int status = -1;
  surroundings near;
  surround(&near);
  if (posix_spawn_file_actions_init(&quiet)) return false;
  char *words[33];
  for (size_t k = 0; k < c->n; k++) words[k] = (char *)(uintptr_t)c->word[k];
  words[c->n] = NULL;
  bool ready = !posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0) &&
               !posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0) &&
               !posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  if (ready && posix_spawnp(&child, words[0], &quiet, NULL, words, near.list) == 0)
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  posix_spawn_file_actions_destroy(&quiet);
  return status == 0;
}

/* Under names of their own first, and in place at once: two processes may do this at the same time. */
static dz_status compile(const paths *at, const text *t, command c, dz_error *e) {
  char source[sizeof at->fresh], library[sizeof at->fresh + 4];
  memcpy(source, at->fresh, sizeof source);
  int file = mkstemp(source);
  if (file < 0) return refuse(e, "cannot write to the cache", at->directory);
  snprintf(library, sizeof library, "%s.so", source);
  bool good = write_all(file, t);
  good &= close(file) == 0;
  const char *more[] = {"-x", "c", source, "-o", library, "-lm"};
  for (size_t k = 0; k < sizeof more / sizeof *more; k++) c.word[c.n++] = more[k];
  dz_status status = good ? DZ_OK : refuse(e, "cannot write to the cache", at->directory);
  if (good && !run(&c)) status = refuse(e, "there is no compiler, or it refuses the plan", c.word[0]);
  if (!status && (chmod(library, 0700) || rename(library, at->library) || rename(source, at->source)))
    status = refuse(e, "cannot write to the cache", at->directory);
  if (status) {
    unlink(source);
    unlink(library);
  }
  return status;
}

/* ---- loading ---- */

static dz_status load(dz_plan *p, const paths *at, dz_error *e) {
  const dz_allocator *a = &p->alloc;
  dz__spots size = dz__data_size(p);
  dz__native *n = p->native = dz__alloc(a, sizeof *n);
  if (!n) return dz__fail(e, DZ_ERR_MEMORY, "native", "out of memory");
  *n = (dz__native){.tables = size.table + DZ__LINE / sizeof(double) + 1, .indexes = size.index + 1};
  n->table = dz__alloc(a, n->tables * sizeof *n->table);
  n->index = dz__alloc(a, n->indexes * sizeof *n->index);
  if (!n->table || !n->index) return dz__fail(e, DZ_ERR_MEMORY, "native", "out of memory");
  dz__emit_data(p, dz__lined(n->table), n->index);
  n->library = is_private(at->library, false) ? dlopen(at->library, RTLD_NOW | RTLD_LOCAL) : NULL;
  void *f = n->library ? dlsym(n->library, "dz_all") : NULL;
  if (!f) return refuse(e, "cannot load", at->library);
  memcpy(&n->run, &f, sizeof f);
  f = dlsym(n->library, "dz_map");
  memcpy(&n->map, &f, sizeof f);
  return DZ_OK;
}

void dz__native_free(dz_plan *p) {
  dz__native *n = p->native;
  if (!n) return;
  if (n->library) dlclose(n->library);
  dz__free(&p->alloc, n->table, n->tables * sizeof *n->table);
  dz__free(&p->alloc, n->index, n->indexes * sizeof *n->index);
  dz__free(&p->alloc, n, sizeof *n);
  p->native = NULL;
}

static dz_status make(dz_plan *p, const dz_native_options *o, text *t, dz_error *e) {
  paths at;
  const char *compiler = o && o->compiler ? o->compiler : getenv("CC");
  command c = compile_command(p, compiler && compiler[0] ? compiler : "cc");
  dz_emit_options how = {.name = "dz"};
  if (dz__emit_plan(p, &how, true, append, t)) return dz__fail(e, DZ_ERR_MEMORY, "native", "out of memory");
  dz_status status = find_directory(o, &at, e);
  if (status) return status;
  name_files(&at, t, &c);
  if (!holds(at.source, t) || !is_private(at.library, false)) status = compile(&at, t, c, e);
  if (!status) status = load(p, &at, e);
  if (status) dz__native_free(p);
  return status;
}

dz_status dz_plan_native(dz_plan *p, const dz_native_options *o, dz_error *e) {
  dz_error own, *error = e ? e : &own;
  *error = (dz_error){.status = DZ_OK};
  if (!p) return dz__fail(error, DZ_ERR_ARGUMENT, "native", "the plan is NULL");
  if (p->native) return DZ_OK;
  if (p->whole)
    return dz__fail(error, DZ_ERR_ARGUMENT, "native",
                    "a plan of whole tensors has no native code: make it with DZ_TENSORS_APART");
  if (p->program.outsides)
    return dz__fail(error, DZ_ERR_ARGUMENT, "native",
                    "native code cannot call '%s', which C functions compute",
                    p->program.outside[0].op->name);
  if (p->facts.instructions > MOST_COMPILED)
    return dz__fail(error, DZ_ERR_LIMIT, "native",
                    "%zu different instructions would keep the compiler busy too long",
                    p->facts.instructions);
  text t = {.alloc = &p->alloc};
  dz_status status = make(p, o, &t, error);
  dz__free(&p->alloc, t.at, t.cap);
  return status;
}

bool dz_plan_is_native(const dz_plan *p) { return p && p->native; }
