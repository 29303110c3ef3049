// The panel of `result.browse()`: a grid of counts, and beside it the examples of the cell that was chosen.

// Rows of a table, one line per example.
function rowsOf(examples) {
  const names = examples[0].rows.map(([name]) => name);
  const head = make("tr", {}, ...["probability", "row", ...names].map((name) => make("th", { scope: "col" }, name)));
  const line = (e) => make("tr", {}, ...[percent(e.probability), String(e.row), ...e.rows.map(([, value]) => value)]
    .map((value) => make("td", {}, value)));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "rows" },
    make("table", { class: "rows" }, make("thead", {}, head), make("tbody", {}, ...examples.map(line))));
}

function card(e, i) {
  const shown = SHOW[e.kind](e), sound = shown.querySelector("audio");
  const words = `${percent(e.probability)}, row ${e.row}`;
  shown.querySelector("img")?.setAttribute("alt", "");
  if (shown.tagName === "IMG") shown.setAttribute("alt", `example ${i + 1}`);
  if (sound) sound.setAttribute("aria-label", `sound of row ${e.row}`);
  return make("li", { class: `is-${e.kind}` }, shown,
    make("span", { class: "words", title: words }, make("b", {}, percent(e.probability)), ` row ${e.row}`));
}

function render({ model, el }) {
  const { names, drawn, counts, pairs, title, note } = model.get("grid");
  const status = make("div", { class: "status", role: "status" });
  const problem = make("div", { class: "problem", role: "alert" });
  const talk = teller(model, problem);
  const examples = make("div", { class: "examples", role: "group", "aria-label": "examples of the chosen cell" });
  const wrong = counts.flatMap((row, i) => row.filter((_, j) => i !== j));
  const most = Math.max(6, ...wrong);

  const cells = counts.map((row, i) => row.map((n, j) => {
    const label = `true ${names[drawn[i]]}, predicted ${names[drawn[j]]}: ${counted(n)}`;
    const kind = i === j ? "right" : "wrong";
    const cell = make("td", { role: "gridcell", tabindex: "-1", class: kind, "aria-label": label, title: label }, n ? String(n) : "");
    if (i !== j && n) cell.style.setProperty("--depth", `${Math.round(8 + 47 * n / most)}%`);
    cell.addEventListener("click", () => { at(i, j); choose(drawn[i], drawn[j]); });
    return cell;
  }));
  const long = drawn.some((n) => [...names[n]].length > 3);
  const top = make("tr", {}, make("th", { scope: "col", class: "corner" }, "true ↓\npredicted →"),
    ...drawn.map((n) => make("th", { scope: "col", class: long ? "long" : "", title: names[n] }, make("span", {}, names[n]))));
  const lines = cells.map((row, i) => make("tr", {},
    make("th", { scope: "row", title: names[drawn[i]] }, make("span", {}, names[drawn[i]])), ...row));
  const grid = make("table", { role: "grid", "aria-label": "confusion matrix: arrows move, Enter shows the examples",
    class: drawn.length > 12 ? "dense" : "" }, make("thead", {}, top), make("tbody", {}, ...lines));

  let here = [0, 0];
  function at(i, j, focus = false) {
    cells[here[0]][here[1]].tabIndex = -1;
    here = [i, j];
    cells[i][j].tabIndex = 0;
    if (focus) cells[i][j].focus();
  }
  const last = drawn.length - 1;
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -last], End: [0, last] };
  const within = (n) => Math.min(Math.max(n, 0), last);
  grid.addEventListener("keydown", (event) => {
    if (!plain(event)) return;
    const step = steps[event.key];
    if (step) at(within(here[0] + step[0]), within(here[1] + step[1]), true);
    else if (event.key === "Enter" || event.key === " ") choose(drawn[here[0]], drawn[here[1]]);
    else return;
    event.preventDefault();
  });

  const buttons = pairs.map(([t, p, n]) => {
    const button = make("button", { type: "button" }, make("span", {}, names[t]), " as ", make("span", {}, names[p]), make("b", {}, String(n)));
    button.setAttribute("aria-label", `true ${names[t]}, predicted ${names[p]}: ${counted(n)}`);
    button.addEventListener("click", () => choose(t, p));
    return button;
  });
  const list = make("div", { class: "pairs" }, make("strong", {}, pairs.length ? "Most confused" : "No errors"),
    make("ol", {}, ...buttons.map((b) => make("li", {}, b))));
  const panel = make("div", { class: "hackbook-panel hackbook-evaluation confusion", role: "group", "aria-label": title },
    make("div", { class: "head" }, make("strong", {}, title), make("span", { class: "note" }, note)),
    make("div", { class: "body" }, make("div", { class: "scroll matrix" }, grid), examples), list, problem, status);
  const unshield = shield(panel);
  panel.addEventListener("keydown", (event) => { if (plain(event)) event.stopPropagation(); });

  function choose(t, p) { talk.tell({ do: "select", true: t, predicted: p }); }

  function draw(first) {
    const { true: t, predicted: p, of, examples: shown, trouble } = model.get("page");
    talk.heard(trouble);
    const chosen = [drawn.indexOf(t), drawn.indexOf(p)];
    cells.forEach((row, i) => row.forEach((cell, j) => {
      set(cell, "aria-selected", i === chosen[0] && j === chosen[1]);
    }));
    buttons.forEach((b, i) => set(b, "aria-pressed", pairs[i][0] === t && pairs[i][1] === p));
    if (first === true) at(Math.max(chosen[0], 0), Math.max(chosen[1], 0));
    if (!known(t)) {
      examples.replaceChildren(make("p", {}, "Click on a cell to see its examples."));
      return;
    }
    const asked = t === p ? `${names[t]}, predicted correctly` : `${names[t]} predicted as ${names[p]}`;
    const words = of ? `${asked}: ${counted(of)}` : `${asked}: no example`;
    const more = of > shown.length ? make("p", { class: "more" }, `and ${(of - shown.length).toLocaleString("en")} more`) : "";
    const rows = shown.length && shown[0].kind === "table";
    const body = rows ? rowsOf(shown) : make("ul", { tabindex: "0", "aria-label": "examples" }, ...shown.map(card));
    examples.replaceChildren(make("strong", {}, words), shown.length ? body : "", more);
    put(status, words);
    panel.dataset.turn = String(Number(panel.dataset.turn ?? 0) + 1);
  }

  model.on("change:page", draw);
  el.append(panel);
  draw(true);
  return () => { talk.heard(); model.off("change:page", draw); unshield(); };
}

export default { render };
