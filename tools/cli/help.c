/* The verbs and what is said about each. */
#include "buffer.h"
#include "message.h"
#include "suggest.h"
#include "verbs.h"

#include <string.h>

static const char help_grad[] =
    "dz: value and gradient of an expression\n"
    "\n"
    "  dz 'x^2*y + y/(z+x) + z^x' x=1 y=1 z=2\n"
    "  dz 'z = a^2/(a^2 + exp(a*x))' a=-1 x=1\n"
    "  dz 'sum((A@x)^2)' A='[[1,2],[3,4]]' x='[1,-1]' --wrt x\n"
    "  dz examples/classifier.dz X=@iris.csv:petal_length,petal_width T=@iris.csv:species\n"
    "  echo 'sin(x)' | dz - x=pi/4 --json\n"
    "\n"
    "usage: dz [grad] EXPR|FILE.dz|- [NAME=VALUE]... [--wrt NAMES] [--seed VALUE] [--json] [--digits N]\n"
    "\n"
    "  --wrt a,b     gradients for these names only, in this order; definitions may be named too\n"
    "  --seed VALUE  the adjoint that arrives at the output (1); for a tensor, a tensor of its shape\n"
    "  --json        one object on one line; every number round-trips exactly, whatever --digits says\n"
    "  --digits N    at most N significant digits, 1 to 17\n"
    "  --            after it nothing is a flag\n"
    "\n"
    "values: 1.5, -1/3, [1, 2], [[1, 2], [3, 4]], or a file:\n"
    "  X=@f.npy        a NumPy array\n"
    "  X=@f.csv        every column of numbers; one column gives a vector, several give rows by columns\n"
    "  X=@f.csv:a,b    these columns, by name, or 0-based number when there is no header\n"
    "  T=@f.csv:kind   a column of texts becomes class numbers 0, 1, ... in order of first appearance\n"
    "  X=@-            standard input\n"
    "The first row of a table is its header when none of its cells is a number. A column whose first cell "
    "is\n"
    "a number holds numbers only; cells may not be empty.\n";

static const char help_check[] =
    "dz check: every gradient against an independent numerical derivative\n"
    "\n"
    "  dz check 'sum(softmax(W@x)[0])' W='[[1,2],[3,4]]' x='[.5,-.5]'\n"
    "  dz check examples/classifier.dz X=@iris.csv:petal_length,petal_width T=@iris.csv:species\n"
    "  dz check 'relu(x)' x=0      (says that 0 is a kink)\n"
    "\n"
    "usage: dz check EXPR|FILE.dz|- [NAME=VALUE]... [--wrt NAMES] [--json] [--digits N]\n"
    "\n"
    "The numerical derivative comes with an estimate of its own error; no tolerance is chosen. Where it "
    "cannot\n"
    "tell, the verdict says so: noisy, kink, not finite. The status is 1 when a gradient is wrong\n"
    "or the model is not the same twice, else 0.\n"
    "Inputs and parameters are checked; of leaves with many elements some, and random directions.\n"
    "\n"
    "Three tests stand beside it that need no numerical derivative, or no step:\n"
    "  Taylor test       what f(x+hv) - f(x) - h g.v goes as when h shrinks: h^2 (its odd part h^3) when "
    "the\n"
    "                    gradient g is right, h^1 when it is wrong; at a kink the even part goes as h^1\n"
    "  dot-product test  the slope along v by the forward and by the reverse sweep, which rounding alone "
    "may\n"
    "                    part, and the bound on that\n"
    "  forward sweep     the same for each derivative\n"
    "When something is wrong, the first cause is the first node, with its place and operands, that explains "
    "it:\n"
    "stop() on the way, a value taken off the tape, an operation whose derivative is wrong, a model that is "
    "not\n"
    "the same twice. At a kink the node that has it is named.\n";

static const char help_jacobian[] =
    "dz jacobian: the derivative of every element of the result by every element of a name\n"
    "\n"
    "  dz jacobian 'A@x' A='[[1,2],[3,4]]' x='[1,1]' --wrt x\n"
    "  dz jacobian '[r*cos(t), r*sin(t)]' r=2 t=pi/6\n"
    "\n"
    "usage: dz jacobian EXPR|FILE.dz|- [NAME=VALUE]... [--wrt NAMES] [--json] [--digits N]\n"
    "\n"
    "The axes of the result come first, then those of the name. By forward or reverse sweeps, whichever are "
    "fewer.\n";

static const char help_hessian[] =
    "dz hessian: all second derivatives of a number\n"
    "\n"
    "  dz hessian 'x^2*y + y/(z+x) + z^x' x=1 y=1 z=2\n"
    "  dz hessian 'sum(x^3)' x='[1,2,3]'\n"
    "\n"
    "usage: dz hessian EXPR|FILE.dz|- [NAME=VALUE]... [--wrt NAMES] [--json] [--digits N]\n"
    "\n"
    "A block for each pair of names: d2f/dx dy has the axes of x, then those of y.\n";

static const char help_derive[] =
    "dz derive: derivatives as formulas\n"
    "\n"
    "  dz derive 'x^2*y' --wrt x                      2*x*y\n"
    "  dz derive 'sin(x)^2' --order 2                 the second derivative\n"
    "  dz derive 'a^2/(a^2 + exp(a*x))'               by a and by x\n"
    "  dz derive 'sum((A@x)^2)' A='[[1,2],[3,4]]' x='[1,-1]' --wrt x\n"
    "\n"
    "usage: dz derive EXPR|FILE.dz|- [NAME=VALUE]... [--wrt NAMES] [--order N] [--json] [--digits N]\n"
    "\n"
    "  --wrt a,b   by these names only; without it by every input and parameter\n"
    "  --order N   the N-th derivative by each name, 1 to 9\n"
    "  --json      one object on one line; values are null when a name has none\n"
    "\n"
    "Scalars need no value. What is printed can be read again; long parts that occur more than once are\n"
    "named on lines before it. A formula holds where no condition is at its boundary and numbers are of\n"
    "moderate size: dz grad and d(f, x) compute the exact derivative at every point.\n";

static const char help_dot[] = "dz dot: the graph as Graphviz source, on standard output\n"
                               "\n"
                               "  dz dot 'a^2/(a^2 + exp(a*x))' a=-1 x=1\n"
                               "  dz dot 'x*x' x=3 | dot -Tx11\n"
                               "\n"
                               "usage: dz dot EXPR|FILE.dz|- [NAME=VALUE]... [--seed VALUE] [--digits N]\n"
                               "\n"
                               "Operations are circles; each wire carries its value and, below, its "
                               "gradient. --digits: 4 when not given.\n";

static const char help_draw[] =
    "dz draw: a picture of the graph\n"
    "\n"
    "  dz draw 'a^2/(a^2 + exp(a*x))' a=-1 x=1 -o sigmoid.svg\n"
    "  dz draw model.dz x=1 -o model.pdf --timeout 60\n"
    "\n"
    "usage: dz draw EXPR|FILE.dz|- [NAME=VALUE]... -o FILE.svg|.png|.pdf [--seed VALUE] [--digits N]\n"
    "               [--timeout SECONDS] [--force]\n"
    "\n"
    "  -o, --output FILE   where the picture goes; it is replaced only when the new one is complete\n"
    "  --timeout SECONDS   how long Graphviz may take (20)\n"
    "  --force             draw more than 400 operations\n"
    "\n"
    "Needs Graphviz's dot.\n";

static const char help_ops[] =
    "dz ops: the operations that expressions are made of\n"
    "\n"
    "  dz ops                all of them: name, other names, formula\n"
    "  dz ops sigmoid        one: its formula, its partial derivatives, its hard points\n"
    "  dz ops --json\n"
    "\n"
    "usage: dz ops [NAME] [--json]\n"
    "\n"
    "x, y, w are the operands and z is the result.\n";

static const char help_help[] = "dz help: what dz can do\n"
                                "\n"
                                "  dz help           all verbs\n"
                                "  dz help draw      one verb, examples first\n"
                                "  dz draw --help    the same\n"
                                "\n"
                                "usage: dz help [VERB]\n";

static const verb verbs[] = {
    {"grad", FOR_GRAD, false, "value and gradient (what dz does without a verb)", help_grad, verb_grad},
    {"check", FOR_CHECK, false, "gradients against numerical derivatives", help_check, verb_check},
    {"jacobian", FOR_JACOBIAN, false, "every element of the result by every element of a name", help_jacobian,
     verb_jacobian},
    {"hessian", FOR_HESSIAN, false, "all second derivatives", help_hessian, verb_hessian},
    {"derive", FOR_DERIVE, false, "derivatives as formulas", help_derive, verb_derive},
    {"dot", FOR_DOT, false, "the graph as Graphviz source", help_dot, verb_dot},
    {"draw", FOR_DRAW, false, "a picture of the graph: svg, png, pdf", help_draw, verb_draw},
    {"ops", FOR_OPS, true, "the operations, their formulas and derivatives", help_ops, verb_ops},
    {"help", FOR_HELP, true, "this, or one verb's help", help_help, verb_help},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

const verb *verb_at(size_t i) { return i < VERBS ? &verbs[i] : NULL; }

const verb *verb_named(const char *name) {
  for (size_t i = 0; i < VERBS; i++)
    if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
  return NULL;
}

static void overview(buffer *b) {
  buffer_text(b, "dz: values and exact gradients of ordinary expressions\n"
                 "\n"
                 "  dz 'x^2*y + y/(z+x) + z^x' x=1 y=1 z=2\n"
                 "  dz check 'sigmoid(x)' x=1\n"
                 "  dz draw 'a^2/(a^2 + exp(a*x))' a=-1 x=1 -o sigmoid.svg\n"
                 "\n"
                 "usage: dz [VERB] EXPR|FILE.dz|- [NAME=VALUE]... [FLAGS]\n"
                 "\n");
  for (size_t i = 0; i < VERBS; i++) {
    buffer_text(b, "  ");
    buffer_text(b, verbs[i].name);
    buffer_pad(b, 10 - strlen(verbs[i].name));
    buffer_text(b, verbs[i].brief);
    buffer_text(b, "\n");
  }
  buffer_text(b, "\n"
                 "  -h, --help     help, on a verb when one is given\n"
                 "  -V, --version  the version\n"
                 "\n"
                 "status: 0 done; 1 a check said no; 2 usage or bad expression; 3 file trouble;\n"
                 "        4 out of memory or over a limit; 130 interrupted\n");
}

int verb_help(const options *o) {
  buffer b = {0};
  char hint[128];
  if (o->count > 1) die(STATUS_USAGE, "dz help takes one verb, '%s' came too", o->words[1]);
  const verb *v = o->count == 1 ? verb_named(o->words[0]) : NULL;
  if (o->count == 1 && v == NULL) {
    suggestion s = suggest(o->words[0]);
    for (size_t i = 0; i < VERBS; i++) suggest_name(&s, verbs[i].name);
    die(STATUS_USAGE, "unknown verb '%s'%s", o->words[0],
        s.best != NULL ? suggest_text(&s, hint) : ": dz help lists them");
  }
  if (v != NULL)
    buffer_text(&b, v->help);
  else
    overview(&b);
  output(&b);
  buffer_free(&b);
  return STATUS_DONE;
}
