/* The panel: the details of what was chosen in the figure, and the questions of an exercise. */

/* A number as a student writes it: "-1/3", "−0.25", "2e-5", full-width digits. NaN when it is none. */
const parse = text => {
  const clean = text.normalize("NFKC").replace(/[−ー–]/g, "-").replace(/\s/g, "");
  const parts = clean.split("/");
  if (parts.length > 2 || !parts.every(p => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(p))) return {x: NaN, digits: 0};
  const x = parts.map(Number).reduce((a, b) => a / b);
  const digits = parts.length === 2 ? 17 : parts[0].replace(/e.*/i, "").replace(/[-+.]/g, "").replace(/^0+/, "").length;
  return {x, digits};
};

/* "right" to as many digits as were given, when these are three or the number has no more. */
const judge = (text, number) => {
  const {x, digits} = parse(text), y = toDouble(number);
  const word = {nan: "NaN", inf: "∞"}[text.trim().toLowerCase()] || text.trim();
  if (!Number.isFinite(y)) return word === write(number) || word === String(number) ? "right" : "wrong";
  if (Number.isNaN(x)) return "unread";
  const rounded = Number(y.toPrecision(Math.min(Math.max(digits, 1), 17)));
  const near = x === y || x === rounded || Math.abs(x - y) <= Math.abs(y) * 1e-9 || x === Number(y.toPrecision(settings.digits));
  if (!near) return "wrong";
  return digits >= 3 || Number(y.toPrecision(12)) === x ? "right" : "more";
};

const asked = () => parts.map(p => p.q).filter((q, i, all) => isThere(q) && isHidden(q) && all.findIndex(o => o.key === q.key) === i);
const showScore = () => {
  const all = asked();
  byId("score").hidden = exercise === "";
  byId("score").textContent = say("score", all.filter(q => found.has(q.key)).length, all.length);
};

/* The number of a quantity, or the question for it. */
const slot = (q, what) => {
  if (q.kind === "gradient" && !isThere(q)) return make("span", q.of.state === "inactive" ? say("inactive") : q.of.state === "ready" && relevant(q.of) ? write(q.number) : relevant(q.of) ? say("notComputed") : say("hidden", wrtName()));
  if (!isDue(q)) return classed("hint", make("span", say("later", q.step + 1)));
  if (isKnown(q)) {
    const text = read(q), e = q.kind === "gradient" ? red(text) : make("span", text);
    if (exercise !== "" && found.has(q.key)) e.append(" ", classed("good", make("span", say("right"))));
    return e;
  }
  const form = classed("ask", make("form")), input = make("input"), verdict = make("span");
  input.type = "text";
  input.inputMode = "text";
  input.setAttribute("aria-label", say("answer", what));
  verdict.setAttribute("role", "status");
  const check = make("button", say("check")), show = make("button", say("show"));
  show.type = "button";
  form.append(input, check, show, verdict);
  form.addEventListener("submit", event => {
    event.preventDefault();
    const outcome = judge(input.value, q.number);
    if (outcome === "right") {
      found.add(q.key);
      showAll();
      byId("panel-title").focus();
      return;
    }
    verdict.className = outcome === "wrong" ? "bad" : "hint";
    verdict.textContent = say(outcome, 3);
    input.focus();
  });
  show.addEventListener("click", () => { revealed.add(q.key); showAll(); byId("panel-title").focus(); });
  return form;
};

/* ---- details ---- */

const rows = pairs => {
  const list = make("dl");
  for (const [name, inside] of pairs.filter(Boolean)) list.append(make("dt", ...[name].flat()), make("dd", inside));
  return list;
};
const gradientRow = (s, name) => [name, slot(gradientOf(s), `${say("gradient")} ${s.title}`)];
const gradientFormula = s => s.gradient_formula && isThere(gradientOf(s)) && isKnown(gradientOf(s)) && isDue(gradientOf(s))
  ? [`${say("formula")} (${say("gradient")})`, formula(s.gradient_formula)] : null;
const placeRow = s => s.line > 0 ? [say("place"), say("at", s.line, s.column)] : null;

/* Whether a text of the table is a formula, rather than a choice between cases or a recipe. */
const isReadable = text => !text.includes("?") && text.length <= 60;

/* The table's text over x y w and z with letters that fewer inputs have. */
const general = text => text.replace(/\b[xyz]\b/g, c => ({x: "u", y: "v", z: "f"})[c]);

const useDetails = u => {
  const of = nodes.get(u.use.node), share = shareOf(u), p = partialOf(u), name = of.title;
  if (of.state === "inactive" || !relevant(of)) return [];
  const solved = isKnown(share) && isDue(share);
  const table = u.use.rule && isReadable(u.use.rule) ? u.use.rule.replace(/^MASK\((.*)\)$/, "$1") : null;
  return [
    make("h3", math(name)),
    rows([
      table && [`${say("partial")}, ${say("generally")}`, math(`∂f/∂${"uvw"[u.k]} = ${general(table)}`)],
      u.use.partial_formula && solved && [say("partial"), equals(formula(u.use.partial_formula), isNumber(p) && write(p.number) !== u.use.partial_formula.text.replace("-", "−") ? write(p.number) : "")],
      !u.use.partial_formula && isNumber(p) && solved && [say("partial"), write(p.number)],
      [phrase("passed", math(name)), slot(share, `${say("gradient")} ${u.user.title} → ${name}`)],
      isNumber(p) && isThere(share) && solved && [say("times"), `${read(gradientOf(u.user))} × ${bracketed(write(p.number))} = ${read(share)}`],
      u.use.share_formula && solved && isThere(share) && [say("formula"), formula(u.use.share_formula)],
    ]),
  ];
};

const operationDetails = s => {
  const done = isDue(valueOf(s));
  return [
    rows([
      [say("is"), math(s.rule ? symbolic(s) : s.title)],
      s.rule && isReadable(s.rule) && [say("rule"), math(`f = ${general(s.rule)}`)],
      done && s.shape.length === 0 && [say("numbers"), math(numeric(s))],
      [say("value"), slot(valueOf(s), `${say("value")} ${s.title}`)],
      s.formula && s.formula.text !== symbolic(s) && [say("formula"), formula(s.formula)],
      gradientRow(s, say("arrives")), gradientFormula(s), placeRow(s),
    ]),
    ...s.operands.flatMap((use, k) => "node" in use ? useDetails({user: s, k, use}) : []),
  ];
};

const sumDetails = s => {
  const all = s.uses.map(u => [[`${say("gradient")} ← `, math(u.user.title)], slot(shareOf(u), `${say("gradient")} ${u.user.title} → ${s.title}`)]);
  const total = gradientOf(s), written = sumOf(s);
  return [rows([
    [say("value"), slot(valueOf(s), `${say("value")} ${s.title}`)],
    ...(isThere(total) ? all : []),
    written && isThere(total) && isDue(total) && [say("sum"), `${written} = ${read(total)}`],
    gradientRow(s, say("gradient")), gradientFormula(s),
  ])];
};

const leafDetails = s => [rows([
  [say("is"), say(s.op)],
  [say("value"), slot(valueOf(s), `${say("value")} ${s.title}`)],
  s.uses.length > 1 && sumOf(s) && isThere(gradientOf(s)) && isDue(gradientOf(s)) && [say("sum"), `${sumOf(s)} = ${read(gradientOf(s))}`],
  gradientRow(s, say("gradient")), gradientFormula(s), placeRow(s),
])];

const wireDetails = t => t.uses.length
  ? [rows([[say("value"), slot(valueOf(t.node), `${say("value")} ${t.node.title}`)]]), ...t.uses.flatMap(useDetails)]
  : [rows([[say("value"), slot(valueOf(t.node), `${say("value")} ${t.node.title}`)], gradientRow(t.node, say("gradient")), gradientFormula(t.node)])];

const showPanel = () => {
  const title = byId("panel-title"), details = byId("details");
  if (chosen === null) {
    title.textContent = say("welcome");
    details.replaceChildren(make("p", say("choose")));
    return;
  }
  const s = chosen.node, kind = chosen.kind;
  const name = kind === "number" ? "" : kind === "output" ? trace.output : s.title;
  title.replaceChildren(`${kind === "leaf" ? say(s.op) : say(kind)} `, kind === "operation" ? `${opName(s)}: ` : "", math(name));
  details.replaceChildren(...(kind === "operation" ? operationDetails(s) : kind === "branch" ? sumDetails(s)
    : kind === "leaf" ? leafDetails(s) : kind === "wire" ? wireDetails(chosen)
    : kind === "output" ? wireDetails({node: s, uses: []}) : [make("p", write(chosen.number))]));
};
