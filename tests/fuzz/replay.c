/* Runs a fuzz target where libFuzzer is not: on files, or on all files of folders; and with --draw N on N
   inputs that are drawn by changing those a little, the same ones in every run.

       TARGET [--draw N] PATH... */
#include "dice.h"
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

typedef struct sample {
  uint8_t *data;
  size_t size;
} sample;

typedef struct samples {
  sample *at;
  size_t count;
} samples;

static void keep(samples *s, const char *path) {
  FILE *file = fopen(path, "rb");
  sample one = {NULL, 0};
  uint8_t block[4096];
  if (!file) ck_abort_msg("cannot read %s", path);
  for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0; one.size += n) {
    one.data = realloc(one.data, one.size + n);
    memcpy(one.data + one.size, block, n);
  }
  fclose(file);
  s->at = realloc(s->at, (s->count + 1) * sizeof *s->at);
  s->at[s->count++] = one;
}

/* In an order that the file system does not choose. */
static int by_name(const struct dirent **x, const struct dirent **y) {
  return strcmp((*x)->d_name, (*y)->d_name);
}
static int is_shown(const struct dirent *x) { return x->d_name[0] != '.'; }

static void keep_folder(samples *s, const char *path) {
  struct dirent **names;
  const int n = scandir(path, &names, is_shown, by_name);
  for (int i = 0; i < n; i++) {
    char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", path, names[i]->d_name);
    keep(s, whole);
    free(names[i]);
  }
  if (n >= 0) free(names);
}

/* On a block of its own size, so that a sanitizer sees what reads beyond it. */
static void run(const uint8_t *data, size_t size) {
  uint8_t *exact = malloc(size + (size == 0));
  if (size > 0) memcpy(exact, data, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

/* A part of one sample, then a part of another, some bytes changed. */
static void draw(const samples *s) {
  enum { MOST = 1 << 12 };
  static uint8_t mixed[2 * MOST];
  size_t size = 0;
  for (int part = 0; part < 2; part++) {
    const sample *from = &s->at[dice() % s->count];
    size_t n = from->size > MOST ? MOST : from->size;
    n = dice() % 4 == 0 ? dice() % (n + 1) : n;
    if (n > 0) memcpy(mixed + size, from->data, n);
    size += n;
    if (dice() % 2) break;
  }
  for (uint64_t changes = dice() % 4; changes > 0 && size > 0; changes--)
    mixed[dice() % size] = dice() % 2 ? (uint8_t)dice() : (uint8_t)(mixed[dice() % size] + 1);
  run(mixed, size);
}

static int replay(int argc, char **argv) {
  samples s = {NULL, 0};
  unsigned long drawn = 0;
  for (int i = 1; i < argc; i++) {
    struct stat st;
    if (strcmp(argv[i], "--draw") == 0 && i + 1 < argc)
      drawn = strtoul(argv[++i], NULL, 10);
    else if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
      keep_folder(&s, argv[i]);
    else
      keep(&s, argv[i]);
  }
  for (size_t i = 0; i < s.count; i++) run(s.at[i].data, s.at[i].size);
  for (unsigned long i = 0; i < drawn && s.count > 0; i++) draw(&s);
  printf("%zu inputs kept, %lu drawn\n", s.count, drawn);
  for (size_t i = 0; i < s.count; i++) free(s.at[i].data);
  free(s.at);
  return s.count == 0;
}

#ifdef FUZZ_WRAPPED_MAIN /* `main` is dz's own: see command.c */
int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv) { return replay(argc, argv); }
#else
int main(int argc, char **argv) { return replay(argc, argv); }
#endif
