/* The tests of the whole gradient in words and as JSON. */
#include "proof.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const char *const verdict_words[] = {"agrees", "wrong", "noisy", "kink", "not finite"};
static const char *const verdict_keys[] = {"agrees", "wrong", "noisy", "kink", "not_finite"};

static const char *const fault_keys[] = {
    [DZ_FAULT_NONE] = NULL,
    [DZ_FAULT_UNREPEATABLE] = "unrepeatable",
    [DZ_FAULT_LEFT_TAPE] = "left_tape",
    [DZ_FAULT_DETACHED] = "detached",
    [DZ_FAULT_PARTIAL] = "partial",
    [DZ_FAULT_TANGENT] = "tangent",
    [DZ_FAULT_KINK] = "kink",
    [DZ_FAULT_BRANCH] = "branch",
    [DZ_FAULT_ELSEWHERE] = "elsewhere",
};

static const char *const fault_words[] = {
    [DZ_FAULT_NONE] = "",
    [DZ_FAULT_UNREPEATABLE] = "two recordings at the same point differ from here on",
    [DZ_FAULT_LEFT_TAPE] = "a constant here changes with the inputs: its value was taken off the tape",
    [DZ_FAULT_DETACHED] = "the value goes on, but no gradient comes back",
    [DZ_FAULT_PARTIAL] = "its own derivative disagrees with its value",
    [DZ_FAULT_TANGENT] = "its forward derivative disagrees with its value",
    [DZ_FAULT_KINK] = "its slopes to the two sides differ",
    [DZ_FAULT_BRANCH] = "the recordings on the two sides differ from here on",
    [DZ_FAULT_ELSEWHERE] = "each operation is right by itself, their gradient is not",
};

/* ---- words ---- */

static void add_order(buffer *b, double order) {
  if (isnan(order)) {
    buffer_text(b, "nothing above the noise");
  } else {
    buffer_text(b, "h^");
    buffer_number(b, round(100 * order) / 100, 4);
  }
}

static void add_taylor(buffer *b, const dz_check_taylor *t) {
  buffer_text(b, "Taylor test: ");
  if (t->verdict != DZ_VERDICT_NOT_FINITE) {
    buffer_text(b, "the remainder goes as ");
    add_order(b, t->order);
    buffer_text(b, ", its odd part as ");
    add_order(b, t->odd);
    buffer_text(b, " ");
  }
  buffer_text(b, "(");
  buffer_text(b, verdict_words[t->verdict]);
  buffer_text(b, ")\n");
}

static void add_dot(buffer *b, const dz_check_dot *d, int digits) {
  buffer_text(b, "dot-product test: forward ");
  buffer_number(b, d->forward, digits);
  buffer_text(b, ", reverse ");
  buffer_number(b, d->reverse, digits);
  buffer_text(b, ", apart ");
  buffer_number(b, fabs(d->forward - d->reverse), 2);
  buffer_text(b, " of at most ");
  buffer_number(b, d->bound, 2);
  buffer_text(b, " (");
  buffer_text(b, verdict_words[d->verdict]);
  buffer_text(b, ")\n");
}

static void add_forward(buffer *b, const dz_check_report *r) {
  buffer_text(b, "forward sweep: of ");
  buffer_whole(b, r->checked);
  buffer_text(b, r->checked == 1 ? " derivative " : " derivatives ");
  buffer_whole(b, r->forward_agreed);
  buffer_text(b, r->forward_agreed == 1 ? " equals" : " equal");
  buffer_text(b, " the reverse sweep's within rounding");
  if (r->forward_wrong > 0) {
    buffer_text(b, ", ");
    buffer_whole(b, r->forward_wrong);
    buffer_text(b, r->forward_wrong == 1 ? " does not" : " do not");
  }
  buffer_text(b, "\n");
}

static void add_node(buffer *b, const dz_check_fault *f, int digits) {
  buffer_text(b, "node ");
  buffer_whole(b, f->node);
  if (f->op[0]) {
    buffer_text(b, ", ");
    buffer_text(b, f->op);
    buffer_text(b, "(");
    for (int k = 0; k < f->nargs; k++) {
      bool named = k < DZ_CHECK_OPERANDS && f->operands[k].name[0] != 0;
      if (k > 0) buffer_text(b, ", ");
      if (k == DZ_CHECK_OPERANDS) {
        buffer_text(b, "...");
        break;
      }
      if (named) buffer_text(b, f->operands[k].name);
      if (named && isnan(f->operands[k].value)) continue;
      if (named) buffer_text(b, "=");
      if (isnan(f->operands[k].value) && f->operands[k].node != SIZE_MAX) {
        buffer_text(b, "node ");
        buffer_whole(b, f->operands[k].node);
      } else
        buffer_number(b, f->operands[k].value, digits);
    }
    buffer_text(b, ")");
  }
  if (f->name[0]) {
    buffer_text(b, " '");
    buffer_text(b, f->name);
    buffer_text(b, "'");
  }
  if (f->line > 0) {
    buffer_text(b, " at ");
    buffer_whole(b, (size_t)f->line);
    buffer_text(b, ":");
    buffer_whole(b, (size_t)f->column);
  }
  buffer_text(b, ": ");
}

static void add_fault(buffer *b, const dz_check_fault *f, int digits) {
  bool slopes = f->kind == DZ_FAULT_DETACHED || f->kind == DZ_FAULT_PARTIAL || f->kind == DZ_FAULT_TANGENT;
  buffer_text(b, f->kind == DZ_FAULT_KINK || f->kind == DZ_FAULT_BRANCH ? "kink: " : "first cause: ");
  if (f->node != SIZE_MAX) add_node(b, f, digits);
  buffer_text(b, fault_words[f->kind]);
  if (slopes) {
    buffer_text(b, " (by itself ");
    buffer_number(b, f->analytic, digits);
    buffer_text(b, ", numerically ");
    buffer_number(b, f->numeric, digits);
    buffer_text(b, ")");
  }
  buffer_text(b, "\n");
}

void proof_text(buffer *b, const dz_check_report *r, int digits) {
  if (r->checked == 0) return;
  add_taylor(b, &r->taylor);
  add_dot(b, &r->dot, digits);
  add_forward(b, r);
  if (r->fault.kind != DZ_FAULT_NONE) add_fault(b, &r->fault, digits);
}

/* ---- JSON ---- */

static cJSON *operands_json(const dz_check_fault *f) {
  cJSON *array = json_array();
  for (int k = 0; k < f->nargs && k < DZ_CHECK_OPERANDS; k++) {
    bool number = f->operands[k].node == SIZE_MAX;
    cJSON *o = json_object();
    json_put(o, "node", number ? json_text(NULL) : json_whole(f->operands[k].node));
    json_put(o, "name", json_text(f->operands[k].name[0] ? f->operands[k].name : NULL));
    json_put(o, "value", json_number(f->operands[k].value));
    json_push(array, o);
  }
  return array;
}

static cJSON *fault_json(const dz_check_fault *f) {
  if (f->kind == DZ_FAULT_NONE) return json_text(NULL);
  cJSON *o = json_object();
  json_put(o, "kind", json_text(fault_keys[f->kind]));
  json_put(o, "node", f->node == SIZE_MAX ? json_text(NULL) : json_whole(f->node));
  json_put(o, "op", json_text(f->op[0] ? f->op : NULL));
  json_put(o, "name", json_text(f->name[0] ? f->name : NULL));
  json_put(o, "line", json_whole((size_t)f->line));
  json_put(o, "column", json_whole((size_t)f->column));
  json_put(o, "operand", f->operand < 0 ? json_text(NULL) : json_whole((size_t)f->operand));
  json_put(o, "operands", operands_json(f));
  json_put(o, "analytic", json_number(f->analytic));
  json_put(o, "numeric", json_number(f->numeric));
  json_put(o, "error", json_number(f->error));
  json_put(o, "message", json_text(fault_words[f->kind]));
  return o;
}

void proof_json(cJSON *object, const dz_check_report *r) {
  json_put(object, "forward_agreed", json_whole(r->forward_agreed));
  json_put(object, "forward_wrong", json_whole(r->forward_wrong));
  cJSON *dot = json_object(), *taylor = json_object();
  json_put(dot, "forward", json_number(r->dot.forward));
  json_put(dot, "reverse", json_number(r->dot.reverse));
  json_put(dot, "bound", json_number(r->dot.bound));
  json_put(dot, "verdict", json_text(verdict_keys[r->dot.verdict]));
  json_put(object, "dot", dot);
  json_put(taylor, "order", json_number(r->taylor.order));
  json_put(taylor, "odd", json_number(r->taylor.odd));
  json_put(taylor, "even", json_number(r->taylor.even));
  json_put(taylor, "verdict", json_text(verdict_keys[r->taylor.verdict]));
  json_put(object, "taylor", taylor);
  json_put(object, "fault", fault_json(&r->fault));
}
