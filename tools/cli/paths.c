/* dz paths: the gradient as a sum over paths. */
#include "dz/paths.h"
#include "buffer.h"
#include "graphviz.h"
#include "json.h"
#include "message.h"
#include "model.h"
#include "speech.h"
#include "table.h"
#include "verbs.h"

static bool append(void *user, const char *text, size_t size) {
  buffer_add(user, text, size);
  return true;
}

static dz_paths *find(const model *m, const wanted *w) {
  dz_paths *paths;
  if (!dz_valid(w->node) || !dz_is_active(w->node))
    die(STATUS_USAGE, "--wrt: '%s' is constant: no path starts there", w->name);
  if (dz_size(w->node) != 1)
    die(STATUS_USAGE, "'%s' is a tensor, and a path starts at a number: name one, as in u = %s[0], and use u",
        w->name, w->name);
  dz_status status = dz_paths_find(m->result, w->node, 0, 0, &paths);
  if (status == DZ_ERR_LIMIT)
    die(STATUS_LIMIT, "too much lies between '%s' and the result to follow its paths", w->name);
  if (status != DZ_OK) die_status(&m->source, dz_tape_error(m->tape), status);
  return paths;
}

static cJSON *nodes_json(const dz_paths *p) {
  cJSON *nodes = json_array();
  for (size_t i = 0; i < p->nodes; i++) {
    const dz_path_node *n = &p->node[i];
    cJSON *node = json_object();
    json_put(node, "label", json_text(n->label));
    json_put(node, "formula", n->formula[0] != '\0' ? json_text(n->formula) : json_text(NULL));
    json_put(node, "value", json_number(n->value));
    json_put(node, "gradient", json_number(n->adjoint));
    json_push(nodes, node);
  }
  return nodes;
}

static cJSON *path_json(const dz_paths *p, const dz_path *path) {
  cJSON *object = json_object(), *nodes = json_array(), *partials = json_array();
  json_push(nodes, json_text(p->node[0].label));
  for (size_t i = 0; i < path->length; i++) {
    const dz_path_edge *e = &p->edge[path->edge[i]];
    json_push(nodes, json_text(p->node[e->to].label));
    json_push(partials, json_number(e->partial));
  }
  json_put(object, "nodes", nodes);
  json_put(object, "partials", partials);
  json_put(object, "product", json_number(path->product));
  return object;
}

static cJSON *paths_json(const dz_paths *p) {
  cJSON *object = json_object(), *list = json_array(), *products = json_object();
  json_put(object, "count", json_whole(p->count));
  json_put(object, "more", cJSON_CreateBool(p->over));
  json_put(object, "all", cJSON_CreateBool(p->all));
  json_put(object, "nodes", nodes_json(p));
  for (size_t i = 0; i < p->paths; i++) json_push(list, path_json(p, &p->path[i]));
  json_put(object, "paths", list);
  json_put(object, "sum", json_number(p->sum));
  json_put(object, "gradient", json_number(p->gradient));
  json_put(products, "paths", json_whole(p->path_products));
  json_put(products, "recursion", json_whole(p->recursion_products));
  json_put(object, "multiplications", products);
  return object;
}

static void draw(const model *m, const dz_paths *p, const options *o) {
  buffer b = {0};
  if (p->nodes == 0) die(STATUS_USAGE, "there is no path to draw");
  const char *format = graphviz_format(o->draw);
  dz_paths_style style = {model_name(m), o->digits, speech, NULL};
  dz_status status = dz_paths_dot(p, &style, 0, append, &b);
  if (status == DZ_ERR_LIMIT) die(STATUS_LIMIT, "more than 200 values on the way make no readable picture");
  if (status != DZ_OK) die_status(NULL, NULL, status);
  graphviz_draw(&b, format, o->draw, o->timeout);
  buffer_free(&b);
}

int verb_paths(const options *o) {
  speech_in(o->lang);
  model m = model_read(o);
  wants w = model_wants(&m, o->wrt);
  if (dz_size(m.result) != 1) model_no_scalar(&m, "sum it, as in sum(...)");
  if (w.count == 0) die(STATUS_USAGE, "there is no input to start a path from");
  if (o->draw != NULL && w.count != 1)
    die(STATUS_USAGE, "--draw shows the paths from one name: --wrt %s", w.at[0].name);
  buffer out = {0};
  cJSON *object = json_object(), *all = json_object();
  for (size_t i = 0; i < w.count; i++) {
    dz_paths *p = find(&m, &w.at[i]);
    dz_paths_style style = {model_name(&m), o->digits, speech, NULL};
    if (o->draw != NULL) draw(&m, p, o);
    if (i > 0) buffer_text(&out, "\n");
    if (p->nodes == 0 && !o->json) buffer_text(&out, w.at[i].name), buffer_text(&out, ": ");
    dz_status status = o->json ? DZ_OK : dz_paths_write(p, &style, append, &out);
    if (status != DZ_OK) die_status(NULL, NULL, status);
    if (o->json) json_put(all, w.at[i].name, paths_json(p));
    dz_paths_free(p);
  }
  json_put(object, "value", json_number(dz_value(m.result)));
  json_put(object, "paths", all);
  json_put(object, "notes", json_notes(m.tape));
  if (o->json) {
    json_print(object);
  } else {
    cJSON_Delete(object);
    table_notes(&out, m.tape);
    output(&out);
  }
  buffer_free(&out);
  wants_free(&w);
  model_free(&m);
  return STATUS_DONE;
}
