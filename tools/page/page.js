/* What a person does with the page, and its beginning. */

const showWords = () => {
  document.documentElement.lang = language;
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = say(e.dataset.t);
  for (const id of ["slider", "first", "back", "forth", "last"]) byId(id).setAttribute("aria-label", say(id));
  byId("figure").setAttribute("aria-label", say("graph"));
  byId("seed").textContent = trace.seed && result.state === "ready" ? say("legendSeed", trace.seed, write(result.gradient)) : "";
  byId("language").textContent = language === "en" ? "日本語" : "English";
  byId("language").lang = language === "en" ? "ja" : "en";
  const select = byId("wrt");
  select.replaceChildren(...[{name: say("all"), node: null}, ...settings.wrt.filter(w => nodes.has(w.node))].map(w => {
    const option = make("option", w.name);
    option.value = w.node === null ? "" : w.node;
    option.selected = w.node === wrt;
    return option;
  }));
};
const showAll = () => { showFigure(); showStep(); showPanel(); showScore(); };
const go = to => {
  const next = Math.max(0, Math.min(steps - 1, to));
  if (next === step) return;
  step = next;
  showAll();
  scrollToNow();
};
const choose = t => {
  chosen = t;
  showFigure();
  showPanel();
  const input = byId("details").querySelector("input");
  if (input) input.focus();
};

const onKey = event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  const to = {ArrowRight: step + 1, ArrowLeft: step - 1, Home: 0, End: steps - 1}[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
};

const begin = () => {
  const lines = settings.source.split("\n").map(line => line.replace(/#.*/, "").trim()).filter(Boolean);
  document.title = lines[lines.length - 1];
  byId("source").append(...math(lines.slice(lines.length > 3 ? -1 : 0).join("\n")).childNodes);
  byId("program").hidden = lines.length <= 3;
  byId("program-text").textContent = settings.source.trimEnd();
  readFigure();
  byId("figure").classList.add("live");
  byId("slider").max = steps - 1;
  byId("slider").addEventListener("input", event => go(Number(event.target.value)));
  byId("first").addEventListener("click", () => go(0));
  byId("back").addEventListener("click", () => go(step - 1));
  byId("forth").addEventListener("click", () => go(step + 1));
  byId("last").addEventListener("click", () => go(steps - 1));
  byId("wrt").addEventListener("change", event => { wrt = event.target.value === "" ? null : Number(event.target.value); showAll(); });
  byId("exercise").addEventListener("change", event => { exercise = event.target.value; found.clear(); revealed.clear(); showAll(); });
  byId("language").addEventListener("click", () => { language = language === "en" ? "ja" : "en"; showWords(); showAll(); });
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });
  for (const t of things) {
    t.element.addEventListener("click", () => choose(t));
    t.element.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(t);
    });
  }
  document.addEventListener("keydown", onKey);
  byId("choices").addEventListener("submit", event => event.preventDefault());
  showWords();
  showAll();
};
begin();
