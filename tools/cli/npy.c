/* NumPy's .npy, read with suspicion: nothing that the header says is believed before the file's size bears it
 * out. */
#include "buffer.h"
#include "tensor.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct header {
  const char *file;
  const char *at, *end; /* what is left of the dictionary's text */
  bool has_descr, has_order, has_shape;
  bool big_endian, fortran;
  char kind;    /* f i u b */
  size_t width; /* bytes per element */
  int rank;
  size_t dims[DZ_MAX_RANK];
} header;

bool npy_is(const blob *bytes) { return bytes->size >= 6 && memcmp(bytes->data, "\x93NUMPY", 6) == 0; }

static void skip_space(header *h) {
  while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t' || *h->at == '\r')) h->at++;
}

static bool accept(header *h, char c) {
  skip_space(h);
  bool yes = h->at < h->end && *h->at == c;
  h->at += yes;
  return yes;
}

static void expect(header *h, char c) {
  if (!accept(h, c)) die(STATUS_FILE, "%s: its .npy header is damaged: '%c' is missing", h->file, c);
}

/* A quoted string without escapes: *size bytes at the result. */
static const char *string(header *h, size_t *size) {
  skip_space(h);
  if (h->at < h->end && (*h->at == '\'' || *h->at == '"')) {
    const char *start = h->at + 1, *stop = memchr(start, *h->at, (size_t)(h->end - start));
    if (stop != NULL) {
      h->at = stop + 1;
      *size = (size_t)(stop - start);
      return start;
    }
  }
  die(STATUS_FILE, "%s: its .npy header is damaged: a quoted word is missing", h->file);
}

static size_t whole(header *h) {
  size_t n = 0;
  skip_space(h);
  if (h->at == h->end || *h->at < '0' || *h->at > '9')
    die(STATUS_FILE, "%s: its .npy header is damaged: an extent is missing", h->file);
  for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++) {
    size_t digit = (size_t)(*h->at - '0');
    if (n > (SIZE_MAX - digit) / 10)
      die(STATUS_FILE, "%s: its .npy header claims an extent beyond any memory", h->file);
    n = 10 * n + digit;
  }
  accept(h, 'L'); /* as Python 2 wrote long numbers */
  return n;
}

static void read_descr(header *h) {
  skip_space(h);
  if (h->at < h->end && *h->at == '[')
    die(STATUS_FILE, "%s: records (structured dtype) are no tensor of numbers", h->file);
  size_t n;
  const char *s = string(h, &n);
  static const char known[][3] = {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
  if (n >= 2 && s[1] == 'O')
    die(STATUS_FILE, "%s: Python objects (dtype 'O') are not numbers and are not loaded", h->file);
  bool found = false;
  for (size_t i = 0; n == 3 && i < sizeof known / sizeof known[0]; i++)
    found = found || memcmp(s + 1, known[i], 2) == 0;
  if (!found || strchr("<>|=", s[0]) == NULL)
    die(STATUS_FILE, "%s: dtype '%.*s' is not supported: integers, bool, float32 and float64 are", h->file,
        (int)(n < 40 ? n : 40), s);
  const uint16_t one = 1;
  bool native_big = *(const unsigned char *)&one == 0;
  h->big_endian = s[0] == '>' || (s[0] != '<' && native_big);
  h->kind = s[1];
  h->width = (size_t)(s[2] - '0');
}

static void read_order(header *h) {
  skip_space(h);
  size_t left = (size_t)(h->end - h->at);
  if (left >= 4 && memcmp(h->at, "True", 4) == 0)
    h->fortran = true, h->at += 4;
  else if (left >= 5 && memcmp(h->at, "False", 5) == 0)
    h->at += 5;
  else
    die(STATUS_FILE, "%s: its .npy header is damaged: fortran_order is neither True nor False", h->file);
}

static void read_shape(header *h) {
  expect(h, '(');
  while (!accept(h, ')')) {
    if (h->rank == DZ_MAX_RANK) die(STATUS_FILE, "%s: more than %d axes", h->file, DZ_MAX_RANK);
    h->dims[h->rank++] = whole(h);
    if (!accept(h, ',')) {
      expect(h, ')');
      return;
    }
  }
}

static void read_entry(header *h) {
  static const struct {
    const char *key;
    void (*read)(header *);
  } entries[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
  bool *had[] = {&h->has_descr, &h->has_order, &h->has_shape};
  size_t n;
  const char *s = string(h, &n);
  expect(h, ':');
  for (size_t i = 0; i < 3; i++) {
    if (strlen(entries[i].key) != n || memcmp(entries[i].key, s, n) != 0) continue;
    if (*had[i]) die(STATUS_FILE, "%s: its .npy header says '%s' twice", h->file, entries[i].key);
    *had[i] = true;
    entries[i].read(h);
    return;
  }
  die(STATUS_FILE, "%s: its .npy header holds an unknown key '%.*s'", h->file, (int)(n < 40 ? n : 40), s);
}

static void read_dictionary(header *h) {
  expect(h, '{');
  while (!accept(h, '}')) {
    read_entry(h);
    if (!accept(h, ',')) {
      expect(h, '}');
      break;
    }
  }
  skip_space(h);
  if (h->at != h->end) die(STATUS_FILE, "%s: its .npy header is damaged: text after the dictionary", h->file);
  if (!h->has_descr || !h->has_order || !h->has_shape)
    die(STATUS_FILE, "%s: its .npy header lacks %s", h->file,
        !h->has_descr   ? "'descr'"
        : !h->has_order ? "'fortran_order'"
                        : "'shape'");
}

/* Where the data start. */
static size_t read_header(header *h, const blob *bytes) {
  const unsigned char *s = (const unsigned char *)bytes->data;
  unsigned version = bytes->size > 6 ? s[6] : 0;
  size_t start = version == 1 ? 10 : 12;
  if (bytes->size > 6 && (version < 1 || version > 3))
    die(STATUS_FILE, "%s: version %u of .npy is not known (1, 2 and 3 are)", h->file, version);
  if (bytes->size < start) die(STATUS_FILE, "%s: truncated: the .npy header is missing", h->file);
  size_t length = (size_t)s[8] | (size_t)s[9] << 8;
  if (version > 1) length |= (size_t)s[10] << 16 | (size_t)s[11] << 24;
  if (length > bytes->size - start)
    die(STATUS_FILE, "%s: truncated: its .npy header claims %zu bytes, %zu are there", h->file, length,
        bytes->size - start);
  h->at = bytes->data + start;
  h->end = h->at + length;
  read_dictionary(h);
  return start + length;
}

static double element(const header *h, const unsigned char *s) {
  uint64_t bits = 0;
  for (size_t i = 0; i < h->width; i++) bits = bits << 8 | s[h->big_endian ? i : h->width - 1 - i];
  if (h->kind == 'f' && h->width == 8) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  if (h->kind == 'f') {
    uint32_t half = (uint32_t)bits;
    float x;
    memcpy(&x, &half, sizeof x);
    return (double)x;
  }
  if (h->kind == 'b') return bits != 0;
  uint64_t sign = UINT64_C(1) << (8 * h->width - 1);
  if (h->kind == 'u' || (bits & sign) == 0) return (double)bits;
  return -(double)((bits ^ (sign | (sign - 1))) + 1); /* two's complement, also for the least number */
}

/* Elements that the shape asks for; the file must hold exactly so many. */
static size_t count_elements(const header *h, size_t there) {
  size_t count = 1;
  bool nothing = false;
  for (int k = 0; k < h->rank; k++) nothing = nothing || h->dims[k] == 0;
  for (int k = 0; k < h->rank && !nothing; k++) {
    if (count > there / h->dims[k]) { /* also what would overflow */
      buffer b = {0};
      buffer_shape(&b, h->rank, h->dims);
      die(STATUS_FILE, "%s: truncated: shape %.*s needs more than the %zu bytes of data that are there",
          h->file, (int)b.size, b.text, there);
    }
    count *= h->dims[k];
  }
  count = nothing ? 0 : count;
  if (count > there / h->width)
    die(STATUS_FILE, "%s: truncated: %zu elements of %zu bytes are claimed, %zu bytes are there", h->file,
        count, h->width, there);
  if (count * h->width != there)
    die(STATUS_FILE, "%s: %zu bytes too many after the last element", h->file, there - count * h->width);
  return count;
}

/* Row-major position of the next element in Fortran's order: the first axis runs fastest. */
static size_t next_position(const tensor *v, size_t *index) {
  size_t position = 0;
  for (int k = 0; k < v->rank; k++) {
    if (++index[k] < v->dims[k]) break;
    index[k] = 0;
  }
  for (int k = 0; k < v->rank; k++) position = position * v->dims[k] + index[k];
  return position;
}

tensor npy_read(const char *file, const blob *bytes) {
  header h = {.file = file};
  size_t start = read_header(&h, bytes);
  tensor v = {h.rank, {0}, count_elements(&h, bytes->size - start), NULL};
  memcpy(v.dims, h.dims, sizeof v.dims);
  v.data = take(NULL, v.count, sizeof *v.data);
  const unsigned char *s = (const unsigned char *)bytes->data + start;
  size_t index[DZ_MAX_RANK] = {0}, to = 0;
  for (size_t i = 0; i < v.count; i++) {
    v.data[h.fortran ? to : i] = element(&h, s + i * h.width);
    if (h.fortran) to = next_position(&v, index);
  }
  return v;
}
