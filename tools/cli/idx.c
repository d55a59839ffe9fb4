/* IDX, in which the MNIST digits come: two zero bytes, the type and the number of axes, the extents as four
   bytes each, and the elements, first byte first. Read with suspicion, as .npy files are. */
#include "buffer.h"
#include "tensor.h"

#include <stdint.h>
#include <string.h>

enum { HEAD = 4, EXTENT = 4 };

/* Bytes of an element; 0 for a type that IDX does not know. */
static size_t width_of(unsigned char type) {
  static const unsigned char widths[] = {
      [0x08] = 1, [0x09] = 1, [0x0B] = 2, [0x0C] = 4, [0x0D] = 4, [0x0E] = 8};
  return type < sizeof widths ? widths[type] : 0;
}

/* Text holds no zero byte, so a head of zeros can only be meant so; /dev/zero has no type. */
bool idx_is(const blob *bytes) {
  const unsigned char *s = (const unsigned char *)bytes->data;
  if (bytes->size == 0 || s[0] != 0 || (bytes->size > 1 && s[1] != 0)) return false;
  return bytes->size < HEAD || (width_of(s[2]) > 0 && s[3] > 0);
}

static uint64_t bits_at(const unsigned char *s, size_t width) {
  uint64_t bits = 0;
  for (size_t i = 0; i < width; i++) bits = bits << 8 | s[i];
  return bits;
}

static double element(unsigned char type, const unsigned char *s) {
  size_t width = width_of(type);
  uint64_t bits = bits_at(s, width), sign = UINT64_C(1) << (8 * width - 1);
  if (type == 0x0E) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  if (type == 0x0D) {
    uint32_t half = (uint32_t)bits;
    float x;
    memcpy(&x, &half, sizeof x);
    return (double)x;
  }
  if (type == 0x08 || (bits & sign) == 0) return (double)bits;
  return -(double)((bits ^ (sign | (sign - 1))) + 1); /* two's complement */
}

static tensor read_head(const char *file, const blob *bytes) {
  const unsigned char *s = (const unsigned char *)bytes->data;
  tensor v = {.count = 1};
  if (bytes->size < HEAD) die(STATUS_FILE, "%s: truncated: an IDX file has a head of 4 bytes", file);
  if (s[3] > DZ_MAX_RANK)
    die(STATUS_FILE, "%s: an IDX file of %d axes: at most %d are read", file, s[3], DZ_MAX_RANK);
  v.rank = s[3];
  if (bytes->size - HEAD < EXTENT * (size_t)v.rank)
    die(STATUS_FILE, "%s: truncated: the extents of its %d axes are missing", file, v.rank);
  for (int k = 0; k < v.rank; k++) v.dims[k] = (size_t)bits_at(s + HEAD + EXTENT * k, EXTENT);
  return v;
}

/* Elements that the extents ask for; the file must hold exactly so many. */
static size_t count_of(const char *file, const tensor *v, size_t width, size_t there) {
  size_t count = 1;
  bool nothing = false, fits = true;
  for (int k = 0; k < v->rank; k++) nothing = nothing || v->dims[k] == 0;
  for (int k = 0; k < v->rank && fits && !nothing; k++) {
    fits = count <= there / v->dims[k]; /* false also for what would overflow */
    count *= v->dims[k];
  }
  count = nothing ? 0 : count;
  if (!fits || count > there / width) {
    buffer b = {0};
    buffer_shape(&b, v->rank, v->dims);
    die(STATUS_FILE, "%s: truncated: shape %.*s needs more than the %zu bytes of data that are there", file,
        (int)b.size, b.text, there);
  }
  if (count * width != there)
    die(STATUS_FILE, "%s: %zu bytes too many after the last element", file, there - count * width);
  return count;
}

tensor idx_read(const char *file, const blob *bytes) {
  tensor v = read_head(file, bytes);
  size_t start = HEAD + EXTENT * (size_t)v.rank;
  unsigned char type = (unsigned char)bytes->data[2];
  size_t width = width_of(type);
  v.count = count_of(file, &v, width, bytes->size - start);
  v.data = take(NULL, v.count, sizeof *v.data);
  const unsigned char *s = (const unsigned char *)bytes->data + start;
  for (size_t i = 0; i < v.count; i++) v.data[i] = element(type, s + i * width);
  return v;
}
