/* The figure, as Graphviz laid it out. Of it only the ids of its parts are read: n7 node 7, w7 the wire that leaves
   it, b7 where that branches, w9_1 the wire into operand 1 of node 9, c9_1 a number there, o7 the output. What it says
   is shown and hidden as the steps go; all else is said from the trace. */

const make = (tag, ...inside) => {
  const e = document.createElement(tag);
  e.append(...inside);
  return e;
};
/* Words with pieces of page in their gaps. */
const phrase = (key, ...inside) => say(key).split(/\{(\d)\}/).map((part, i) => i % 2 ? inside[part] : part);
const classed = (name, e) => { e.className = name; return e; };
const red = (...inside) => classed("red", make("span", ...inside));

/* ---- the figure ---- */

const svg = document.querySelector("#figure svg");
const parts = [];   /* quantities in the figure: {q, elements, question} */
const things = [];  /* what can be chosen: {element, kind, node, uses: those a wire stands for} */

const svgElement = (tag, attributes) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
};
const boxOf = elements => {
  const boxes = elements.map(e => e.getBBox()).filter(b => b.width > 0 || b.height > 0);
  const x0 = Math.min(...boxes.map(b => b.x)), x1 = Math.max(...boxes.map(b => b.x + b.width));
  const y0 = Math.min(...boxes.map(b => b.y)), y1 = Math.max(...boxes.map(b => b.y + b.height));
  return boxes.length ? {x: x0, y: y0, width: x1 - x0, height: y1 - y0} : null;
};

const addPart = (q, elements, group) => {
  const box = boxOf(elements);
  if (!box) return;
  const question = svgElement("text", {x: box.x + box.width / 2, y: box.y + Math.min(box.height, 24) - 4, class: "question"});
  question.textContent = "?";
  group.append(question);
  for (const e of elements) e.classList.add(q.kind);
  parts.push({q, elements, question});
};

/* A wire's line is its flattest and widest part; above stands the value, below the gradient. */
const readWire = (group, value, gradient) => {
  const inside = [...group.children].filter(e => e.tagName !== "title");
  const flat = inside.filter(e => e.tagName === "polygon" && e.getBBox().height <= 3);
  flat.sort((a, b) => b.getBBox().width - a.getBBox().width);
  const line = flat[0], middle = line ? line.getBBox().y + line.getBBox().height / 2 : 0;
  const side = e => { /* raised text counts as what it stands beside */
    const b = e.getBBox();
    return (e.tagName === "text" ? Number(e.getAttribute("y")) - 4 : b.y + b.height / 2) - middle;
  };
  if (line) line.classList.add("line");
  addPart(value, inside.filter(e => e !== line && side(e) < -1), group);
  addPart(gradient, inside.filter(e => e !== line && side(e) > 1), group);
  for (const e of inside) if (e !== line && Math.abs(side(e)) <= 1) e.classList.add("away");
};

/* Where several operations are one box, the wires into it are counted by the box, not by an operand: what such a wire
   brings is found by where it comes from, w9_1 from node 7 by the edge n7->w9_1. */
const sources = new Map(), shown = new Set();
const readEdges = () => {
  for (const title of svg.querySelectorAll("g.node > title, g.edge > title")) {
    const [, from, to] = title.textContent.match(/^[nb](\d+)(?:->(w\d+_\d+):w)?$/) || [];
    if (to) sources.set(to, Number(from));
    else if (from) shown.add(Number(from));
  }
};
const usesWithin = (box, id) => {
  const found = [], seen = new Set([box]);
  for (const s of seen) s.operands.forEach((use, k) => {
    if (use.node === id) found.push({user: s, k, use});
    else if ("node" in use && !shown.has(use.node)) seen.add(nodes.get(use.node));
  });
  return found;
};
const isBox = s => s.operands.some(u => "node" in u && !shown.has(u.node));
/* The uses that a wire stands for: one, unless it is that of a box. */
const usesOf = (s, id, k) => {
  const from = sources.get(id), use = s.operands[k];
  if (from !== undefined && (isBox(s) || !use || use.node !== from)) return usesWithin(s, from);
  return use ? [{user: s, k, use}] : [];
};
const broughtBy = uses => {
  if (uses.length === 1) return shareOf(uses[0]);
  const shares = uses.map(shareOf), last = shares.reduce((a, b) => a.step >= b.step ? a : b);
  const number = shares.every(isNumber) ? shares.reduce((sum, q) => sum + toDouble(q.number), 0) : null;
  return {...last, key: shares.map(q => q.key).join(), number: Number.isFinite(number) || number === null ? number : Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf"};
};

const readNode = group => {
  const id = group.querySelector("title")?.textContent || "";
  const [, letter, first, second] = id.match(/^([nbowc])(\d+)(?:_(\d+))?$/) || [];
  const s = nodes.get(Number(first));
  for (const e of group.querySelectorAll("text")) if (/^#5f6368$/i.test(e.getAttribute("fill") || "")) e.classList.add("grey");
  if (!s) return;
  const use = second !== undefined ? s.operands[second] || null : null;
  if (letter === "w") {
    const uses = second === undefined ? [] : usesOf(s, id, Number(second));
    if (second !== undefined && uses.length === 0) return;
    const of = uses.length ? nodes.get(uses[0].use.node) : s;
    readWire(group, valueOf(of), uses.length ? broughtBy(uses) : gradientOf(of));
    things.push({element: group, kind: "wire", node: of, uses});
  } else {
    group.classList.add(letter === "b" ? "dot" : "ink");
    things.push({element: group, kind: letter === "b" ? "branch" : letter === "c" ? "number" : letter === "o" ? "output" : isLeaf(s) ? "leaf" : "operation", node: s, uses: [], number: use ? use.number : null});
  }
};

const roleWords = new Map();
for (const role of ["input", "parameter", "constant", "data", "output"])
  for (const text of [words.en[role], words.ja[{parameter: "param", constant: "const"}[role] || role], role])
    if (text) roleWords.set(text, {parameter: "param", constant: "const"}[role] || role);
for (const code of ["en", "ja"]) for (const key of ["input", "param", "const", "data", "output"]) roleWords.set(words[code][key], key);
const roles = [];

const readFigure = () => {
  const root = svg.querySelector("g.graph");
  for (const e of [...root.children]) if (["text", "polygon", "title"].includes(e.tagName)) e.remove();
  const groups = [...svg.querySelectorAll("g.node")];
  readEdges();
  groups.forEach(readNode);
  for (const e of svg.querySelectorAll("text.grey")) {
    const key = roleWords.get(e.textContent.trim());
    if (!key) continue;
    const box = e.getBBox();
    e.setAttribute("x", box.x + box.width / 2);
    e.setAttribute("text-anchor", "middle");
    roles.push({element: e, key});
  }
  for (const t of things) {
    const box = t.element.getBBox(), ring = svgElement("rect", {class: "ring", rx: 8, x: box.x - 4, y: box.y - 4, width: box.width + 8, height: box.height + 8});
    t.element.prepend(ring);
    t.element.setAttribute("tabindex", "0");
    t.element.setAttribute("role", "button");
  }
  for (const e of svg.querySelectorAll("title")) e.remove();
  const box = root.getBBox(), view = svg.viewBox.baseVal, matrix = root.transform.baseVal.consolidate().matrix;
  view.x = box.x * matrix.a + matrix.e - 8;
  view.y = box.y * matrix.d + matrix.f - 8;
  view.width = box.width * matrix.a + 16;
  view.height = box.height * matrix.d + 16;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.style.width = `${view.width * 1.34}px`; /* an inch is 72 of its points, 96 of the screen's */
  svg.style.minWidth = `${view.width * .75}px`; /* smaller cannot be read: it scrolls instead */
};

/* ---- what the figure shows ---- */

const waveNow = s => step < forwardSteps ? !isLeaf(s) && s.wave === step || step === 0 && isLeaf(s) && s.wave === 0
  : step === forwardSteps ? false : s.back === step - forwardSteps && !isLeaf(s) && s.state === "ready" && relevant(s);
const sumNow = s => s.uses.length > 1 && s.state === "ready" && relevant(s) && step === stepOfGradient(s);

const describeThing = t => {
  const v = valueOf(t.node), g = t.uses.length ? broughtBy(t.uses) : gradientOf(t.node);
  const kind = t.kind === "leaf" ? say(t.node.op) : say(t.kind);
  const texts = [t.kind === "number" ? write(t.number) : t.kind === "operation" ? `${kind} ${opName(t.node)}` : `${kind} ${t.kind === "output" ? trace.output : t.node.title}`];
  if (t.kind !== "number" && isDue(v)) texts.push(`${say("value")} ${read(v)}`);
  if (t.kind !== "number" && isThere(g) && isDue(g)) texts.push(`${say("gradient")} ${read(g)}`);
  return texts.join(", ");
};

const showFigure = () => {
  for (const p of parts) {
    const due = isDue(p.q) && isThere(p.q), known = isKnown(p.q);
    for (const e of p.elements) e.classList.toggle("away", !(due && known));
    p.question.classList.toggle("asked", due && !known);
  }
  for (const t of things) {
    const now = t.kind === "branch" ? sumNow(t.node) : t.kind === "operation" || t.kind === "leaf" ? waveNow(t.node)
      : t.kind === "output" ? step === forwardSteps : false;
    t.element.classList.toggle("now", now);
    t.element.classList.toggle("chosen", chosen === t);
    t.element.setAttribute("aria-pressed", String(chosen === t));
    t.element.setAttribute("aria-label", describeThing(t));
  }
  for (const r of roles) r.element.textContent = say(r.key);
};

const scrollToNow = () => {
  const frame = byId("figure"), now = things.filter(t => t.element.classList.contains("now"));
  if (frame.scrollWidth <= frame.clientWidth || now.length === 0) return;
  const rects = now.map(t => t.element.getBoundingClientRect());
  const left = Math.min(...rects.map(r => r.left)), right = Math.max(...rects.map(r => r.right));
  frame.scrollLeft += (left + right) / 2 - frame.getBoundingClientRect().left - frame.clientWidth / 2;
};
