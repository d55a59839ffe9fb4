/* From code to items: what is added to a register becomes one sum, where the last of it is added. */
#include "plan/pack.h"

#include "base/never.h"
#include "plan/graph.h"

/* ---- what registers are ---- */

/* Whether all that it writes is terms of sums. */
static bool writes_terms(const dz__instruction *i) {
  switch ((dz__step_op)i->op) {
  case DZ__I_MOV:
  case DZ__I_NEG:
  case DZ__I_ACC:
  case DZ__I_DEC:
  case DZ__I_ADD:
  case DZ__I_SUB:
  case DZ__I_MUL:
  case DZ__I_MULNEG:
  case DZ__I_MULADD:
  case DZ__I_MULSUB:
  case DZ__I_SUM:
  case DZ__I_RSUM:
    return true;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    return !dz__is_mask(i->fn, i->mode);
  default:
    return false;
  }
}

typedef struct looking {
  dz__packing *k;
  uint32_t at;
  bool terms;
} looking;

static void look(void *user, uint32_t *place, unsigned access) {
  looking *w = user;
  if (!dz__is_register(*place)) return;
  dz__made *m = dz__made_of(w->k, *place);
  if (access & DZ__WRITTEN) {
    if (DZ__NEVER(m->first_read != DZ__NOWHERE || (m->writes && !(access & DZ__READ)))) return;
    m->writes++;
    m->last_write = w->at;
    m->pulled &= w->terms;
  } else if (m->first_read == DZ__NOWHERE) {
    m->first_read = w->at;
  }
}

/* Every register begins once, and is complete before it is read: values are, and adjoints, whose flows all
   come before what they flow on to. */
static void look_at_all(dz__packing *k) {
  looking w = {.k = k};
  for (size_t r = 0; r < k->made_cap; r++)
    k->made[r] = (dz__made){.first_read = DZ__NOWHERE,
                            .instead = dz__place_at(DZ__REG, r),
                            .everywhere = DZ__NOWHERE,
                            .by = DZ__NOWHERE,
                            .pulled = true};
  for (; w.at < k->from->n; w.at++) {
    dz__instruction i = k->from->at[w.at];
    w.terms = writes_terms(&i);
    dz__each_place(k->from, &i, look, &w);
  }
}

/* ---- items ---- */

static dz__item *add_item(dz__packing *k, dz__instruction i) {
  if (!dz__grow(k->alloc, (void **)&k->item, &k->item_cap, k->items + 1, sizeof *k->item)) {
    k->failed = true;
    return k->none = (dz__item){.dropped = true}, &k->none;
  }
  k->item[k->items] = (dz__item){.i = i};
  return &k->item[k->items++];
}

static void add_term(dz__packing *k, uint32_t *first, uint32_t *last, uint32_t how, uint32_t a, uint32_t b) {
  if (!dz__grow(k->alloc, (void **)&k->term, &k->term_cap, k->terms + 1, sizeof *k->term)) {
    k->failed = true;
    return;
  }
  k->term[k->terms++] = (dz__term){how, a, b, 0};
  uint32_t t = (uint32_t)k->terms;
  if (*last)
    k->term[*last - 1].next = t;
  else
    *first = t;
  *last = t;
}

static bool is_pulled(const dz__packing *k, uint32_t place) {
  return dz__is_register(place) && dz__made_of(k, place)->pulled;
}

/* A term for d, which is a sum of its own here unless more is added elsewhere. */
static void give(dz__packing *k, uint32_t d, uint32_t how, uint32_t a, uint32_t b) {
  if (is_pulled(k, d)) {
    add_term(k, &dz__made_of(k, d)->first, &dz__made_of(k, d)->last, how, a, b);
    return;
  }
  dz__item *s = add_item(k, (dz__instruction){.op = DZ__I_LINE, .d = d});
  add_term(k, &s->first, &s->last, how, a, b);
}

/* The sum is complete at instruction `at`. */
static void complete(dz__packing *k, uint32_t d, size_t at) {
  if (!is_pulled(k, d) || dz__made_of(k, d)->last_write != at) return;
  const dz__made *m = dz__made_of(k, d);
  if (!m->first) return; /* it was listed twice at this instruction */
  dz__item *s = add_item(k, (dz__instruction){.op = DZ__I_LINE, .d = d});
  s->first = m->first;
  s->last = m->last;
  dz__made_of(k, d)->first = 0;
}

static uint32_t term_of(uint32_t place) { return dz__one_for_all(place) ? DZ__T_S : DZ__T_V; }
static void product(uint32_t *how, uint32_t *a, uint32_t *b) {
  if (dz__one_for_all(*a)) {
    uint32_t t = *a;
    *a = *b, *b = t;
  }
  *how = dz__one_for_all(*b) ? DZ__T_VS : DZ__T_VV;
}

static void arithmetic(dz__packing *k, dz__instruction i, size_t at) {
  bool sums = i.op == DZ__I_ADD || i.op == DZ__I_SUB;
  uint32_t how = term_of(i.a), a = i.a, b = DZ__NOWHERE, sign = dz__op_subtracts(i.op) ? DZ__SUBTRACT : 0;
  if (!is_pulled(k, i.d) && !(i.op == DZ__I_MOV && !dz__is_register(i.d))) {
    add_item(k, i);
    return;
  }
  if (dz__op_multiplies(i.op)) b = i.b, product(&how, &a, &b);
  give(k, i.d, how | sign, a, b);
  if (sums) give(k, i.d, term_of(i.b) | (i.op == DZ__I_SUB ? DZ__SUBTRACT : 0), i.b, DZ__NOWHERE);
  complete(k, i.d, at);
}

static void sum(dz__packing *k, dz__instruction i, size_t at) {
  const uint32_t *t = k->from->list + i.a;
  if (DZ__NEVER(!is_pulled(k, i.d))) return; /* nothing else writes where a sum stands */
  for (uint32_t j = 0; j < i.b; j++, t += 3) give(k, i.d, t[0], t[1], t[2]);
  complete(k, i.d, at);
}

/* What flows to a register that is no sum: it stays an instruction. */
static void flow_on(dz__packing *k, const uint32_t *t, uint32_t g) {
  bool minus = t[0] & DZ__SUBTRACT;
  dz__instruction i = {.op = (uint8_t)(minus ? DZ__I_DEC : DZ__I_ACC), .d = t[2], .a = g};
  if (t[1] != DZ__NOWHERE) {
    i.op = (uint8_t)(minus ? DZ__I_MULSUB : DZ__I_MULADD);
    i.b = t[1];
    i.mode = dz__one_for_all(t[1]) ? DZ__MODE_VS : DZ__MODE_VV;
  }
  add_item(k, i);
}

static void flows(dz__packing *k, dz__instruction i, size_t at) {
  const uint32_t *t = k->from->list + i.b;
  uint32_t first = 0, last = 0;
  for (uint32_t j = 0; j < i.c; j++, t += 3) {
    uint32_t how = t[0] & DZ__T_MASK, sign = t[0] & DZ__SUBTRACT, a = i.a, b = t[1];
    bool set = dz__flow_sets(how);
    if (dz__flow_sums(how)) {
      add_term(k, &first, &last, t[0], t[1], t[2]);
    } else if (set || is_pulled(k, t[2])) {
      how = term_of(a);
      if (b != DZ__NOWHERE) product(&how, &a, &b);
      give(k, t[2], how | sign, a, b);
    } else {
      flow_on(k, t, i.a);
    }
  }
  t = k->from->list + i.b;
  for (uint32_t j = 0; j < i.c; j++, t += 3) {
    uint32_t how = t[0] & DZ__T_MASK;
    if (!dz__flow_sums(how)) complete(k, t[2], at);
  }
  if (!first) return;
  dz__item *s = add_item(k, (dz__instruction){.op = DZ__I_REDS, .a = i.a});
  s->first = first;
  s->last = last;
}

static void chain_of(dz__packing *k, dz__item *to, uint32_t list, uint32_t n) {
  for (uint32_t j = 0; j < n; j++)
    add_term(k, &to->first, &to->last, DZ__T_V, k->from->list[list + j], DZ__NOWHERE);
}

/* A slope is a number of its own, so that equal ones are found; what its formula does not name does not
   matter. */
static void slope(dz__packing *k, dz__instruction i, size_t at) {
  const uint32_t *places = k->from->list + i.a;
  uint32_t d = dz__place_at(DZ__REG, k->registers++), any = DZ__NOWHERE;
  dz__made_of(k, d)->writes = 1;
  for (int j = 0; j < 4 && any == DZ__NOWHERE; j++)
    if (dz__partial_reads(i.fn, i.mode, "xywz"[j])) any = places[j];
  dz__item *s = add_item(k, (dz__instruction){.op = DZ__I_SLOPE, .mode = i.mode, .fn = i.fn, .d = d});
  for (int j = 0; j < 4; j++)
    add_term(k, &s->first, &s->last, DZ__T_V, dz__partial_reads(i.fn, i.mode, "xywz"[j]) ? places[j] : any,
             DZ__NOWHERE);
  give(k, i.d, DZ__T_VV, d, places[4]);
  complete(k, i.d, at);
}

static void reduce(dz__packing *k, dz__instruction i) {
  bool minus = dz__op_subtracts(i.op), times = dz__op_multiplies(i.op);
  dz__item *s = add_item(k, (dz__instruction){.op = DZ__I_LINE, .mode = DZ__TO_ACC, .d = i.d});
  add_term(k, &s->first, &s->last, (times ? DZ__T_VV : DZ__T_V) | (minus ? DZ__SUBTRACT : 0), i.a,
           times ? i.b : DZ__NOWHERE);
}

static void take(dz__packing *k, dz__instruction i, size_t at) {
  dz__item *s;
  switch ((dz__step_op)i.op) {
  case DZ__I_SUM:
    sum(k, i, at);
    break;
  case DZ__I_RSUM:
    flows(k, i, at);
    break;
  case DZ__I_PART:
  case DZ__I_PARTADD:
    if (!dz__is_mask(i.fn, i.mode) && is_pulled(k, i.d)) {
      slope(k, i, at);
      break;
    }
    chain_of(k, add_item(k, i), i.a, 5);
    break;
  case DZ__I_SELECT:
  case DZ__I_RSELECT:
    chain_of(k, add_item(k, i), i.a, i.c);
    break;
  case DZ__I_RED:
  case DZ__I_DECRED:
  case DZ__I_REDMUL:
  case DZ__I_REDMULNEG:
    reduce(k, i);
    break;
  case DZ__I_STORE:
    if (i.c != 1) {
      add_item(k, i);
      break;
    }
    s = add_item(k, (dz__instruction){.op = DZ__I_LINE, .mode = DZ__TO_RUN, .d = i.d});
    add_term(k, &s->first, &s->last, DZ__T_V, i.a, DZ__NOWHERE);
    break;
  default:
    if (writes_terms(&i))
      arithmetic(k, i, at);
    else
      add_item(k, i);
  }
}

void dz__each_of_item(dz__packing *k, dz__item *item, dz__visit *f, void *user) {
  dz__instruction *i = &item->i;
  unsigned op = i->op, access = op == DZ__I_RSELECT ? DZ__READ | DZ__WRITTEN : DZ__READ;
  if (!item->first) {
    dz__each_place(k->from, i, f, user);
    return;
  }
  if (op == DZ__I_REDS) f(user, &i->a, DZ__READ);
  for (uint32_t t = item->first; t; t = k->term[t - 1].next) {
    dz__term *term = &k->term[t - 1];
    if (op != DZ__I_REDS || term->a != DZ__NOWHERE) f(user, &term->a, access);
    if (op == DZ__I_LINE && (term->how & DZ__T_MASK) >= DZ__T_VV) f(user, &term->b, DZ__READ);
  }
  if (op == DZ__I_RSELECT)
    f(user, &i->d, DZ__READ);
  else if (op != DZ__I_REDS && (op != DZ__I_LINE || i->mode == DZ__TO_PLACE))
    f(user, &i->d, op == DZ__I_PARTADD ? DZ__READ | DZ__WRITTEN : DZ__WRITTEN);
}

static bool take_all(dz__packing *k) {
  for (size_t at = 0; at < k->from->n && !k->failed; at++) {
    if (at == k->from->reverse) k->reverse = k->items;
    take(k, k->from->at[at], at);
  }
  if (k->from->reverse == k->from->n) k->reverse = k->items;
  return !k->failed;
}

bool dz__pack(const dz_allocator *a, dz__loop *l, size_t registers, uint32_t one) {
  dz__packing k = {.alloc = a, .from = &l->code, .to = &l->packed, .one = one, .registers = registers};
  k.made_cap = registers + 1;
  for (size_t j = 0; j < l->code.n; j++)
    k.made_cap += l->code.at[j].op == DZ__I_PART || l->code.at[j].op == DZ__I_PARTADD;
  k.made = dz__alloc(a, k.made_cap * sizeof *k.made);
  bool done = k.made != NULL;
  if (done) {
    look_at_all(&k);
    done = take_all(&k) && dz__pack_equal(&k);
    if (done) dz__pack_merge(&k);
    done = done && dz__pack_columns(&k) && dz__pack_write(&k);
  }
  dz__free(a, k.made, k.made_cap * sizeof *k.made);
  dz__free(a, k.item, k.item_cap * sizeof *k.item);
  dz__free(a, k.term, k.term_cap * sizeof *k.term);
  return done;
}
