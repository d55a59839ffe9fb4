/* digits: shows one picture. digits FOLDER: small synthetic characters in IDX files with the names and the
   form of the MNIST digits, for machines without a network: 1000 pictures to learn from and 200 to be asked
   about. Each is a digit of strokes in a place, a thickness and an ink of its own, with specks of dirt. The
   same files everywhere. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { SIDE = 28, LEARN = 1000, ASK = 200 };

/* Strokes between points of a grid, x from 0 to 4 and y from 0 (above) to 6: "x y x y …" of each digit. */
static const char *const strokes[10] = {
    "10 30 41 45 36 16 05 01 10",    "12 20 26",    "01 10 30 41 42 06 46",
    "00 40 22 33 44 45 36 16 05",    "36 30 04 44", "40 00 03 33 44 45 36 16 05",
    "30 10 01 05 16 36 45 44 33 03", "00 40 16",    "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33",
    "43 13 02 01 10 30 41 45 36 16"};

static uint64_t state = 1;

/* 0 to 1: a linear congruential generator's high bits (Knuth, MMIX constants). */
static double uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 11) / 9007199254740992.0;
}

static double between(double low, double high) { return low + (high - low) * uniform(); }

/* The distance of (x, y) from the stretch between two points. */
static double distance(double x, double y, const double *a, const double *b) {
  double u = b[0] - a[0], v = b[1] - a[1], t = ((x - a[0]) * u + (y - a[1]) * v) / (u * u + v * v);
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  u = x - a[0] - t * u;
  v = y - a[1] - t * v;
  return sqrt(u * u + v * v);
}

/* A grid point where this picture has it: scaled, slanted, shifted. */
static void place(const char *s, const double *how, double *p) {
  double x = s[0] - '0' - 2, y = s[1] - '0' - 3;
  p[0] = how[0] + how[2] * x - how[4] * y;
  p[1] = how[1] + how[3] * y;
}

static void draw(int digit, unsigned char *picture) {
  const double how[] = {between(11.5, 15.5), between(11.5, 15.5), between(2, 3.2), between(2.2, 3.2),
                        between(-.6, .6)};
  double thick = between(.7, 1.6), ink = between(150, 255);
  for (int i = 0; i < SIDE * SIDE; i++) {
    double nearest = SIDE;
    for (const char *s = strokes[digit]; s[2] != '\0'; s += 3) {
      double a[2], b[2];
      place(s, how, a);
      place(s + 3, how, b);
      nearest = fmin(nearest, distance(i % SIDE, i / SIDE, a, b));
    }
    double dirt = uniform() < .02 ? between(0, 120) : 0, value = ink * (thick + .5 - nearest);
    picture[i] = (unsigned char)fmax(dirt, fmin(fmax(value, 0), ink));
  }
}

static FILE *file(const char *folder, const char *set, const char *kind) {
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/%s-%s", folder, set, kind) >= sizeof path) return NULL;
  return fopen(path, "wb");
}

/* The head of an IDX file of bytes: 0, 0, the type, the number of axes, and the extents. */
static void head(FILE *f, int axes, int count) {
  const int extents[] = {count, SIDE, SIDE};
  const unsigned char start[] = {0, 0, 8, (unsigned char)axes};
  fwrite(start, 1, sizeof start, f);
  for (int k = 0; k < axes; k++)
    for (int shift = 24; shift >= 0; shift -= 8) putc(extents[k] >> shift & 0xff, f);
}

static int make(const char *folder, const char *set, int count) {
  FILE *pictures = file(folder, set, "images-idx3-ubyte"), *labels = file(folder, set, "labels-idx1-ubyte");
  if (!pictures || !labels) {
    perror(folder);
    return 1;
  }
  head(pictures, 3, count);
  head(labels, 1, count);
  for (int i = 0; i < count; i++) {
    unsigned char picture[SIDE * SIDE];
    int digit = (int)(10 * uniform());
    draw(digit, picture);
    fwrite(picture, 1, sizeof picture, pictures);
    putc(digit, labels);
  }
  int bad = ferror(pictures) | ferror(labels);
  bad |= fclose(pictures) | fclose(labels);
  if (bad) perror(folder);
  return bad != 0;
}

/* One in characters, two rows of the picture to a line. */
static void show(int digit) {
  unsigned char picture[SIDE * SIDE];
  draw(digit, picture);
  for (int y = 0; y < SIDE; y += 2) {
    char line[SIDE + 1] = "";
    for (int x = 0; x < SIDE; x++)
      line[x] = " .+#"[(picture[y * SIDE + x] + picture[(y + 1) * SIDE + x]) / 128];
    puts(line);
  }
}

int main(int argc, char **argv) {
  if (argc > 1) return make(argv[1], "train", LEARN) || make(argv[1], "t10k", ASK);
  show(3);
  puts("digits FOLDER writes 1000 pictures like this one to learn from, and 200 to be asked about");
  return 0;
}
