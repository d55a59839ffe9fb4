#define _GNU_SOURCE
#include "inside.h"

#include "../../tools/cli/input.h"
#include "../../tools/cli/message.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_MPFR
#include <mpfr.h>
#endif

/* Live blocks at a time, what is said at most, calls before it counts as endless, files. */
enum { BLOCKS = 1 << 16, SAID = 1 << 16, CALLS = 200000, FILES = 256 };

typedef struct block {
  void *at;
  size_t size;
} block;

static struct {
  const inside *world;
  jmp_buf end;
  bool running, leaving; /* leaving: it has ended, and only its static variables are set back */
  int status;
  size_t calls, io, read;
  failing memory;
  block blocks[BLOCKS];
  size_t used[BLOCKS], uses; /* entries of blocks that are not as they were */
  bool files[FILES];         /* open, by number */
  char out[SAID], err[SAID];
  size_t out_size, err_size;
} now;

int __real_main(int argc, char **argv);
void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
int __real_open(const char *path, int flags, ...);
ssize_t __real_read(int file, void *to, size_t size);
ssize_t __real_write(int file, const void *from, size_t size);
int __real_close(int file);
FILE *__real_fopen(const char *path, const char *mode);
int __real_mkstemp(char *path);
int __real_stat(const char *path, struct stat *st);
int __real_access(const char *path, int mode);
char *__real_realpath(const char *path, char *to);
int __real_mkdir(const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
int __real_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int __real_unlink(const char *path);
int __real_fchmod(int file, mode_t mode);
int __real_fsync(int file);
int __real_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *how, char *const argv[], char *const environment[]);
int __real_sigaction(int number, const struct sigaction *to, struct sigaction *before);
time_t __real_time(time_t *to);
int __real_clock_gettime(clockid_t which, struct timespec *to);

/* Other libraries' blocks are lost where dz ends in the midst of one. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

/* ---- memory ---- */

/* Open addressing; a hole ends a search, so what is taken out is marked. */
static char taken_out;

static block *find(const void *p) {
  size_t i = (uintptr_t)p / 16 * 0x9e3779b9u % BLOCKS;
  for (size_t n = 0; n < BLOCKS && now.blocks[i].at; n++, i = (i + 1) % BLOCKS)
    if (now.blocks[i].at == p) return &now.blocks[i];
  return NULL;
}

static bool enter(void *p, size_t size) {
  size_t i = (uintptr_t)p / 16 * 0x9e3779b9u % BLOCKS;
  for (size_t n = 0; n < BLOCKS; n++, i = (i + 1) % BLOCKS)
    if (!now.blocks[i].at || now.blocks[i].at == &taken_out) {
      if (!now.blocks[i].at) now.used[now.uses++] = i;
      now.blocks[i] = (block){p, size};
      return true;
    }
  return false;
}

static void leave(block *b) {
  now.memory.bytes -= b->size;
  *b = (block){&taken_out, 0};
}

static void spend(void) {
  if (!now.running || ++now.calls < CALLS) return;
  now.status = INSIDE_ENDLESS;
  now.running = false;
  longjmp(now.end, 1);
}

void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size) {
  if (!now.running) return __real_realloc(old, size);
  spend();
  block *b = old ? find(old) : NULL;
  if (old && !b) return __real_realloc(old, size); /* of libc, or of another library */
  if (failing_refuses(&now.memory, size)) {
    errno = ENOMEM;
    return NULL;
  }
  void *p = __real_malloc(size);
  if (!p || !enter(p, size)) ck_abort_msg("no room for the test itself");
  now.memory.bytes += size;
  if (b) {
    memcpy(p, old, b->size < size ? b->size : size);
    leave(b);
    __real_free(old);
  }
  return p;
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return __wrap_realloc(NULL, size); }

void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) {
  void *p =
      size && count > SIZE_MAX / size ? NULL : __wrap_realloc(NULL, count * size > 0 ? count * size : 1);
  if (p) memset(p, 0, count * size);
  return p;
}

void __wrap_free(void *p);
void __wrap_free(void *p) {
  block *b = p && (now.running || now.leaving) ? find(p) : NULL;
  if (b) leave(b);
  if (b || !now.leaving) __real_free(p); /* when leaving, a variable may still name what is gone */
}

static void free_all(void) {
  while (now.uses > 0) {
    block *b = &now.blocks[now.used[--now.uses]];
    if (b->at != &taken_out) __real_free(b->at);
    *b = (block){NULL, 0};
  }
}

/* ---- files ---- */

static bool io_fails(int error) {
  spend();
  if (++now.io != now.world->io) return false;
  errno = error;
  return true;
}

static int opened(int file) {
  if (file >= 0 && file < FILES) now.files[file] = true;
  return file;
}

static void close_all(void) {
  for (int file = 0; file < FILES; file++) {
    if (now.files[file]) __real_close(file);
    now.files[file] = false;
  }
}

static bool is_input(const char *path) { return path[0] == 'f' && path[1] == '.'; }

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  if (!now.running) return __real_open(path, flags, 0600);
  spend();
  if (flags & (O_CREAT | O_WRONLY | O_RDWR))
    return opened(__real_open("/dev/null", flags & ~(O_CREAT | O_EXCL | O_TRUNC)));
  if (is_input(path)) {
    const int file = memfd_create("f", 0);
    if (__real_write(file, now.world->file, now.world->size) < 0) ck_abort_msg("no memory file");
    lseek(file, 0, SEEK_SET);
    return opened(file);
  }
  errno = ENOENT;
  return -1;
}

/* What the calls are named where files may be larger than 2 GiB. */
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) { return __wrap_open(path, flags); }

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode) {
  if (!now.running) return __real_fopen(path, mode);
  errno = ENOENT;
  return NULL;
}

int __wrap_mkstemp(char *path);
int __wrap_mkstemp(char *path) {
  if (!now.running) return __real_mkstemp(path);
  return io_fails(EACCES) ? -1 : opened(__real_open("/dev/null", O_WRONLY));
}

FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode) { return __wrap_fopen(path, mode); }

int __wrap_mkstemp64(char *path);
int __wrap_mkstemp64(char *path) { return __wrap_mkstemp(path); }

int __wrap_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st) {
  if (!now.running) return __real_stat(path, st);
  errno = ENOENT;
  return -1;
}

int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st) { return __wrap_stat(path, st); }

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode) {
  if (!now.running) return __real_access(path, mode);
  return is_input(path) || strcmp(path, ".") == 0 ? 0 : -1;
}

char *__wrap_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to) {
  if (!now.running) return __real_realpath(path, to);
  return NULL;
}

int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode) {
  if (!now.running) return __real_mkdir(path, mode);
  return io_fails(EACCES) ? -1 : 0;
}

int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
  if (!now.running) return __real_rename(from, to);
  return io_fails(EROFS) ? -1 : 0;
}

int __wrap_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int __wrap_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  if (!now.running) return __real_linkat(from_folder, from, to_folder, to, flags);
  return io_fails(EROFS) ? -1 : 0;
}

int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path) {
  if (!now.running) return __real_unlink(path);
  return 0;
}

int __wrap_fchmod(int file, mode_t mode);
int __wrap_fchmod(int file, mode_t mode) {
  if (!now.running) return __real_fchmod(file, mode);
  return 0;
}

int __wrap_fsync(int file);
int __wrap_fsync(int file) {
  if (!now.running) return __real_fsync(file);
  return io_fails(EIO) ? -1 : 0;
}

int __wrap_close(int file);
int __wrap_close(int file) {
  if (!now.running) return __real_close(file);
  const bool fails = io_fails(EIO);
  if (file >= 0 && file < FILES) now.files[file] = false;
  return __real_close(file) || fails ? -1 : 0;
}

ssize_t __wrap_read(int file, void *to, size_t size);
ssize_t __wrap_read(int file, void *to, size_t size) {
  if (!now.running || file != STDIN_FILENO) return __real_read(file, to, size);
  spend();
  const size_t left = now.world->size - now.read, n = size < left ? size : left;
  if (n > 0) memcpy(to, now.world->file + now.read, n);
  now.read += n;
  return (ssize_t)n;
}

static void keep(char *all, size_t *total, const void *from, size_t size) {
  const size_t n = size < SAID - 1 - *total ? size : SAID - 1 - *total;
  memcpy(all + *total, from, n);
  all[ *total += n] = '\0';
}

ssize_t __wrap_write(int file, const void *from, size_t size);
ssize_t __wrap_write(int file, const void *from, size_t size) {
  if (!now.running) return __real_write(file, from, size);
  if (file != STDERR_FILENO && io_fails(ENOSPC)) return -1;
  if (file == STDOUT_FILENO) keep(now.out, &now.out_size, from, size);
  if (file == STDERR_FILENO) keep(now.err, &now.err_size, from, size);
  return (ssize_t)size;
}

/* ---- processes ---- */

_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap__exit(int status) {
  if (!now.running) ck_abort_msg("an exit of its own");
  now.status = status;
  now.running = false;
  longjmp(now.end, 1);
}

int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *how, char *const argv[], char *const environment[]);
int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *how, char *const argv[], char *const environment[]) {
  if (!now.running) return __real_posix_spawnp(pid, file, actions, how, argv, environment);
  return ENOENT;
}

int __wrap_sigaction(int number, const struct sigaction *to, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *to, struct sigaction *before) {
  if (!now.running) return __real_sigaction(number, to, before);
  if (before) memset(before, 0, sizeof *before);
  return 0;
}

/* Loops that allocate nothing ask for the time. */
time_t __wrap_time(time_t *to);
time_t __wrap_time(time_t *to) {
  if (!now.running) return __real_time(to);
  now.calls += CALLS / 200;
  spend();
  return 1000000000;
}

int __wrap_clock_gettime(clockid_t which, struct timespec *to);
int __wrap_clock_gettime(clockid_t which, struct timespec *to) {
  if (!now.running) return __real_clock_gettime(which, to);
  spend();
  *to = (struct timespec){(time_t)(now.calls / 100), 0};
  return 0;
}

/* ---- what it says ---- */

static bool asked_for_json(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--json") == 0) return true;
  return false;
}

static void check_said(int argc, char **argv) {
  if (now.status == INSIDE_ENDLESS) return;
  ck_assert(now.status >= 0 && now.status <= 4);
  const bool lost = now.io >= now.world->io && now.world->io > 0;
  if (now.status >= 2 && strncmp(now.err, "dz: ", 4) != 0 && !lost)
    ck_abort_msg("status %d, and it says\n%s", now.status, now.err);
  for (size_t i = 0; i < now.err_size; i++)
    if ((unsigned char)now.err[i] < 32 && now.err[i] != '\n')
      ck_abort_msg("a control character in a message:\n%s", now.err);
  if (now.memory.failed == 0 && strcmp(now.err, "dz: out of memory\n") == 0)
    ck_abort_msg("memory was there:\n%s", now.err);
  if (now.status != 0 || !asked_for_json(argc, argv) || now.out_size == SAID - 1 || now.out[0] != '{') return;
  cJSON *json = cJSON_Parse(now.out);
  if (!json && now.memory.failed == 0) ck_abort_msg("no JSON:\n%s", now.out);
  cJSON_Delete(json);
}

static void set_back(void) {
  now.leaving = true;
  at_end(NULL);
  notes_forget();
  data_free();
#ifdef HAVE_MPFR
  mpfr_mp_memory_cleanup(); /* it keeps blocks for the next call */
#endif
  now.leaving = false;
}

int inside_run(const inside *world, int argc, char **argv) {
  static cJSON_Hooks hooks = {__wrap_malloc, __wrap_free};
  now.world = world;
  now.memory = world->memory;
  now.status = 0;
  now.calls = now.io = now.read = now.out_size = now.err_size = 0;
  now.out[0] = now.err[0] = '\0';
  cJSON_InitHooks(&hooks);
  if (setjmp(now.end) == 0) {
    now.running = true;
    now.status = __real_main(argc, argv);
    now.running = false;
  }
  set_back();
  free_all();
  close_all();
  check_said(argc, argv);
  return now.status;
}

#ifdef FUZZ_LIBFUZZER
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *data, size_t size));
int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv) { return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput); }
#endif
