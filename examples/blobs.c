/* Makes examples/blobs.csv: three clouds of points in the plane, 20 points each. The generator of numbers is
   part of the program, so that the file is the same everywhere:   ./blobs > blobs.csv */
#include <stdint.h>
#include <stdio.h>

/* 0 to 999, uniform: a linear congruential generator's high bits (Knuth, MMIX constants). */
static int thousandths(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (int)(*state >> 33) % 1000;
}

int main(void) {
  static const int centre[3][2] = {{-1500, -500}, {1500, -700}, {0, 1500}};
  static const char *const name[3] = {"left", "right", "top"};
  uint64_t state = 1;
  printf("x0,x1,class\n");
  for (int i = 0; i < 60; i++) {
    int k = i % 3, point[2];
    for (int j = 0; j < 2; j++) point[j] = centre[k][j] + thousandths(&state) + thousandths(&state);
    for (int j = 0; j < 2; j++)
      printf("%s%d.%03d,", point[j] < 0 ? "-" : "", (point[j] < 0 ? -point[j] : point[j]) / 1000,
             (point[j] < 0 ? -point[j] : point[j]) % 1000);
    printf("%s\n", name[k]);
  }
  return 0;
}
