// The panel of `hb.relabel`: shows the page that Python sends, and tells Python which key was pressed.
// Values from the data reach the page as text, or as the source of an image or a sound, never as HTML.

const KEYS = { k: "keep", c: "change", d: "drop", u: "undo", ArrowLeft: "back", ArrowRight: "next" };
const DONE = { keep: "kept", change: "changed to", drop: "dropped", "": "not decided yet" };

function render({ model, el }) {
  const page = () => model.get("page"), names = model.get("classes");
  const title = make("strong", {}, `Relabel ${model.get("name")}`);
  const count = make("span", { class: "count" });
  const strip = make("div", { class: "strip", "aria-hidden": "true" });
  const example = make("div", { class: "example" });
  const facts = make("div", { class: "facts" });
  const status = make("div", { class: "status", role: "status" });
  const problem = make("div", { class: "problem", role: "alert" });
  const buttons = Object.fromEntries(Object.entries(KEYS).map(([key, what]) => {
    const sign = { ArrowLeft: "←", ArrowRight: "→" }[key] ?? key.toUpperCase();
    const button = make("button", { type: "button", class: what, "aria-keyshortcuts": key },
      make("kbd", { "aria-hidden": "true" }, sign), what);
    button.addEventListener("click", () => press(what));
    return [what, button];
  }));
  const { keep, change, drop, undo, back, next } = buttons;
  const pick = picker(names, (n) => { shut(); tell("change", n); }, shut);
  const saved = make("span", { class: "saved" }, "saved in ", make("code", {}, model.get("path")));
  const hint = make("span", { class: "hint" }, "click here, or press Tab, to use the keys");
  const space = make("span", { class: "space" }, make("kbd", {}, "Space"), "plays");
  const attributes = { class: "hackbook-relabel", tabindex: "0", role: "group", "aria-label": `Relabel ${model.get("name")}` };
  const panel = make("div", attributes,
    make("div", { class: "head" }, title, count), strip,
    make("div", { class: "body" }, example, facts),
    make("div", { class: "buttons", role: "toolbar", "aria-label": "decisions" },
      keep, change, drop, undo, make("span", { class: "gap" }), back, next),
    pick.node, problem, make("div", { class: "foot" }, saved, space, hint), status);

  let slow = null;
  function tell(what, to = null) {
    if (slow) return;   // one key per page: nothing is decided on an example that was not seen
    const silent = () => {
      problem.textContent = "The kernel does not answer. Wait until the running cell has finished; "
        + "after a restart, run this cell again: it continues here.";
    };
    slow = setTimeout(silent, 1500);
    try { model.send({ do: what, at: page().at, to }); } catch { silent(); }   // the kernel was restarted
  }

  function shut() { pick.close(); panel.focus({ preventScroll: true }); }

  function press(what) {
    const { label, suggested } = page();
    if (slow || buttons[what].getAttribute("aria-disabled") === "true") return;
    if (what !== "change") return tell(what);
    const first = suggested === null ? [] : [suggested];
    pick.open([...first, ...names.keys()].filter((n, i, all) => n !== label && all.indexOf(n) === i));
  }

  const unshield = shield(panel);

  panel.addEventListener("keydown", (event) => {
    if (!plain(event)) return;
    event.stopPropagation();
    if (pick.node.contains(event.target) || event.isComposing) return;
    const what = KEYS[event.key] ?? KEYS[event.key.toLowerCase()], sound = example.querySelector("audio");
    const native = event.target.closest("button, audio");
    if (what && !event.repeat && !(native === sound && sound && event.key.startsWith("Arrow"))) press(what);
    else if (event.key === " " && !native && sound) sound.paused ? sound.play() : sound.pause();
    else if (/^Arrow(Up|Down)$/.test(event.key)) example.scrollBy(0, event.key === "ArrowUp" ? -60 : 60);
    else if (!(event.key === " " && !native)) return;
    event.preventDefault();
  });

  function draw() {
    clearTimeout(slow);
    slow = null;
    const { at, of, row, label, suggested, done, shown, to, strip: marks, trouble } = page();
    const decided = [...marks].filter((m) => m !== "-").length, over = at >= of;
    const word = done === "change" ? `${DONE.change} ${names[to]}` : DONE[done];
    count.textContent = `${decided} of ${of} decided`;
    if (strip.children.length !== of) strip.replaceChildren(...Array.from({ length: of }, () => make("i")));
    [...strip.children].forEach((cell, i) => { cell.className = `${marks[i]}${i === at ? " here" : ""}`; });
    panel.classList.toggle("over", over);
    panel.classList.toggle("sounding", shown.kind === "sound");
    if (over) {
      const left = of - decided, tally = (mark) => [...marks].filter((m) => m === mark).length;
      example.replaceChildren();
      const words = left ? `The end; ${left} of ${of} not decided.` : "All decided.";
      const tallies = [["kept", tally("k")], ["changed", tally("c")], ["dropped", tally("d")]];
      facts.replaceChildren(make("p", {}, of ? words : "Nothing to review."),
        table(tallies.map(([name, n]) => [name, String(n)])),
        make("p", {}, "To apply the decisions: ", make("code", {}, model.get("then"))));
    } else {
      example.replaceChildren(SHOW[shown.kind](shown));
      example.scrollTop = 0;
      facts.replaceChildren(make("p", { class: "place" }, `example ${at + 1} of ${of}, row ${row}`), table([
        ["label", names[label]], ...(suggested === null ? [] : [["suggested", names[suggested]]]), ["decision", word]], done || "open"));
    }
    for (const what of ["keep", "change", "drop"]) buttons[what].setAttribute("aria-pressed", String(!over && done === what));
    for (const what of ["keep", "change", "drop"]) buttons[what].setAttribute("aria-disabled", String(over));
    next.setAttribute("aria-disabled", String(over && decided === of));
    undo.setAttribute("aria-disabled", String(over || !done));
    back.setAttribute("aria-disabled", String(at === 0));
    problem.textContent = trouble;
    const text = shown.kind === "text" ? ` text: ${shown.text}` : "";
    status.textContent = facts.innerText.replace(/\s+/g, " ") + text;
  }

  model.on("change:page", draw);
  el.append(panel);
  draw();
  return () => { clearTimeout(slow); model.off("change:page", draw); unshield(); };
}

export default { render };
