/* What the page says, in each language. The .js files of this folder are put together, in the order of page.html, into
   one function, and work on one trace (include/dz/trace.h): who puts another there and begins anew has live inputs. */
const byId = id => document.getElementById(id);
const trace = JSON.parse(byId("trace").textContent);
const settings = JSON.parse(byId("settings").textContent);

const words = {
  en: {
    wrt: "Gradients for", all: "all", exercise: "Exercise", exerciseOff: "off", exerciseGradients: "hide the gradients",
    exerciseAll: "hide values and gradients", theme: "Light / dark",
    legendValue: "above a wire: value →", legendGradient: "below it, in red: ← gradient",
    legendBranch: "●: used more than once, gradients add", legendSeed: "{0}: the gradient at the output, {1}",
    program: "program", graph: "computational graph", slider: "step", first: "first step", back: "step back", forth: "step on", last: "last step",
    start: "Inputs", forward: "Forward, wave {0} of {1}", seed: "Start of the way back", backward: "Backward, wave {0} of {1}",
    where: "step {0} of {1}",
    inputs: "The values that are given:", computes: "Values of this wave:",
    seeded: "The gradient of the result by itself is what the way back starts from:",
    passes: "Each operation passes back the gradient that arrives, times its local partial derivative:",
    nothing: "Nothing in this wave leads to {0}.", adds: "● {0} is used {1} times, so its gradients add: {2}",
    total: "Gradient by {0}: {1}",
    input: "input", param: "parameter", const: "constant", data: "data", output: "output", operation: "operation", wire: "wire",
    branch: "branch point", number: "number",
    welcome: "Details", choose: "Choose an operation, a wire or a ● in the figure: click it, or press Tab and Enter.",
    is: "is", rule: "rule", formula: "formula", value: "value", numbers: "with numbers", gradient: "gradient", arrives: "gradient that arrives",
    partial: "local partial", passed: "passed to {0}", generally: "as a rule", later: "comes at step {0}", inactive: "no gradient: it is not differentiated by",
    notComputed: "not computed", sum: "sum", hidden: "for {0} it is not needed", place: "in the text", at: "line {0}, column {1}",
    check: "Check", show: "Show", answer: "Your answer for {0}", right: "✓ right", wrong: "✗ not yet", more: "so far so good: give {0} significant digits",
    unread: "write a number, such as -0.25, 1/3 or 2e-5", shown: "shown", score: "{0} of {1} found",
    ofShape: "of shape {0}", guessed: "(simplified by a step that was checked with numbers only)", times: "gradient × partial", unknown: "a value of this is still to be found",
  },
  ja: {
    wrt: "勾配を見る変数", all: "すべて", exercise: "演習", exerciseOff: "なし", exerciseGradients: "勾配を隠す",
    exerciseAll: "値と勾配を隠す", theme: "明 / 暗",
    legendValue: "線の上：順伝播の値 →", legendGradient: "線の下（赤）：逆伝播の勾配 ←",
    legendBranch: "●：分岐（逆伝播では和）", legendSeed: "{0}：出力での勾配、ここでは {1}",
    program: "プログラム", graph: "計算グラフ", slider: "段階", first: "最初へ", back: "戻る", forth: "進む", last: "最後へ",
    start: "入力", forward: "順伝播 {0} / {1}", seed: "逆伝播の出発点", backward: "逆伝播 {0} / {1}",
    where: "段階 {0} / {1}",
    inputs: "与えられた値：", computes: "この段階で求まる値：",
    seeded: "出力を出力自身で微分した値から逆伝播を始めます：",
    passes: "各演算は、届いた勾配に局所的な偏微分を掛けて入力側へ渡します：",
    nothing: "この段階には {0} につながるものがありません。", adds: "● {0} は {1} 回使われるので、勾配を足し合わせます：{2}",
    total: "{0} についての勾配：{1}",
    input: "入力", param: "パラメータ", const: "定数", data: "データ", output: "出力", operation: "演算", wire: "線",
    branch: "分岐点", number: "数",
    welcome: "詳細", choose: "図の演算・線・● を選んでください（クリック、または Tab と Enter）。",
    is: "内容", rule: "規則", formula: "式", value: "値", numbers: "数を入れると", gradient: "勾配", arrives: "届いた勾配",
    partial: "局所的な偏微分", passed: "{0} へ渡す勾配", generally: "一般に", later: "段階 {0} で求まります", inactive: "勾配なし（微分の対象外）",
    notComputed: "未計算", sum: "和", hidden: "{0} の勾配には不要です", place: "式の中の位置", at: "{0} 行 {1} 文字目",
    check: "答え合わせ", show: "答えを見る", answer: "{0} の答え", right: "✓ 正解", wrong: "✗ 違います", more: "合っています。有効数字 {0} 桁で答えてください",
    unread: "-0.25、1/3、2e-5 のような数を書いてください", shown: "答えを表示", score: "{1} 問中 {0} 問",
    ofShape: "形 {0}", guessed: "（一部の変形は数値でのみ確認）", times: "勾配 × 偏微分", unknown: "まだ求めていない値があります",
  },
};
let language = words[settings.language] ? settings.language : "en";
const say = (key, ...args) => words[language][key].replace(/\{(\d)\}/g, (gap, i) => i in args ? args[i] : gap);
