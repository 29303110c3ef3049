// The panel of `human_baseline`: one example after the other, without its label, answered by keyboard or mouse.
// The labels are not on the page before all is answered: Python sends them with the score.

const UNSURE = ".", UNDO = "Backspace";

function button(key, words, press, named = "") {
  const sign = { Backspace: "⌫", Enter: "↵" }[key] ?? key;
  const node = make("button", { type: "button", class: named }, key ? make("kbd", { "aria-hidden": "true" }, sign) : "", make("span", {}, words));
  if (key) node.setAttribute("aria-keyshortcuts", key);
  node.addEventListener("click", press);
  return node;
}

// A score on a line from the smallest to the largest value, with its interval.
function interval({ name, words, score, low, high, color }) {
  const line = make("div", { class: "track", "aria-hidden": "true" });
  if (known(low)) {
    line.append(make("i", { style: `left: ${100 * low}%; width: ${100 * (high - low)}%; background: ${color}` }),
      make("b", { style: `left: ${100 * score}%; background: ${color}` }));
  }
  return make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "wide" }, line), make("td", {}, words));
}

function differing({ shown, truth, person, model }) {
  const facts = [["true", truth], ["you", person], ["model", model]].map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  const node = SHOW[shown.kind](shown);
  node.querySelector("audio")?.setAttribute("aria-label", "the sound");
  return make("li", {}, make("div", { class: "shown" }, node), make("dl", {}, ...facts.flat()));
}

function render({ model, el }) {
  const { title, names, keys, asks, unit } = model.get("about");
  const page = () => model.get("page");
  const status = make("div", { class: "status", role: "status" });
  const problem = make("div", { class: "problem", role: "alert" });
  const talk = teller(model, problem);
  const count = make("span", { class: "note" });
  const bar = make("i");
  const example = make("div", { class: "example" });
  const end = make("div", { class: "end" });
  let since = performance.now();
  let over = false;

  function tell(what, value = null) {
    talk.tell({ do: what, at: page().at, value, seconds: (performance.now() - since) / 1000 });
  }
  const answer = (value) => tell("answer", value);
  const answers = make("div", { class: "answers", role: "group", "aria-label": "answers" });
  const pick = picker(names, answer, () => panel.focus({ preventScroll: true }), "type a class");
  const number = make("input", { type: "number", step: "any", "aria-label": `your number${unit ? `, in ${unit}` : ""}` });
  if (asks === "class") answers.append(...names.map((name, n) => button(keys[n], name, () => answer(n))));
  else if (asks === "search") answers.append(pick.node);
  else answers.append(make("label", {}, "Your number ", number, unit ? ` ${unit}` : ""), button("Enter", "answer", () => numbered()));
  function numbered() { if (number.value !== "") answer(Number(number.value)); }

  const unsure = button(asks === "class" ? UNSURE : "", "not sure", () => answer(null));
  const undo = button(UNDO, "undo the last", () => { if (page().at && !over) tell("undo"); });
  const score = button("Enter", "show the score", () => tell("finish"), "score");
  const stop = button("", "stop here and score", () => tell("finish"));
  const controls = make("div", { class: "controls", role: "toolbar", "aria-label": "other answers" }, unsure, undo, score, make("span", { class: "gap" }), stop);
  const hint = make("p", { class: "hint" }, "Click here, or press Tab, to use the keys. The labels are shown at the end, with the score.");
  const panel = make("div", { class: "hackbook-panel hackbook-evaluation human", tabindex: "0", role: "group", "aria-label": title },
    make("div", { class: "head" }, make("strong", {}, title), count), make("div", { class: "bar", "aria-hidden": "true" }, bar),
    example, answers, controls, end, problem, hint, status);
  const unshield = shield(panel);

  // Enter in an empty field would choose the first class of all
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && asks === "search" && event.target.tagName === "INPUT" && !event.target.value) event.stopPropagation();
  }, true);
  panel.addEventListener("keydown", (event) => {
    if (!plain(event)) return;
    event.stopPropagation();
    if (over || event.repeat || event.isComposing) return;
    const { at, of } = page(), ended = at >= of, typing = event.target.tagName === "INPUT";
    const native = event.target.closest("button, audio"), sound = example.querySelector("audio");
    const key = event.key.toLowerCase(), chosen = keys.indexOf(key);
    if (event.key === UNDO && !(typing && event.target.value)) undo.click();
    else if (event.key === "Enter" && !native) {
      if (ended) score.click();
      else if (event.target === number) numbered();
      else return;
    } else if (typing) return;
    else if (!ended && event.key === UNSURE) answer(null);
    else if (!ended && asks === "class" && chosen >= 0) answer(chosen);
    else if (event.key === " " && !native && sound) sound.paused ? sound.play() : sound.pause();
    else if (/^Arrow(Up|Down)$/.test(event.key)) example.scrollBy(0, event.key === "ArrowUp" ? -60 : 60);
    else if (!(event.key === " " && !native)) return;
    event.preventDefault();
  });

  function outcome({ scores, sentence, differ, more }) {
    const list = make("ul", {}, ...differ.map(differing));
    return [make("table", { class: "scores" }, make("tbody", {}, ...scores.map(interval))), make("p", {}, sentence),
      ...(differ.length ? [make("strong", {}, "Where you and the model differ"), list] : [make("p", {}, "You and the model agree on every example.")]),
      more ? make("p", { class: "more" }, `and ${more} more: see .result.differ`) : ""];
  }

  function draw() {
    const { at, of, shown, last, trouble, result } = page();
    const ended = at >= of, within = panel.contains(document.activeElement);
    over = known(result);
    talk.heard(trouble);
    put(count, over ? `${at} answered, ${result.seconds.toFixed(1)} s per answer (median)` : `${at} of ${of} answered`);
    bar.style.width = `${100 * at / of}%`;
    for (const node of [example, answers, unsure]) show(node, !ended && !over);
    show(controls, !over);
    show(hint, !over);
    show(score, ended);
    show(stop, at > 0 && !ended);
    set(undo, "aria-disabled", at === 0);
    undo.querySelector("span").textContent = at ? `undo the last (${last})` : "undo the last";
    if (over) end.replaceChildren(...outcome(result));
    else end.replaceChildren(ended ? make("p", {}, "All answered. Undo the last one, or see the score: after it nothing can be changed.") : "");
    if (!ended && !over) {
      const node = SHOW[shown.kind](shown);
      if (node.tagName === "IMG") node.alt = "the example";
      node.querySelector("audio")?.setAttribute("aria-label", "the sound");
      example.replaceChildren(node);
      example.scrollTop = 0;
      example.removeAttribute("tabindex");
      if (example.scrollHeight > example.clientHeight) example.tabIndex = 0;
    }
    number.value = "";
    if (asks === "search" && !ended && !over) {
      const before = document.activeElement;
      pick.open([...names.keys()]);
      if (!within) before?.focus?.({ preventScroll: true });
    } else if (asks === "number" && within && !ended) number.focus({ preventScroll: true });
    else if (within) panel.focus({ preventScroll: true });
    since = performance.now();
    const text = !over && !ended && shown.kind === "text" ? shown.text : "";
    put(status, over ? result.sentence : `${at} of ${of} answered. ${text}`);
    panel.dataset.turn = String(Number(panel.dataset.turn ?? 0) + 1);
  }

  model.on("change:page", draw);
  el.append(panel);
  draw();
  return () => { talk.heard(); model.off("change:page", draw); unshield(); };
}

export default { render };
