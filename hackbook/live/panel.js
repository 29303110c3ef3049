// The desk under the chart of a training: buttons, sliders, branches, tasks. It tells Python what was asked for, and shows
// the state that Python sends. What came from data reaches the page as text, never as HTML.

const SENT = 2;   // moves of one slider that may be under way at once: the newest waits, those between are left out
const BUTTONS = {
  start: ["Start", "Start, or go on", "M3 1.5L13 8L3 14.5Z"], pause: ["Pause", "Hold after this batch", "M3 2H6.5V14H3ZM9.5 2H13V14H9.5Z"],
  step: ["Step", "Train on one batch, then hold", "M2 2L9 8L2 14ZM10.5 2H13.5V14H10.5Z"], stop: ["Stop", "End the training and keep the best weights", "M2.5 2.5H13.5V13.5H2.5Z"],
};
const ALLOWED = { ready: ["start", "step"], running: ["pause", "stop"], paused: ["start", "step", "stop"], stopped: ["start", "step"], finished: [], failed: ["start", "step"] };
const STATUS = { ready: "ready", running: "training", paused: "paused", stopped: "stopped", finished: "finished", failed: "failed" };

const SILENT = "The kernel does not answer: a cell that runs must end first; after a restart, run this cell again.";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function icon(path) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg"), shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [k, v] of Object.entries({ viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" })) picture.setAttribute(k, v);
  shape.setAttribute("d", path);
  picture.append(shape);
  return picture;
}

// What is the same stays untouched: a node that is written makes the browser lay it out and paint it again.
function put(node, text) { if (node.textContent !== text) node.textContent = text; }
function set(node, name, value) { if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value); }
function show(node, it) { if (node.hidden === Boolean(it)) node.hidden = !it; }

const known = (v) => v !== null && v !== undefined;
const words = (name) => name.replaceAll("_", " ").replaceAll("/", ", ");
const unique = () => `hackbook-${crypto.getRandomValues(new Uint32Array(1))[0]}`;

function number(v, control) {
  if (v === 0 && control?.off) return "off";
  const least = control?.scale === "linear" && control.step < 1 && Number.isInteger(Math.round(v / control.step * 1e6) / 1e6) ? (String(control.step).split(".")[1] ?? "").length : 0;
  return least ? v.toFixed(least) : String(Number(v.toPrecision(6)));
}

function span(seconds) {
  if (seconds < 60) return `${Math.max(Math.round(seconds), 1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// ---- a slider and its exact number

function places(control) {   // how many places the slider has, and the value at each
  const { low, high, scale, step, off, whole } = control;
  if (scale !== "log") {
    const n = Math.max(Math.round((high - low) / (step || (high - low) / 100)), 1);
    return { n, value: (i) => Number((low + ((high - low) * i) / n).toPrecision(12)), at: (v) => Math.round(((v - low) / (high - low)) * n) };
  }
  const n = Math.max(Math.round(Math.log10(high / low) / (step || 0.1)), 1), first = off ? 1 : 0;   // a step is a part of a decade
  return {
    n: n + first,
    value: (i) => (i < first ? 0 : Number((low * (high / low) ** ((i - first) / n)).toPrecision(whole ? 9 : 3))),
    at: (v) => (v <= 0 ? 0 : Math.round((Math.log(v / low) / Math.log(high / low)) * n) + first),
  };
}

function slider(control, send) {
  const { n, value, at } = places(control), id = unique(), title = words(control.name);
  const range = make("input", { type: "range", min: 0, max: n, step: 1, id, "data-hyperparameter": control.name });
  const box = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": `${title}, exact number`, "data-hyperparameter": control.name,
    title: `${!control.off ? number(control.low) : control.low > 0 ? `0 (off), or ${number(control.low)}` : "0 (off)"} to ${number(control.high)}` });
  const node = make("div", { class: "control" }, make("label", { for: id }, title), range, box);
  let newest = 0, waiting = null, now = null, typing = false;
  const open = new Set();

  function show(v) {
    now = v;
    const place = Math.min(Math.max(at(v), 0), n);
    if (Number(range.value) !== place) range.value = place;
    range.style.setProperty("--part", place / n);
    range.setAttribute("aria-valuetext", number(v, control));
    if (!typing) box.value = number(v, control);
  }
  function post() {
    if (waiting === null || open.size >= SENT) return;
    const [v, seq] = [waiting, ++newest];
    waiting = null;
    open.add(seq);
    send(control.name, v, seq);
  }
  function move(v) { show(v); waiting = v; post(); }
  range.addEventListener("input", () => move(value(Number(range.value))));
  function typed() {
    const text = box.value.trim().replace(",", "."), v = text === "off" ? 0 : Number(text);
    const fits = text !== "" && Number.isFinite(v);
    box.toggleAttribute("aria-invalid", !fits);
    if (fits) { typing = false; if (v !== now && text !== number(now, control)) move(v); else show(now); }
  }
  function untyped() { typing = false; box.removeAttribute("aria-invalid"); if (now !== null) show(now); }
  box.addEventListener("focus", () => box.select());
  box.addEventListener("input", () => { typing = true; });   // until it is done, what comes from Python does not write over it
  box.addEventListener("change", () => { typed(); untyped(); });
  box.addEventListener("blur", untyped);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") { typed(); box.select(); }
    else if (event.key === "Escape") untyped();
    else if (step) { typing = false; move(value(Math.min(Math.max(at(now) + step, 0), n))); }
    else return;
    event.preventDefault();
  });
  return {
    node,
    update(v) {   // a move under way is newer than what Python says; what comes after its answer is newer than the move
      if (!open.size && waiting === null && v !== now) show(v);
    },
    heard(mine, v, seq) {
      if (!mine) { if (!open.size) show(v); return; }
      for (const s of open) if (s <= seq) open.delete(s);
      if (seq === newest && waiting === null) show(v);
      post();
    },
  };
}

// ---- the branches

function branches(view, choose) {
  const body = make("tbody"), rows = new Map();
  const head = make("tr", {}, ...["branch", "began", "epochs", "best", "settings", ""].map((t) => make("th", { scope: "col" }, t)));
  const node = make("table", { class: "branches", "aria-label": "branches" }, make("thead", {}, head), body);

  function row(name) {
    const title = make("span", { class: "title" }), dot = make("i", { class: "dot", "aria-hidden": "true" }), cells = [...Array(4)].map(() => make("td"));
    const edit = make("input", { type: "text", "aria-label": `new name of ${name}`, hidden: "", maxlength: 40 });
    const button = (what, hint, act) => {
      const b = make("button", { type: "button", title: hint, "aria-label": `${what} ${name}`, class: what }, what);
      b.addEventListener("click", () => act(b));
      return b;
    };
    const close = () => { edit.hidden = true; title.hidden = false; };
    const rename = button("rename", "Give this branch another name", () => { edit.value = name; edit.hidden = false; title.hidden = true; edit.focus(); edit.select(); });
    const keep = button("keep", "Keep this branch as a Run, a folder of plain files", () => view.send({ do: "keep", branch: name }));
    const remove = button("delete", "Forget this branch", (b) => {
      if (b.dataset.sure) view.send({ do: "delete", branch: name });
      else { b.dataset.sure = 1; b.textContent = "really?"; }
    });
    for (const event of ["blur", "pointerleave"]) remove.addEventListener(event, () => { delete remove.dataset.sure; remove.textContent = "delete"; });
    edit.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && edit.value.trim() && edit.value.trim() !== name) view.send({ do: "rename", branch: name, name: edit.value.trim() });
      if (event.key === "Enter" || event.key === "Escape") { close(); rename.focus(); }
    });
    edit.addEventListener("blur", close);
    const tr = make("tr", {}, make("th", { scope: "row" }, dot, title, edit), ...cells, make("td", { class: "acts" }, rename, keep, remove));
    return { tr, title, dot, cells, remove };
  }

  function update(state) {
    const list = state.branches ?? [], names = new Set(list.map((b) => b.name));
    for (const [name, r] of rows) if (!names.has(name)) { r.tr.remove(); rows.delete(name); }
    list.forEach((b, i) => {
      if (!rows.has(b.name)) rows.set(b.name, row(b.name));
      const r = rows.get(b.name), parent = list.find((p) => p.name === b.parent), now = b.name === state.branch;
      if (body.children[i] !== r.tr) body.insertBefore(r.tr, body.children[i] ?? null);
      const changed = Object.entries(b.settings ?? {}).filter(([k, v]) => parent && (parent.settings ?? {})[k] !== v)
        .map(([k, v]) => `${words(k)} ${number(v, view.control(k))}`).join(", ");
      const texts = [parent ? `${b.parent}, epoch ${b.forked_at}` : "the start", String(b.epochs), known(b.best) ? b.best.toFixed(4) : "–", parent ? changed || "unchanged" : ""];
      put(r.title, b.name);
      if (r.color !== b.color) r.dot.style.background = view.color(b.color);
      r.color = b.color;
      r.cells.forEach((cell, j) => { put(cell, texts[j]); set(cell, "title", texts[j]); });
      r.tr.toggleAttribute("aria-current", now);
      show(r.remove, !now && !list.some((c) => c.parent === b.name));   // others grow from it
    });
    put(node.tHead.rows[0].cells[3], `best ${state.metric ?? ""}`.trim());
  }
  return { node, update };
}

// ---- the whole

export default () => {
  const store = { state: {}, challenges: [], note: "", trouble: "", heard: "", silent: false }, views = new Set();
  let timer = null;
  const all = () => { for (const view of views) view.soon(); };
  return {
    initialize({ model }) {
      store.silence = (wait = 1500) => {   // no answer: the panel says so, once
        timer ??= setTimeout(() => { store.silent = true; all(); }, wait);
      };
      model.on("msg:custom", (message) => {
        clearTimeout(timer);
        timer = null;
        store.silent = false;
        if (message.kind === "ack") {
          store.heard = message.text;
          store.state.sliders = { ...store.state.sliders, [message.name]: message.value };
        }
        if (message.kind === "state") {
          const { status, epoch } = message.state ?? {};   // gone on or gone back: what was said of a move is over
          if (epoch < store.state.epoch || (known(status) && status !== store.state.status)) store.heard = "";
          Object.assign(store.state, message.state ?? {});
          for (const key of ["challenges", "note", "trouble"]) if (key in message) store[key] = message[key];
          document.dispatchEvent(new CustomEvent("hackbook-news", { detail: { group: model.get("group"), news: message.chart } }));
        }
        for (const view of views) view.take(message);
        all();
      });
    },
    render({ model, el }) {
      const self = unique(), palette = model.get("palette"), controls = model.get("sliders"), group = model.get("group");
      const gone = () => { store.silent = true; all(); };
      const send = (message) => { store.silence(); try { model.send({ from: self, ...message }); } catch { gone(); } };
      const view = { send, control: (name) => controls.find((c) => c.name === name), color: (i) => `color-mix(in srgb, ${palette[i % palette.length]} 78%, var(--ink))` };

      const buttons = Object.fromEntries(Object.entries(BUTTONS).map(([what, [title, hint, path]]) => {
        const button = make("button", { type: "button", title: hint, class: what }, icon(path), title);
        button.addEventListener("click", () => { if (button.getAttribute("aria-disabled") !== "true") send({ do: what }); });
        return [what, button];
      }));
      const status = make("span", { class: "status", role: "status" }), where = make("span", { class: "where" }), time = make("span", { class: "time" });
      const bar = make("i"), done = make("div", { class: "done", "aria-hidden": "true" }, bar);

      const sliders = Object.fromEntries(controls.map((c) => [c.name, slider(c, (name, value, seq) => send({ do: "set", name, value, seq }))]));
      const heard = make("p", { class: "heard", role: "status" });

      const backId = unique(), ofId = unique();
      const epoch = make("input", { type: "range", min: 0, max: 1, step: 1, value: 0, id: backId, class: "epoch" }), shown = make("output", { for: backId });
      const of = make("select", { id: ofId, "aria-label": "of branch" }), back = make("button", { type: "button", class: "rewind", title: "Go back to the end of this epoch: what follows grows as a new branch" }, icon("M8 2V14L1 8ZM15 2V14L8 8Z"), "Rewind");
      const rewind = make("div", { class: "back" }, make("label", { for: backId }, "back to epoch"), epoch, shown, make("label", { for: ofId, class: "of" }, "of"), of, back);
      const scrub = (on) => document.dispatchEvent(new CustomEvent("hackbook-scrub", { detail: { group, epoch: on ? Number(epoch.value) : null } }));
      const mark = () => {
        const v = Number(epoch.value), most = Number(epoch.max), key = `${v} ${most}`;
        if (key === marked) return;
        marked = key;
        shown.textContent = v;
        epoch.style.setProperty("--part", most ? v / most : 0);
        epoch.setAttribute("aria-valuetext", v ? `epoch ${v}` : "before training");
      };
      let touched = false, marked = "";
      epoch.addEventListener("input", () => { touched = true; mark(); scrub(true); });
      epoch.addEventListener("blur", () => scrub(false));
      of.addEventListener("change", () => { touched = true; update(); });
      back.addEventListener("click", () => { touched = false; store.heard = ""; scrub(false); if (back.getAttribute("aria-disabled") !== "true") send({ do: "rewind", epoch: Number(epoch.value), branch: of.value || null }); });

      const table = branches(view);
      const copy = make("button", { type: "button", class: "copy", title: "The plain code that repeats this session, without widgets" }, icon("M5 1H14V11H11V15H2V5H5ZM5 6.5H3.5V13.5H9.5V11H5ZM6.5 2.5V9.5H12.5V2.5Z"), "Copy the recipe");
      const said = make("span", { class: "said", role: "status" }), recipe = make("textarea", { readonly: "", "aria-label": "the recipe", rows: 6, hidden: "", spellcheck: "false" });
      copy.addEventListener("click", () => send({ do: "recipe" }));
      const tasks = make("ul", { class: "tasks", "aria-label": "tasks" });
      const trouble = make("div", { class: "trouble", role: "alert", hidden: "" }), note = make("p", { class: "note", hidden: "" });
      const panel = make("div", { class: "hackbook-desk", role: "group", "aria-label": "controls of the training" },
        make("div", { class: "transport" }, make("div", { class: "buttons", role: "toolbar", "aria-label": "training" }, ...Object.values(buttons)),
          make("div", { class: "facts" }, status, where, time), done),
        trouble, note,
        make("div", { class: "controls", role: "group", "aria-label": "sliders" }, ...Object.values(sliders).map((s) => s.node)), heard,
        rewind, table.node, make("div", { class: "end" }, copy, said), recipe, tasks);

      const plain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);
      const quiet = (event) => { if (panel.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", plain(event)); };
      window.addEventListener("keydown", quiet, true);   // Jupyter's own keys stay off the panel: d d would delete the cell; before Notebook 7 takes them
      panel.addEventListener("keydown", (event) => { if (plain(event)) event.stopPropagation(); });

      async function copied(text) {
        recipe.value = text;
        recipe.hidden = false;
        try {
          await navigator.clipboard.writeText(text);
          said.textContent = "copied";
        } catch {
          recipe.focus();
          recipe.select();
          said.textContent = document.execCommand?.("copy") ? "copied" : "selected: copy it with Ctrl+C or ⌘C";
        }
      }
      view.take = (message) => {
        const mine = message.from === self;
        if (message.kind === "ack") {
          heard.textContent = message.text;   // at once, and not with the next frame
          sliders[message.name]?.heard(mine, message.value, message.seq);
        } else if (message.kind === "recipe" && mine) copied(message.text);
        else if (message.kind === "said" && mine) said.textContent = message.text;
      };

      function update() {
        const { state } = store, allowed = ALLOWED[state.status] ?? [];
        for (const [what, button] of Object.entries(buttons)) set(button, "aria-disabled", !allowed.includes(what));
        put(buttons.start.lastChild, ["paused", "stopped", "failed"].includes(state.status) ? "Go on" : "Start");
        set(panel, "data-status", state.status ?? "");
        put(status, STATUS[state.status] ?? "waiting for the kernel");
        const built = state.epoch || state.status !== "running";   // the first step waits until Keras has built its graph
        put(where, !built ? "preparing the first step" : known(state.epochs) ? `epoch ${(Math.floor(state.epoch * 100) / 100).toFixed(2)} of ${state.epochs}` : "");
        put(time, known(state.left) && state.status === "running" ? `about ${span(state.left)} left` : "");
        bar.style.transform = `scaleX(${Math.min((state.epoch ?? 0) / (state.epochs || 1), 1)})`;
        for (const [name, value] of Object.entries(state.sliders ?? {})) sliders[name]?.update(value);

        const list = state.branches ?? [], names = list.map((b) => b.name);
        if (JSON.stringify([...of.options].map((o) => o.value)) !== JSON.stringify(names)) {
          const chosen = touched && names.includes(of.value) ? of.value : state.branch;
          of.replaceChildren(...names.map((n) => make("option", { value: n }, n)));
          of.value = chosen;
        }
        if (!touched && of.value !== state.branch && names.includes(state.branch)) of.value = state.branch;
        rewind.classList.toggle("alone", names.length < 2);
        const most = of.value === state.branch ? Math.floor((state.epoch ?? 0) + 1e-6) : list.find((b) => b.name === of.value)?.epochs ?? 0;
        set(epoch, "max", Math.max(most, 1));
        if (Number(epoch.value) > most || (!touched && Number(epoch.value) !== most)) epoch.value = most;
        set(back, "aria-disabled", !list.length);
        mark();
        table.update(state);

        show(trouble, store.trouble || state.error);
        put(trouble, store.trouble || state.error || "");
        show(note, store.note);
        put(note, store.note);
        panel.classList.toggle("silent", store.silent);
        put(heard, store.silent ? SILENT : store.heard);
        show(tasks, store.challenges.length);
        const key = JSON.stringify(store.challenges);
        if (tasks.dataset.key !== key) {
          tasks.dataset.key = key;
          tasks.replaceChildren(...store.challenges.map(([text, ok]) => make("li", { class: ok ? "ok" : "" }, make("i", { "aria-hidden": "true" }, ok ? "✓" : ""), text, make("span", { class: "unseen" }, ok ? ", done" : ", not yet"))));
        }
      }
      let asked = 0, frame = 0;
      view.soon = () => { asked ||= setTimeout(() => { frame = requestAnimationFrame(() => { asked = 0; update(); }); }, 30 - (performance.now() % 30)); };   // in one frame with the chart
      views.add(view);
      el.append(panel);
      update();
      send({ do: "hello" });
      return () => { views.delete(view); clearTimeout(asked); cancelAnimationFrame(frame); window.removeEventListener("keydown", quiet, true); };
    },
  };
};
