/* A reader of DOT, as far as dz writes it: it refuses whatever is not well-formed, and keeps nodes with their
   labels and edges. Labels in angle brackets must be well-formed markup. */
#ifndef DZ_TESTS_GRAPH_H
#define DZ_TESTS_GRAPH_H

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
  char *at;
  size_t n, cap;
} text;

static inline void text_add(text *t, const char *more, size_t size) {
  if (t->n + size + 1 > t->cap) {
    t->cap = 2 * (t->n + size + 1);
    t->at = realloc(t->at, t->cap);
    if (!t->at) abort();
  }
  memcpy(t->at + t->n, more, size);
  t->n += size;
  t->at[t->n] = 0;
}

/* What writes for the library: a dz_write to a text. */
static inline bool append(void *user, const char *more, size_t size) {
  text_add(user, more, size);
  return true;
}

typedef struct vertex {
  char id[40];
  char *label; /* without markup; entities decoded */
} vertex;

typedef struct arc {
  char from[40], to[40]; /* with ports: w1_0:m:e */
} arc;

typedef struct graph {
  vertex *vertex;
  arc *arc;
  size_t vertices, arcs, vertex_cap, arc_cap;
} graph;

static inline void graph_free(graph *g) {
  for (size_t i = 0; i < g->vertices; i++) free(g->vertex[i].label);
  free(g->vertex);
  free(g->arc);
}

/* ---- markup ---- */

static inline const char *markup_entity(const char *s, text *out) {
  static const char *const names[] = {"amp;", "lt;", "gt;", "quot;", "#92;", "#93;"};
  for (size_t i = 0; i < 6; i++)
    if (strncmp(s + 1, names[i], strlen(names[i])) == 0) {
      text_add(out, &"&<>\"\\]"[i], 1);
      return s + 1 + strlen(names[i]);
    }
  ck_abort_msg("a bare & in a label: %.30s", s);
  return s;
}

/* Reads <NAME A="v" ...> and keeps the stack of open elements. */
static inline const char *markup_tag(const char *s, char stack[][16], int *depth) {
  bool closing = s[1] == '/';
  char name[16];
  size_t n = 0;
  for (s += 1 + closing; isupper((unsigned char)*s) && n < 15; s++) name[n++] = *s;
  name[n] = 0;
  if (n == 0) ck_abort_msg("a bare < in a label: %.30s", s);
  if (closing) {
    if (*depth == 0 || strcmp(stack[--*depth], name) != 0) ck_abort_msg("</%s> closes nothing", name);
  } else {
    if (*depth == 31) ck_abort_msg("too deep");
    strcpy(stack[(*depth)++], name);
  }
  while (*s == ' ') {
    for (s++; isupper((unsigned char)*s) || *s == '-'; s++) {
    }
    if (strncmp(s, "=\"", 2) != 0) ck_abort_msg("an attribute without a value: %.30s", s);
    s = strchr(s + 2, '"');
    if (!s) ck_abort_msg("an open quote");
    s++;
  }
  if (!closing && strcmp(name, "HR") == 0 && *s == '/') { /* the one element that is empty */
    (*depth)--;
    s++;
  }
  if (*s != '>') ck_abort_msg("a tag that does not end: %.30s", s);
  return s + 1;
}

/* From behind the opening < to behind the closing >. */
static inline const char *markup(const char *s, text *out) {
  char stack[32][16];
  int depth = 0;
  while (depth > 0 || *s != '>') {
    if ((unsigned char)*s < 0x20) ck_abort_msg("a control character %d in a label", *s);
    if (*s == '<')
      s = markup_tag(s, stack, &depth);
    else if (*s == '&')
      s = markup_entity(s, out);
    else if (*s == '>' || *s == '"' || *s == '\\')
      ck_abort_msg("a bare %c in a label", *s);
    else
      text_add(out, s++, 1);
  }
  return s + 1;
}

/* ---- DOT ---- */

static inline const char *skip(const char *s) {
  while (*s == ' ' || *s == '\n') s++;
  return s;
}

static inline const char *expect(const char *s, const char *token) {
  s = skip(s);
  if (strncmp(s, token, strlen(token)) != 0) ck_abort_msg("'%s' expected: %.40s", token, s);
  return s + strlen(token);
}

/* An id with its ports. */
static inline const char *identifier(const char *s, char id[40]) {
  size_t n = 0;
  s = skip(s);
  if (!isalpha((unsigned char)*s)) ck_abort_msg("an id expected: %.40s", s);
  while ((isalnum((unsigned char)*s) || *s == '_' || *s == ':') && n < 39) id[n++] = *s++;
  id[n] = 0;
  return s;
}

/* A value: a word or number, "text" or <markup>; its plain text is added to *out. */
static inline const char *value(const char *s, text *out) {
  s = skip(s);
  if (*s == '<') return markup(s + 1, out);
  if (*s == '"') {
    for (s++; *s != '"'; s++) {
      if ((unsigned char)*s < 0x20 || *s == '\\') ck_abort_msg("a bad character in a string");
      text_add(out, s, 1);
    }
    return s + 1;
  }
  const char *start = s;
  while (isalnum((unsigned char)*s) || *s == '.') s++;
  if (s == start) ck_abort_msg("a value expected: %.40s", s);
  text_add(out, start, (size_t)(s - start));
  return s;
}

/* [name=value ...]; the label's text goes to *label. */
static inline const char *attributes(const char *s, text *label) {
  for (s = skip(expect(s, "[")); *s != ']'; s = skip(s)) {
    char name[40];
    text other = {0};
    s = identifier(s, name);
    s = value(expect(s, "="), strcmp(name, "label") == 0 ? label : &other);
    free(other.at);
  }
  return s + 1;
}

static inline vertex *graph_find(const graph *g, const char *id) {
  size_t n = strcspn(id, ":");
  for (size_t i = 0; i < g->vertices; i++)
    if (strlen(g->vertex[i].id) == n && strncmp(g->vertex[i].id, id, n) == 0) return &g->vertex[i];
  return NULL;
}

static inline void graph_add_vertex(graph *g, const char *id, char *label) {
  if (graph_find(g, id)) ck_abort_msg("node %s twice", id);
  if (g->vertices == g->vertex_cap)
    g->vertex = realloc(g->vertex, (g->vertex_cap = 2 * g->vertex_cap + 16) * sizeof *g->vertex);
  if (!g->vertex) abort();
  vertex *v = &g->vertex[g->vertices++];
  strcpy(v->id, id);
  v->label = label;
}

static inline void graph_add_arc(graph *g, const char *from, const char *to) {
  if (!graph_find(g, from)) ck_abort_msg("edge from %s, which is no node", from);
  if (!graph_find(g, to)) ck_abort_msg("edge to %s, which is no node", to);
  if (g->arcs == g->arc_cap) g->arc = realloc(g->arc, (g->arc_cap = 2 * g->arc_cap + 16) * sizeof *g->arc);
  if (!g->arc) abort();
  arc *a = &g->arc[g->arcs++];
  strcpy(a->from, from);
  strcpy(a->to, to);
}

/* node [...], edge [...], x = v, x [...], x, x -> y [...], { rank=same; x; y; } */
static inline const char *statement(const char *s, graph *g) {
  char id[40], to[40];
  text label = {0};
  s = skip(s);
  if (*s == '{') {
    s = expect(s + 1, "rank=same;");
    for (s = skip(s); *s != '}'; s = skip(s)) {
      s = expect(identifier(s, id), ";");
      if (!graph_find(g, id)) ck_abort_msg("%s is ranked and no node", id);
    }
    return s + 1;
  }
  s = skip(identifier(s, id));
  if (*s == '=') {
    s = value(s + 1, &label);
    free(label.at);
  } else if (strncmp(s, "->", 2) == 0) {
    s = identifier(s + 2, to);
    if (*skip(s) == '[') s = attributes(s, &label);
    free(label.at);
    graph_add_arc(g, id, to);
  } else {
    if (*s == '[') s = attributes(s, &label);
    if (strcmp(id, "node") != 0 && strcmp(id, "edge") != 0)
      graph_add_vertex(g, id, label.at);
    else
      free(label.at);
  }
  return expect(s, ";");
}

static inline graph graph_read(const char *s) {
  graph g = {0};
  s = expect(expect(s, "digraph dz"), "{");
  while (*skip(s) != '}') s = statement(s, &g);
  s = skip(skip(s) + 1);
  if (*s) ck_abort_msg("something behind the graph: %.40s", s);
  return g;
}

/* ---- questions ---- */

static inline const char *graph_label(const graph *g, const char *id) {
  const vertex *v = graph_find(g, id);
  if (!v) ck_abort_msg("no node %s", id);
  return v->label ? v->label : "";
}

static inline bool graph_has_arc(const graph *g, const char *from, const char *to) {
  for (size_t i = 0; i < g->arcs; i++)
    if (strcmp(g->arc[i].from, from) == 0 && strcmp(g->arc[i].to, to) == 0) return true;
  return false;
}

/* How many nodes have ids that begin with this letter. */
static inline size_t graph_count(const graph *g, char letter) {
  size_t n = 0;
  for (size_t i = 0; i < g->vertices; i++) n += g->vertex[i].id[0] == letter;
  return n;
}

#endif
