/* The verbs and what is said about each. */
#include "help.h"
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

static const char help_dot[] =
    "dz dot: the graph as Graphviz source, on standard output\n"
    "\n"
    "  dz dot 'a^2/(a^2 + exp(a*x))' a=-1 x=1\n"
    "  dz dot 'x*x' x=3 --theme dark | dot -Tx11\n"
    "\n"
    "usage: dz dot EXPR|FILE.dz|- [NAME=VALUE]... [--seed VALUE] [--digits N] and the options of dz draw "
    "that say\n"
    "              what is shown\n"
    "\n"
    "The source that dz draw gives to Graphviz, with the same options: see dz help draw.\n";

static const char help_draw[] =
    "dz draw: a picture of the graph\n"
    "\n"
    "  dz draw 'a^2/(a^2 + exp(a*x))' a=-1 x=1 -o sigmoid.svg\n"
    "  dz draw 'a^2/(a^2 + exp(a*x))' a=-1 x=1 --wrt x --theme dark -o sigmoid.png\n"
    "  dz draw 'a^2/(a^2 + exp(a*x))' a=-1 x=1 --frames sigmoid\n"
    "  dz draw 's = a^2; d = s + exp(a*x); z = s/d' a=-1 x=1 --style vars -o variables.svg\n"
    "  dz draw 'sigmoid(w1*x1 + w2*x2 + b)' w1=1 w2=-2 x1=3 x2=1 b=.5 --style neurons -o neuron.svg\n"
    "\n"
    "usage: dz draw EXPR|FILE.dz|- [NAME=VALUE]... -o FILE.svg|.png|.pdf [--frames FOLDER]\n"
    "               [--style graph|vars|layers|neurons] [--labels sym|num|both] [--show fwd|bwd|both]\n"
    "               [--wrt NAMES] [--wave N] [--partials] [--const NAMES] [--collapse NAMES] [--depth N]\n"
    "               [--theme light|dark|mono] [--lang en|ja] [--digits N] [--seed VALUE] [--timeout "
    "SECONDS]\n"
    "               [--force]\n"
    "\n"
    "Operations are circles. Each wire carries its value above, and below, behind an arrow to the left, the\n"
    "gradient that flows back along it; a dot stands where a value is used more than once: there gradients "
    "add.\n"
    "E is the gradient that arrives at the result.\n"
    "\n"
    "  -o, --output FILE   where the picture goes; it is replaced only when the new one is complete\n"
    "  --frames FOLDER     a picture for each wave: forward-1.svg … backward-1.svg …, all laid out alike, "
    "and\n"
    "                      animation.svg, which moves by itself and needs no script\n"
    "  --style WORD        graph: as above. vars: values in circles, local partials at the arrows. layers: "
    "a\n"
    "                      network as a chain, with what is done at the lines. neurons: elements as "
    "circles,\n"
    "                      weights at the lines\n"
    "  --labels WORD       formulas, numbers, or both\n"
    "  --show WORD         the forward sweep, the backward sweep, or both\n"
    "  --wrt a,b           only the gradients that lead to these names\n"
    "  --wave N            as it is after N waves: first those forward, then those backward\n"
    "  --partials          the local partials at the wires too\n"
    "  --const a,b         names that stand as their numbers in formulas. Without it, a name a to d that is "
    "-1\n"
    "                      and used more than once, beside others; --const= for none\n"
    "  --collapse a,b      named results, or functions, drawn as one box each\n"
    "  --depth N           so many levels of named results within each other are open, the others boxes\n"
    "  --theme WORD        mono knows gradients by their arrow and place alone\n"
    "  --lang en|ja        the language of the legend (of the locale when not given)\n"
    "  --digits N          significant digits (4)\n"
    "  --timeout SECONDS   how long Graphviz may take (20)\n"
    "  --force             draw more than 1000 operations\n"
    "\n"
    "Up to 40 operations are drawn in full, with formulas; beyond, named results, calls of functions and "
    "long sums\n"
    "become boxes. Names a program defines are used in its formulas. Needs Graphviz's dot; where that is "
    "missing or\n"
    "takes too long, an SVG is laid out by dz itself, more plainly.\n";

static const char help_plot[] =
    "dz plot: curves of expressions and of their derivatives\n"
    "\n"
    "  dz plot 'sigmoid(x)' x=-6:6 --derivative -o sigmoid.svg\n"
    "  dz plot 'sigmoid(x)' 'tanh(x)' 'relu(x)' 'hard_tanh(x)' x=-3:3 -o activations.svg\n"
    "  dz plot 'perceptron(1, m)' 'hinge(1, m)' m=-3:3 -o losses.svg\n"
    "  dz plot 'a*sin(x)/x' a=2 x=-4*pi:4*pi -o sinc.pdf\n"
    "\n"
    "usage: dz plot EXPR... NAME=LOW:HIGH[:STEP] [NAME=VALUE]... [--derivative] [-o FILE.svg|.png|.pdf]\n"
    "               [--timeout SECONDS]\n"
    "\n"
    "  NAME=LOW:HIGH       the name that runs along the axis; points are chosen so that the line looks "
    "right.\n"
    "                      STEP, when given, is as far apart as they may be\n"
    "  --derivative        a second line for each expression: its derivative by that name\n"
    "  -o, --output FILE   where the picture goes; without it, an SVG to standard output\n"
    "  --timeout SECONDS   how long gnuplot may take (20)\n"
    "\n"
    "A jump is a gap: the filled end has the value there. Where a curve goes to infinity the axis is cut.\n"
    "Needs gnuplot.\n";

static const char help_page[] =
    "dz page: the graph as a page for a browser: one file, which needs no network\n"
    "\n"
    "  dz page 'z = a^2/(a^2 + exp(a*x))' a=-1 x=1 -o sigmoid.html\n"
    "  dz page model.dz x=1 -o model.html --lang ja\n"
    "\n"
    "usage: dz page EXPR|FILE.dz|- [NAME=VALUE]... [-o FILE.html] [--wrt NAMES] [--seed VALUE] [--digits N]\n"
    "               [--lang en|ja] [--timeout SECONDS] [--force]\n"
    "\n"
    "  -o, --output FILE   where the page goes; without it, to standard output\n"
    "  --wrt a,b           the names whose gradients can be chosen on the page\n"
    "  --digits N          significant digits in the figure and the texts (4)\n"
    "  --lang en|ja        the language that it opens with (of the locale when not given); it has both\n"
    "  --timeout SECONDS   how long Graphviz may take (20)\n"
    "  --force             more than 400 operations\n"
    "\n"
    "On the page: arrow keys or the slider go through the waves of both sweeps; a click on an operation, a "
    "wire\n"
    "or a branch point says the rule, the formula and the numbers; \"Exercise\" hides the answers and asks "
    "for\n"
    "them. Needs Graphviz's dot to be made.\n";

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

static const char help_emit[] =
    "dz emit: the expression and its gradient as C\n"
    "\n"
    "  dz emit 'x^2*y + y/(z+x)' --name f > f.c\n"
    "  dz emit 'sin(x)*exp(-x)' x=2 --test > f.c && cc f.c -lm && ./a.out\n"
    "  dz emit model.dz X=@iris.npy --wrt W,b > model.c\n"
    "\n"
    "usage: dz emit EXPR|FILE.dz|- [NAME=VALUE]... [--name NAME] [--wrt NAMES] [--float]\n"
    "               [--batched] [--test]\n"
    "\n"
    "  --name NAME  of the function (f); all other names begin with it\n"
    "  --wrt a,b    the function's inputs, in this order: by default every input and parameter\n"
    "  --float      the function takes and gives floats; between them it computes in double\n"
    "  --batched    with NAME_batch(n, ...), which takes n inputs at once, one row of in[] for each\n"
    "  --test       with a main that checks the function at the given values (0.5, 0.75, ... without)\n"
    "\n"
    "The C needs gcc or clang and libm, nothing else: no dz, no memory but what the caller gives. A name "
    "that "
    "is no\n"
    "input keeps its value, and scalars that are inputs need none. A comment at the top says which element "
    "of "
    "in[] is\n"
    "what. For equal numbers compile it with -ffp-contract=off; for speed with -O2 -ftree-vectorize "
    "-march=native.\n";

static const char help_cost[] =
    "dz cost: what the value, its gradient and a plan of them cost\n"
    "\n"
    "  dz cost 'x^2*y + y/(z+x)'\n"
    "  dz cost 'sum(tanh(W@x))' W=@W.npy x=@x.npy\n"
    "  dz cost model.dz X=@iris.npy --json\n"
    "\n"
    "usage: dz cost EXPR|FILE.dz|- [NAME=VALUE]... [--wrt NAMES] [--json]\n"
    "\n"
    "  --wrt a,b    the plan's inputs; the others keep their values\n"
    "\n"
    "Counted by the operations' formulas, not measured. Operations are those on single numbers: each + - * "
    "/,\n"
    "comparison and call of a function is one; transcendentals are the calls of exp, log, sin and the like "
    "among\n"
    "them. value: recording the expression on the tape; gradient: that and a sweep back; plan: both by a "
    "plan, "
    "of\n"
    "which only what lies outside its registers counts as read and written. memory: the most that is held at "
    "once.\n"
    "Scalars need no value.\n";

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
    {"cost", FOR_COST, false, "operations and memory of value, gradient and plan", help_cost, verb_cost},
    {"emit", FOR_EMIT, false, "value and gradient as C", help_emit, verb_emit},
    {"explain", FOR_EXPLAIN, false, "both sweeps in words, with rules and numbers", help_explain,
     verb_explain},
    {"paths", FOR_PATHS, false, "the gradient as a sum over paths", help_paths, verb_paths},
    {"why", FOR_WHY, false, "why a gradient is zero, tiny, huge, NaN or infinite", help_why, verb_why},
    {"grade", FOR_GRADE, false, "a claimed derivative against the true one", help_grade, verb_grade},
    {"dot", FOR_DOT, false, "the graph as Graphviz source", help_dot, verb_dot},
    {"draw", FOR_DRAW, false, "a picture of the graph: svg, png, pdf", help_draw, verb_draw},
    {"plot", FOR_PLOT, false, "curves of expressions and of their derivatives", help_plot, verb_plot},
    {"page", FOR_PAGE, false, "the graph as a page for a browser", help_page, verb_page},
    {"train", FOR_TRAIN, false, "parameters learnt from samples", help_train, verb_train},
    {"predict", FOR_PREDICT, false, "what a trained program says of samples", help_predict, verb_predict},
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
                 "  --limit NAME=NUMBER\n"
                 "                 data=64G: bytes of a file of data (8G, and K, M, T for other units);\n"
                 "                 steps=1e9: what functions of a program may expand to (67108864);\n"
                 "                 nodes=1e6: what the tape may hold (268435456)\n"
                 "\n"
                 "status: 0 done; 1 a check or grade said no; 2 usage or bad expression; 3 file trouble;\n"
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
