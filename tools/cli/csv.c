/* Tables in text, by libcsv. Rows stream through: only the first row or two are kept as text, until it is
   known which row is the header and what each column holds.

   The first row is the header when none of its cells is a number. A column holds numbers when its first cell
   does, else texts, which become class numbers in order of first appearance. */
#include <csv.h>

#include "buffer.h"
#include "suggest.h"
#include "tensor.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1000 };

typedef struct column {
  bool text;
  size_t classes;
  char **names; /* of the classes */
} column;

typedef struct reader {
  const char *file;
  size_t width;       /* cells per row; 0 before the first row has ended */
  char **header;      /* width names, or NULL */
  char **cells;       /* the row being read, until `out` is made */
  size_t cell, room;  /* cells of this row so far */
  size_t line, start; /* lines from 1: where the reader stands, where this row started */
  int last;           /* how the last row ended, when nothing came since */
  bool chosen;
  size_t *slot; /* per column: 1 + its place in `out`, or 0 */
  column *out;
  size_t count, rows;
  double *data;
  size_t data_room;
} reader;

/* "row 3, column 2 (width)" in `out`. */
static const char *place(const reader *r, size_t cell, buffer *out) {
  buffer_text(out, "row ");
  buffer_whole(out, r->start);
  buffer_text(out, ", column ");
  buffer_whole(out, cell + 1);
  if (r->header != NULL && cell < r->width) {
    buffer_text(out, " (");
    buffer_text(out, r->header[cell]);
    buffer_text(out, ")");
  }
  buffer_add(out, "", 1);
  return out->text;
}

static void check_width(const reader *r, size_t cells, bool more) {
  buffer b = {0};
  if (r->width > 0 && (more ? cells > r->width : cells < r->width))
    die(STATUS_FILE, "%s: %s: a cell %s: this row has %s%zu, the rows before it have %zu", r->file,
        place(r, more ? r->width : cells, &b), more ? "too many" : "is missing", more ? "at least " : "",
        cells, r->width);
}

static double class_of(reader *r, size_t cell, column *c, const char *text, size_t size) {
  buffer b = {0};
  for (size_t i = 0; i < c->classes; i++)
    if (strlen(c->names[i]) == size && memcmp(c->names[i], text, size) == 0) return (double)i;
  if (c->classes == MOST_CLASSES)
    die(STATUS_LIMIT, "%s: %s: more than %d different texts: this column holds no classes", r->file,
        place(r, cell, &b), MOST_CLASSES);
  c->names = take(c->names, c->classes + 1, sizeof *c->names);
  c->names[c->classes] = take_text(text, size);
  return (double)c->classes++;
}

static double number_in(reader *r, size_t cell, column *c, const char *text, size_t size) {
  buffer b = {0};
  double x = 0;
  cell_kind kind = cell_read(text, size, &x);
  if (kind == CELL_EMPTY) die(STATUS_FILE, "%s: %s: the value is missing", r->file, place(r, cell, &b));
  if (c->text) return class_of(r, cell, c, text, size);
  if (kind == CELL_TOO_LARGE)
    die(STATUS_FILE, "%s: %s: '%.*s' is too large for a double", r->file, place(r, cell, &b),
        (int)(size < 60 ? size : 60), text);
  if (kind == CELL_TEXT)
    die(STATUS_FILE, "%s: %s: '%.*s' is not a number", r->file, place(r, cell, &b),
        (int)(size < 60 ? size : 60), text);
  return x;
}

static void store(reader *r, size_t cell, const char *text, size_t size) {
  if (r->slot[cell] == 0) return;
  if ((r->rows + 1) * r->count > r->data_room) {
    r->data_room = (r->rows + 1) * r->count * 2;
    r->data = take(r->data, r->data_room, sizeof *r->data);
  }
  size_t k = r->slot[cell] - 1;
  r->data[r->rows * r->count + k] = number_in(r, cell, &r->out[k], text, size);
}

static void add_column(reader *r, size_t cell) {
  double x;
  if (r->slot[cell] != 0) die(STATUS_USAGE, "%s: column %zu is chosen twice", r->file, cell);
  r->out = take(r->out, r->count + 1, sizeof *r->out);
  cell_kind kind = cell_read(r->cells[cell], strlen(r->cells[cell]), &x);
  r->out[r->count++] = (column){kind == CELL_TEXT, 0, NULL};
  r->slot[cell] = r->count;
}

/* The column that a name, or without a header a number, means. */
static size_t find_column(const reader *r, const char *name) {
  char hint[128];
  size_t found = r->width;
  suggestion s = suggest(name);
  for (size_t i = 0; r->header != NULL && i < r->width; i++) {
    suggest_name(&s, r->header[i]);
    if (strcmp(r->header[i], name) != 0) continue;
    if (found < r->width) die(STATUS_FILE, "%s: two columns are called '%s'", r->file, name);
    found = i;
  }
  if (found < r->width) return found;
  if (r->header != NULL)
    die(STATUS_USAGE, "%s: no column '%s' in the header%s", r->file, name, suggest_text(&s, hint));
  size_t n = 0;
  for (const char *p = name; *p != '\0' && n < r->width; p++) {
    if (*p < '0' || *p > '9')
      die(STATUS_USAGE,
          "%s: no column '%s': its first row holds a number, so there is no header; columns are 0 to %zu",
          r->file, name, r->width - 1);
    n = 10 * n + (size_t)(*p - '0');
  }
  if (*name == '\0' || n >= r->width)
    die(STATUS_USAGE, "%s: no column '%s': they are 0 to %zu", r->file, name, r->width - 1);
  return n;
}

static void choose_named(reader *r, const char *columns) {
  while (columns != NULL) {
    const char *comma = strchr(columns, ',');
    size_t size = comma != NULL ? (size_t)(comma - columns) : strlen(columns);
    while (size > 0 && columns[0] == ' ') columns++, size--;
    while (size > 0 && columns[size - 1] == ' ') size--;
    char *name = take_text(columns, size);
    add_column(r, find_column(r, name));
    free(name);
    columns = comma != NULL ? comma + 1 : NULL;
  }
}

/* Whether the column is among those that `except` lists. */
static bool listed(const reader *r, const char *except, size_t at) {
  while (except != NULL) {
    const char *comma = strchr(except, ',');
    char *name = take_text(except, comma != NULL ? (size_t)(comma - except) : strlen(except));
    bool found = find_column(r, name) == at;
    free(name);
    if (found) return true;
    except = comma != NULL ? comma + 1 : NULL;
  }
  return false;
}

static void choose(reader *r, const char *columns, const char *except) {
  double x;
  r->slot = take(NULL, r->width, sizeof *r->slot);
  memset(r->slot, 0, r->width * sizeof *r->slot);
  if (columns != NULL) choose_named(r, columns);
  for (size_t i = 0; i < r->width && columns == NULL; i++)
    if (cell_read(r->cells[i], strlen(r->cells[i]), &x) != CELL_TEXT && !listed(r, except, i))
      add_column(r, i);
  if (r->count == 0)
    die(STATUS_FILE, "%s: no column holds numbers%s", r->file,
        r->width == 1 && strpbrk(r->cells[0], ";\t") != NULL ? " (cells are separated by commas)" : "");
  r->chosen = true;
}

typedef struct job {
  reader r;
  const char *columns, *except;
} job;

static void on_cell(void *cell, size_t size, void *user) {
  reader *r = &((job *)user)->r;
  const char *text = size > 0 ? cell : "";
  if (r->cell == 0) r->start = r->line;
  check_width(r, r->cell + 1, true);
  if (r->chosen) {
    store(r, r->cell, text, size);
  } else {
    if (r->cell == r->room) {
      r->room = 2 * r->room + 8;
      r->cells = take(r->cells, r->room, sizeof *r->cells);
    }
    r->cells[r->cell] = take_text(text, size);
  }
  r->cell++;
  r->last = 0;
  for (size_t i = 0; i < size; i++) r->line += text[i] == '\n';
}

/* The first row has ended: whether it is the header, which it then becomes. */
static bool make_header(reader *r) {
  double x;
  r->width = r->cell;
  for (size_t i = 0; i < r->width; i++) {
    cell_kind kind = cell_read(r->cells[i], strlen(r->cells[i]), &x);
    if (kind == CELL_NUMBER || kind == CELL_TOO_LARGE) return false;
  }
  r->header = r->cells;
  r->cells = NULL;
  r->room = 0;
  return true;
}

static void end_row(reader *r, const char *columns, const char *except) {
  check_width(r, r->cell, false);
  if (!r->chosen) {
    if (r->width == 0 && make_header(r)) return;
    choose(r, columns, except);
    for (size_t i = 0; i < r->width; i++) {
      store(r, i, r->cells[i], strlen(r->cells[i]));
      free(r->cells[i]);
    }
    free(r->cells);
    r->cells = NULL;
  }
  r->rows++;
}

/* Called at the end of each row and, for blank lines and the second half of CR LF, without a row. */
static void on_row(int end, void *user) {
  job *j = user;
  reader *r = &j->r;
  if (r->cell > 0) end_row(r, j->columns, j->except);
  bool second_half = r->cell == 0 && end == '\n' && r->last == '\r';
  r->line += !second_half;
  r->cell = 0;
  r->last = end;
}

static void parse(job *j, const char *text, size_t size) {
  struct csv_parser p;
  if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0) die(STATUS_LIMIT, "out of memory");
  size_t done = csv_parse(&p, text, size, on_cell, on_row, j);
  if (done < size && csv_error(&p) == CSV_EPARSE) {
    size_t line = 1;
    for (size_t i = 0; i < done; i++) line += text[i] == '\n';
    die(STATUS_FILE,
        "%s: row %zu: a quotation mark inside a cell: write the cell in quotes and double the mark",
        j->r.file, line);
  }
  if (done == size && csv_fini(&p, on_cell, on_row, j) != 0 && csv_error(&p) == CSV_EPARSE)
    die(STATUS_FILE, "%s: a quoted cell is not closed before the end", j->r.file);
  if (csv_error(&p) != CSV_SUCCESS) die(STATUS_LIMIT, "out of memory");
  csv_free(&p);
}

static void reader_free(reader *r) {
  for (size_t i = 0; r->header != NULL && i < r->width; i++) free(r->header[i]);
  for (size_t k = 0; k < r->count; k++) {
    for (size_t i = 0; i < r->out[k].classes; i++) free(r->out[k].names[i]);
    free(r->out[k].names);
  }
  free(r->header);
  free(r->slot);
  free(r->out);
}

/* The names of the chosen columns, in their order. */
static void take_columns(csv_table *t, reader *r) {
  if (r->header == NULL) return;
  t->width = r->count;
  t->columns = take(NULL, r->count, sizeof *t->columns);
  for (size_t i = 0; i < r->width; i++) {
    if (r->slot[i] == 0) continue;
    t->columns[r->slot[i] - 1] = r->header[i];
    r->header[i] = NULL;
  }
}

csv_table csv_read_table(const char *file, const blob *bytes, const char *columns, const char *except) {
  job j = {{.file = file, .line = 1}, columns, except};
  size_t mark = bytes->size >= 3 && memcmp(bytes->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  if (bytes->size > mark) parse(&j, bytes->data + mark, bytes->size - mark);
  if (j.r.width == 0) die(STATUS_FILE, "%s: the table is empty", file);
  if (j.r.rows == 0) die(STATUS_FILE, "%s: the table has a header and no rows", file);
  csv_table t = {
      {j.r.count > 1 ? 2 : 1, {j.r.rows, j.r.count}, j.r.rows * j.r.count, j.r.data}, 0, NULL, 0, NULL};
  take_columns(&t, &j.r);
  if (j.r.count == 1) {
    t.classes = j.r.out[0].classes;
    t.names = j.r.out[0].names;
    j.r.out[0] = (column){0};
  }
  reader_free(&j.r);
  return t;
}

void csv_table_free(csv_table *t) {
  for (size_t i = 0; i < t->classes; i++) free(t->names[i]);
  free(t->names);
  for (size_t i = 0; i < t->width; i++) free(t->columns[i]);
  free(t->columns);
  tensor_free(&t->value);
  *t = (csv_table){0};
}

tensor csv_read(const char *file, const blob *bytes, const char *columns) {
  csv_table t = csv_read_table(file, bytes, columns, NULL);
  tensor v = t.value;
  t.value = (tensor){0};
  csv_table_free(&t);
  return v;
}
