/* Everything that is said is said from the trace: quantities, when they are known, and how they are written. */

const nodes = new Map(trace.nodes.map(s => [s.id, s]));
for (const s of trace.nodes) s.uses = [];
for (const s of trace.nodes)
  s.operands.forEach((use, k) => { if ("node" in use) nodes.get(use.node).uses.push({user: s, k, use}); });
const result = nodes.get(trace.result);
const isLeaf = s => ["input", "param", "const", "data"].includes(s.op);
const lastBack = Math.max(0, ...trace.nodes.filter(s => !isLeaf(s)).map(s => s.back));
const forwardSteps = trace.forward + 1;
const steps = forwardSteps + (result.state === "ready" ? 1 + lastBack : 0);

/* Steps count from 0: inputs, the waves forward, the seed, the waves back. */
const stepOfValue = s => s.wave;
const stepOfBack = wave => forwardSteps + wave;
const stepOfGradient = s => stepOfBack(s.back - 1);
const stepOfShare = u => stepOfBack(u.user.back);

/* A quantity: what a figure shows at one place, and an exercise asks for. */
const valueOf = s => ({key: `v${s.id}`, kind: "value", of: s, number: s.value, step: stepOfValue(s), given: isLeaf(s)});
const gradientOf = s => ({key: `g${s.id}`, kind: "gradient", of: s, number: s.gradient, step: stepOfGradient(s), given: s === result});
const shareOf = u => {
  const of = nodes.get(u.use.node);
  if (of.uses.length === 1 && of !== result) return {...gradientOf(of), via: u.user};
  return {key: `s${u.user.id}_${u.k}`, kind: "gradient", of, via: u.user, number: u.use.share, step: stepOfShare(u), given: false};
};
const partialOf = u => ({key: `p${u.user.id}_${u.k}`, kind: "partial", of: u.user, number: u.use.partial, step: stepOfShare(u), given: false});

/* ---- state ---- */

let step = 0, wrt = null, chosen = null, exercise = "";
const found = new Set(), revealed = new Set();

const below = new Map(); /* a chosen leaf or definition: the nodes that depend on it */
const dependents = id => {
  if (!below.has(id)) {
    const set = new Set([id]);
    for (const s of trace.nodes) if (s.operands.some(u => set.has(u.node))) set.add(s.id);
    below.set(id, set);
  }
  return below.get(id);
};
const relevant = s => wrt === null || dependents(wrt).has(s.id);
const isNumber = q => typeof q.number === "number" || typeof q.number === "string";
/* Whether there is such a quantity: no gradient goes on from what the result does not depend on, as behind stop(). */
const goesBack = s => s.state === "ready" && s.back > 0;
const isThere = q => q.kind === "value" || (goesBack(q.of) && (!q.via || goesBack(q.via)) && relevant(q.of));
const isDue = q => step >= q.step;
const isHidden = q => exercise !== "" && !q.given && isNumber(q) && (q.kind !== "value" || exercise === "all");
const isKnown = q => !isHidden(q) || found.has(q.key) || revealed.has(q.key);

/* ---- numbers and formulas as text ---- */

const raised = text => text.replace(/[-0-9]/g, c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);
const toDouble = v => typeof v === "string" ? {nan: NaN, inf: Infinity, "-inf": -Infinity}[v] : v;
const write = v => {
  if (v === null || v === undefined) return "…";
  if (Array.isArray(v)) return `[${v.map(write).join(", ")}]`;
  const x = toDouble(v);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const [digits, power] = String(Number(x.toPrecision(settings.digits))).split("e");
  return (Object.is(x, -0) ? "−0" : digits.replace("-", "−")) + (power ? `×10${raised(power.replace("+", ""))}` : "");
};
const shapeOf = s => s.shape.length ? say("ofShape", s.shape.join("×")) : "";
const read = q => isKnown(q) ? (q.number === null ? shapeOf(q.of) || "…" : write(q.number)) : "?";
const bracketed = text => /^[−-]/.test(text) ? `(${text})` : text;

/* The end of what begins at `at`: a bracket and what it holds, or a word or number with the brackets behind it. */
const endOf = (text, at) => {
  let i = at, depth = 0;
  if (text[i] === "-") i++;
  for (; i < text.length; i++) {
    if ("([".includes(text[i])) depth++;
    else if (")]".includes(text[i])) { if (--depth < 0) return i; }
    else if (depth === 0 && !/[\p{L}\p{N}_.]/u.test(text[i])) return i;
    if (depth === 0 && ")]".includes(text[i]) && !"([".includes(text[i + 1] || " ")) return i + 1;
  }
  return i;
};
const isOneBracket = text => text[0] === "(" && endOf(text, 0) === text.length && text.endsWith(")");

/* Text of the language as a formula: powers raised, e^u for exp(u), a middle dot for a product. */
const math = text => {
  const span = document.createElement("span");
  span.className = "math";
  let plain = "";
  const flush = () => { span.append(plain); plain = ""; };
  const power = inside => {
    const sup = document.createElement("sup");
    flush();
    sup.append(...math(isOneBracket(inside) ? inside.slice(1, -1) : inside).childNodes);
    span.append(sup);
  };
  for (let i = 0; i < text.length;) {
    const before = text[i - 1] || " ";
    if (text[i] === "^") {
      const end = endOf(text, i + 1);
      power(text.slice(i + 1, end));
      i = end;
    } else if (text.startsWith("exp(", i) && !/[\p{L}\p{N}_]/u.test(before) && isOneBracket(text.slice(i + 3, endOf(text, i + 3)))) {
      const end = endOf(text, i + 3);
      plain += "e";
      power(text.slice(i + 3, end));
      i = end;
    } else {
      plain += text[i] === "*" ? "·" : text[i] === "-" ? "−" : text[i];
      i++;
    }
  }
  flush();
  span.normalize();
  return span;
};

const operandName = u => "node" in u ? nodes.get(u.node).title : write(u.number).replaceAll("−", "-");
const operandNumber = u => "node" in u ? read(valueOf(nodes.get(u.node))) : write(u.number);
/* Whether an operator of these stands outside brackets, so that the text needs some to be an operand. */
const isLoose = (text, operators) => {
  let depth = 0;
  for (const c of text) {
    depth += "([".includes(c) ? 1 : ")]".includes(c) ? -1 : 0;
    if (depth === 0 && operators.includes(c)) return true;
  }
  return false;
};
const inBrackets = text => text !== "?" && isLoose(text, "+-*/<>=&|?:× @") ? `(${text})` : text;

/* Operations as the language calls them. */
const opName = s => ({fmax: "max", fmin: "min", fabs: "abs"})[s.op] || s.op;

/* The table's text with operands put in; a call where the text is a choice between cases. */
const applied = (s, parts) => {
  if (s.op === "pow") return parts.map(part => isLoose(part, "+-*/<>=&|?:× @^") ? `(${part})` : part).join("^");
  if (!s.rule || s.rule.includes("?") || s.rule.length > 30) return `${opName(s)}(${parts.join(", ")})`;
  return s.rule.replace(/\b[xyw]\b/g, c => {
    const part = parts["xyw".indexOf(c)], call = s.rule.includes(`(${c}`) || s.rule.includes(`, ${c}`);
    return call ? part : inBrackets(part);
  });
};
const symbolic = s => applied(s, s.operands.map(operandName));
const numeric = s => applied(s, s.operands.map(u => operandNumber(u).replaceAll("−", "-")));

/* What people call a node: its name, a short formula, or its label. In tape order, so that operands have theirs. */
const SHORT = 24;
for (const s of trace.nodes) {
  const brief = [s.rule ? symbolic(s) : null, s.formula && s.formula.text, isLeaf(s) ? null : symbolic(s)].find(t => t && t.length <= SHORT && !/^-?[\d.e+]+$/.test(t));
  s.title = s.name || (s === result ? trace.output : brief || s.label || s.op);
}

/* Formulas call a node without a name by a label, v3: here by its title. */
const unnamed = new Map(trace.nodes.filter(s => s.label && s.label !== s.name && s.title !== s.label).map(s => [s.label, s.title]));
const isWord = /[\p{L}_][\p{L}\p{N}_]*/gu;
const readable = text => unnamed.get(text) || text.replace(isWord, word => unnamed.has(word) ? inBrackets(unnamed.get(word)) : word);

/* A formula of the trace as page: set as mathematics, but where it holds a label. */
const formula = f => {
  if (!f.mathml || f.text.length > 100 || (f.text.match(isWord) || []).some(word => unnamed.has(word))) return math(readable(f.text));
  const source = `<math xmlns="http://www.w3.org/1998/Math/MathML">${f.mathml}</math>`;
  const parsed = new DOMParser().parseFromString(source, "application/xml").documentElement;
  if (parsed.localName !== "math") return math(readable(f.text));
  const span = document.createElement("span");
  span.className = f.text.length > 30 ? "wide" : "";
  span.append(document.importNode(parsed, true));
  if (f.guesses > 0) span.append(` ${say("guessed")}`);
  return span;
};
