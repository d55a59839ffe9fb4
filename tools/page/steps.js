/* What is said about a step. */

const equals = (...texts) => {
  const p = make("p");
  texts.filter(Boolean).forEach((t, i) => p.append(i ? " = " : "", typeof t === "string" ? math(t) : t));
  return p;
};
const sayValue = s => {
  const q = valueOf(s), formula = symbolic(s), numbers = numeric(s);
  return equals(s.name || (s === result ? trace.output : ""), formula, numbers === formula ? "" : numbers, read(q));
};
const sayShare = u => {
  const q = shareOf(u), of = nodes.get(u.use.node), arrived = gradientOf(u.user), p = partialOf(u);
  const line = make("p", math(u.user.title), " → ", math(of.title), ": ");
  if (isNumber(p) && isNumber(arrived))
    line.append(isKnown(q) ? `${read(arrived)} × ${bracketed(write(p.number))} = ` : `${read(arrived)} × ? = `);
  line.append(red(read(q)));
  return line;
};
/* The gradients that add at a branch, as a sum; "" where they are too large to be written. */
const sumOf = s => {
  const shares = s.uses.map(shareOf).filter(isThere);
  return shares.every(q => q.number !== null) ? shares.map(q => bracketed(read(q))).join(" + ") : "";
};
const saySum = s => {
  const sum = sumOf(s);
  return make("p", ...phrase("adds", math(s.title), s.uses.length, sum && `${sum} = `), red(read(gradientOf(s))));
};

const forwardStep = () => {
  const now = trace.nodes.filter(s => s.wave === step && isLeaf(s) === (step === 0));
  const lines = step === 0
    ? now.map(s => equals(s.name || s.label || s.op, read(valueOf(s)) + (s.op === "input" ? "" : ` (${say(s.op)})`)))
    : now.map(sayValue);
  return [make("p", say(step === 0 ? "inputs" : "computes")), ...lines];
};
const backwardStep = () => {
  const wave = step - forwardSteps;
  const lines = [];
  for (const s of trace.nodes.filter(x => x.back === wave && !isLeaf(x)).reverse())
    s.operands.forEach((use, k) => {
      if ("node" in use && isThere(shareOf({user: s, k, use}))) lines.push(sayShare({user: s, k, use}));
    });
  if (lines.length === 0) return [make("p", say("nothing", wrtName()))];
  for (const s of trace.nodes) if (sumNow(s)) lines.push(saySum(s));
  for (const w of settings.wrt)
    if (nodes.has(w.node) && stepOfGradient(nodes.get(w.node)) === step && isThere(gradientOf(nodes.get(w.node))))
      lines.push(make("p", ...phrase("total", math(w.name), ""), red(read(gradientOf(nodes.get(w.node))))));
  return [make("p", say("passes")), ...lines];
};
const wrtName = () => (settings.wrt.find(w => w.node === wrt) || {name: say("all")}).name;
const titleOfStep = () => step === 0 ? say("start") : step < forwardSteps ? say("forward", step, trace.forward)
  : step === forwardSteps ? say("seed") : say("backward", step - forwardSteps, lastBack);

const showStep = () => {
  const title = titleOfStep();
  byId("step-title").textContent = title;
  byId("step").replaceChildren(...(step < forwardSteps ? forwardStep()
    : step === forwardSteps ? [make("p", say("seeded")), make("p", math(trace.output), ": ", red(read(gradientOf(result))))] : backwardStep()));
  byId("slider").value = step;
  byId("slider").setAttribute("aria-valuetext", title);
  byId("where").textContent = say("where", step + 1, steps);
  byId("first").disabled = byId("back").disabled = step === 0;
  byId("last").disabled = byId("forth").disabled = step === steps - 1;
};
