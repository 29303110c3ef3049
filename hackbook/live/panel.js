// The panel of a training run: chart, buttons, sliders, branches, tasks. It sends requests to Python and shows the state
// that Python sends; when opened it asks for everything ("hello").

const BUTTONS = {
  start: ["Start", "Start or continue training", "M3 1.5L13 8L3 14.5Z"],
  pause: ["Pause", "Pause after this batch", "M3 2H6.5V14H3ZM9.5 2H13V14H9.5Z"],
  step: ["Step", "Train on one batch, then pause", "M2 2L9 8L2 14ZM10.5 2H13.5V14H10.5Z"],
  stop: ["Stop", "End training and keep the best weights", "M2.5 2.5H13.5V13.5H2.5Z"],
};
const ALLOWED = {
  ready: ["start", "step"],
  running: ["pause", "stop"],
  paused: ["start", "step", "stop"],
  stopped: ["start", "step"],
  finished: [],
  failed: ["start", "step"],
};
const WHY_NOT = {
  ready: "nothing is training yet",
  running: "it is training",
  paused: "it is paused",
  stopped: "it is stopped: Go on or Rewind",
  finished: "it is finished: More epochs or Rewind",
  failed: "it has failed: Go on or Rewind",
};
const STATUS = { running: "training" }; // the others are called as in Python

const SILENT = "The kernel does not answer: a running cell must end first; after a restart, run this cell again.";

function span(seconds) {
  if (seconds < 60) return `${Math.max(Math.round(seconds), 1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function progress({ epoch, epochs, status }) {
  if (!epoch && status === "running") return "preparing the first step"; // Keras builds its graph
  const digits = status === "finished" ? 0 : 2;
  return known(epochs) ? `epoch ${(Math.floor(epoch * 100) / 100).toFixed(digits)} of ${epochs}` : "";
}

// What a person can do next, where nothing else is said.
function next({ status, epoch, rewound, extendable, branches }) {
  const done = Math.round(epoch),
    place = done ? `At the end of epoch ${done}` : "Before the first step";
  if (rewound) return `${place}: move a slider or none, then Go on.`;
  if (status === "finished" && extendable === false) return "Next: Rewind to an epoch, then go on with other sliders.";
  if (status === "finished" && extendable) return "Next: More epochs goes on, Rewind goes back to try other sliders.";
  if (status === "stopped" && branches.length) return "Next: Go on continues, Rewind goes back to try other sliders.";
  return "";
}

// ---- more epochs, after the end

function more(page) {
  const id = unique();
  const box = make("input", { type: "number", min: 1, step: 1, id, "aria-label": "how many more epochs" });
  const hint = "Go on from here with the sliders as they are";
  const button = make("button", { type: "button", class: "go", title: hint }, icon(BUTTONS.start[2]), "More epochs");
  const node = make("div", { class: "more", hidden: "" }, button, box);
  const go = () => {
    const epochs = Math.round(Number(box.value));
    set(box, "aria-invalid", !(epochs >= 1));
    if (!(epochs >= 1)) page.say("More epochs must be a whole number, 1 or more.");
    if (epochs >= 1) page.send({ do: "more", epochs });
  };
  button.addEventListener("click", go);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go();
  });
  function update(state, pause) {
    const over = state.status === "finished" && state.extendable !== false;
    if (over && !box.value) box.value = Math.max(Math.round(state.epochs / 2), 1);
    const focused = node.contains(document.activeElement);
    show(node, over);
    if (focused && !over) pause.focus(); // the keyboard stays in the panel
  }
  return { node, update };
}

// ---- start, pause, step, stop, and how far it is

function transport(page) {
  const press = (title, hint, path, what, act) => {
    const button = make("button", { type: "button", title: hint, class: what }, icon(path), title);
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") act();
    });
    return button;
  };
  const buttons = Object.fromEntries(
    Object.entries(BUTTONS).map(([what, [title, hint, path]]) => [
      what,
      press(title, hint, path, what, () => page.send({ do: what })),
    ]),
  );
  const status = make("span", { class: "status", role: "status" }),
    where = make("span", { class: "where" }),
    time = make("span", { class: "time" }),
    bar = make("i"),
    further = more(page);
  const node = make(
    "div",
    { class: "transport" },
    make("div", { class: "buttons", role: "toolbar", "aria-label": "training run" }, ...Object.values(buttons)),
    make("div", { class: "line" }, make("div", { class: "facts" }, status, where, time), further.node),
    make("div", { class: "done", "aria-hidden": "true" }, bar),
  );
  function update(state) {
    const allowed = ALLOWED[state.status] ?? [],
      left = known(state.left) && state.status === "running";
    for (const [what, button] of Object.entries(buttons)) {
      const can = allowed.includes(what);
      set(button, "aria-disabled", !can);
      set(button, "title", can ? BUTTONS[what][1] : `Not now: ${WHY_NOT[state.status] ?? "the kernel does not answer"}`);
    }
    put(buttons.start.lastChild, ["paused", "stopped", "failed"].includes(state.status) ? "Go on" : "Start");
    put(status, STATUS[state.status] ?? state.status ?? "waiting for the kernel");
    put(where, progress(state));
    put(time, left ? `about ${span(state.left)} left` : "");
    further.update(state, buttons.pause);
    bar.style.transform = `scaleX(${Math.min(state.epoch / (state.epochs || 1), 1)})`;
  }
  return { node, update };
}

// ---- how fast

const SPEEDS = [2, 5, 10, 20, 50, null]; // batches per second at most

function speed(page) {
  const id = unique();
  const range = make("input", { type: "range", min: 0, max: SPEEDS.length - 1, step: 1, id, class: "speed" }),
    shown = make("output", { for: id }),
    hint = "Slow motion: a pause between two batches. What is computed stays the same.";
  const node = make("div", { class: "pace", hidden: "" }, make("label", { for: id, title: hint }, "speed"), range, shown);
  let now; // as Python knows it
  function mark() {
    const wanted = SPEEDS[range.value];
    put(shown, wanted ? `${wanted} batches/s` : "full");
    set(range, "aria-valuetext", wanted ? `${wanted} batches per second at most` : "full");
    range.style.setProperty("--part", range.value / (SPEEDS.length - 1));
  }
  range.addEventListener("input", () => {
    mark();
    page.send({ do: "speed", speed: SPEEDS[range.value] });
  });
  function update(state) {
    show(node, "speed" in state);
    if (!("speed" in state) || state.speed === now) return;
    now = state.speed;
    const far = (s) => Math.abs(Math.log((s ?? 1e3) / (now ?? 1e3)));
    range.value = SPEEDS.reduce((best, s, i) => (far(s) < far(SPEEDS[best]) ? i : best), 0);
    mark();
  }
  return { node, update };
}

// ---- back to an epoch

function rewinder(page) {
  const backId = unique(),
    ofId = unique();
  const epoch = make("input", { type: "range", min: 0, max: 1, step: 1, value: 0, id: backId, class: "epoch" }),
    shown = make("output", { for: backId }),
    of = make("select", { id: ofId, "aria-label": "of branch" });
  const hint = "Go back to the end of this epoch: what follows is a new branch";
  const back = make(
    "button",
    { type: "button", class: "rewind", title: hint },
    icon("M8 2V14L1 8ZM15 2V14L8 8Z"),
    "Rewind",
  );
  const node = make(
    "div",
    { class: "back" },
    make("label", { for: backId }, "back to epoch"),
    epoch,
    shown,
    make("span", { class: "from" }, make("label", { for: ofId, class: "of" }, "of"), of, back),
  );
  let touched = false,
    marked = "";
  const scrub = (on) => {
    page.store.scrub = on ? Number(epoch.value) : null; // the chart shows a line there
    page.all();
  };
  function mark() {
    const v = Number(epoch.value),
      most = Number(epoch.max),
      key = `${v} ${most}`;
    if (key === marked) return;
    marked = key;
    shown.textContent = v;
    epoch.style.setProperty("--part", most ? v / most : 0);
    epoch.setAttribute("aria-valuetext", v ? `epoch ${v}` : "before training");
  }
  epoch.addEventListener("input", () => {
    touched = true;
    update(page.store.state);
    scrub(true);
  });
  epoch.addEventListener("blur", () => scrub(false));
  of.addEventListener("change", () => {
    touched = true;
    update(page.store.state);
  });
  back.addEventListener("click", () => {
    if (back.getAttribute("aria-disabled") === "true") return;
    touched = false;
    page.store.heard = "";
    scrub(false);
    page.send({ do: "rewind", epoch: Number(epoch.value), branch: of.value || null });
  });
  function update(state) {
    const list = state.branches,
      names = list.map((b) => b.name);
    if (JSON.stringify([...of.options].map((o) => o.value)) !== JSON.stringify(names)) {
      const chosen = touched && names.includes(of.value) ? of.value : state.branch;
      of.replaceChildren(...names.map((n) => make("option", { value: n }, n)));
      of.value = chosen;
    }
    if (!touched && of.value !== state.branch && names.includes(state.branch)) of.value = state.branch;
    node.classList.toggle("alone", names.length < 2);
    const here = of.value === state.branch,
      most = here ? Math.floor(state.epoch + 1e-6) : (list.find((b) => b.name === of.value)?.epochs ?? 0),
      first = here ? Math.max(Math.ceil(state.epoch - 1e-6) - 1, 0) : most; // the last end of an epoch before now
    set(epoch, "max", Math.max(most, 1));
    if (Number(epoch.value) > most) epoch.value = most;
    if (!touched && Number(epoch.value) !== first) epoch.value = first;
    const nothing = here && Math.abs(Number(epoch.value) - state.epoch) < 1e-6; // to do
    set(back, "aria-disabled", !list.length || nothing);
    set(back, "title", nothing ? "It is there already: choose an earlier epoch or another branch" : hint);
    mark();
  }
  return { node, update };
}

// ---- the branches

function branches(page) {
  const body = make("tbody"),
    rows = new Map();
  const head = make(
    "tr",
    {},
    ...["branch", "started from", "epochs", "best", "changed", ""].map((t) => make("th", { scope: "col" }, t)),
  );
  const node = make("table", { class: "branches", "aria-label": "branches" }, make("thead", {}, head), body);

  function row(name) {
    const title = make("span", { class: "title" }),
      dot = make("i", { class: "dot", "aria-hidden": "true" }),
      cells = [...Array(4)].map(() => make("td"));
    const edit = make("input", { type: "text", "aria-label": `new name of ${name}`, hidden: "", maxlength: 40 });
    const button = (what, hint, act) => {
      const b = make("button", { type: "button", title: hint, "aria-label": `${what} ${name}`, class: what }, what);
      b.addEventListener("click", () => act(b));
      return b;
    };
    const close = () => {
      edit.hidden = true;
      title.hidden = false;
    };
    const rename = button("rename", "Give this branch another name", () => {
      edit.value = name;
      edit.hidden = false;
      title.hidden = true;
      edit.focus();
      edit.select();
    });
    const keep = button("keep", "Save this branch as a Run", () => page.send({ do: "keep", branch: name }));
    const remove = button("delete", "Delete this branch", (b) => {
      if (b.getAttribute("aria-disabled") === "true") page.say(b.title);
      else if (b.dataset.sure) page.send({ do: "delete", branch: name });
      else {
        b.dataset.sure = 1;
        b.textContent = "really?";
      }
    });
    for (const event of ["blur", "pointerleave"])
      remove.addEventListener(event, () => {
        delete remove.dataset.sure;
        remove.textContent = "delete";
      });
    edit.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && edit.value.trim() && edit.value.trim() !== name)
        page.send({ do: "rename", branch: name, name: edit.value.trim() });
      if (event.key === "Enter" || event.key === "Escape") {
        close();
        rename.focus();
      }
    });
    edit.addEventListener("blur", close);
    const tr = make(
      "tr",
      {},
      make("th", { scope: "row" }, dot, title, edit),
      ...cells,
      make("td", { class: "acts" }, rename, keep, remove),
    );
    return { tr, title, dot, cells, remove };
  }

  function update(state) {
    const list = state.branches ?? [],
      names = new Set(list.map((b) => b.name));
    for (const [name, r] of rows)
      if (!names.has(name)) {
        r.tr.remove();
        rows.delete(name);
      }
    list.forEach((b, i) => {
      if (!rows.has(b.name)) rows.set(b.name, row(b.name));
      const r = rows.get(b.name),
        parent = list.find((p) => p.name === b.parent),
        now = b.name === state.branch;
      if (body.children[i] !== r.tr) body.insertBefore(r.tr, body.children[i] ?? null);
      const changed = Object.entries(b.moved ?? {})
        .map(([k, v]) => `${words(k)} ${number(v, page.spec(k))}`)
        .join(", ");
      const texts = [
        parent ? `${b.parent}, epoch ${b.forked_at}` : "the start",
        String(b.epochs),
        known(b.best) ? b.best.toFixed(4) : "–",
        changed || "nothing",
      ];
      put(r.title, b.name);
      if (r.color !== b.color) r.dot.style.background = page.color(b);
      r.color = b.color;
      r.cells.forEach((cell, j) => {
        put(cell, texts[j]);
        set(cell, "title", texts[j]);
      });
      r.tr.toggleAttribute("aria-current", now);
      const children = list.filter((c) => c.parent === b.name).map((c) => c.name),
        kept = now ? "It is the present branch: Rewind to another one first" : children.length ? `Delete ${children.join(" and ")} first: it begins here` : "";
      set(r.remove, "aria-disabled", Boolean(kept));
      set(r.remove, "title", kept || "Delete this branch");
    });
    put(node.tHead.rows[0].cells[3], `best validation ${NAMES[state.metric] ?? state.metric ?? ""}`.trim());
  }
  return { node, update };
}

// ---- the recipe, and the tasks

function recipe(page) {
  const hint = "The code that repeats this training run, without widgets";
  const copy = make(
    "button",
    { type: "button", class: "copy", title: hint },
    icon("M5 1H14V11H11V15H2V5H5ZM5 6.5H3.5V13.5H9.5V11H5ZM6.5 2.5V9.5H12.5V2.5Z"),
    "Copy the recipe",
  );
  const said = make("span", { class: "said", role: "status" }),
    text = make("textarea", { readonly: "", "aria-label": "the recipe", rows: 6, hidden: "", spellcheck: "false" });
  copy.addEventListener("click", () => page.send({ do: "recipe" }));
  async function copied(code) {
    text.value = code;
    text.hidden = false;
    try {
      await navigator.clipboard.writeText(code);
      said.textContent = "copied";
    } catch {
      text.focus();
      text.select();
      said.textContent = document.execCommand?.("copy") ? "copied" : "selected: copy it with Ctrl+C or ⌘C";
    }
  }
  return { node: make("div", {}, make("div", { class: "end" }, copy, said), text), said, copied };
}

function tasks() {
  const node = make("ul", { class: "tasks", "aria-label": "tasks" });
  let shown = "";
  const task = ([text, ok]) => {
    const sign = make("i", { "aria-hidden": "true" }, ok ? "✓" : "");
    return make(
      "li",
      { class: ok ? "ok" : "" },
      sign,
      text,
      make("span", { class: "unseen" }, ok ? ", done" : ", not yet"),
    );
  };
  function update(challenges) {
    show(node, challenges.length);
    const key = JSON.stringify(challenges);
    if (key !== shown) node.replaceChildren(...challenges.map(task));
    shown = key;
  }
  return { node, update };
}

// ---- the whole

// What a message from Python changes in the store. An answer about a slider is over when training goes on or back.
function hear(store, message) {
  if (message.kind === "ack") {
    store.heard = message.text;
    store.state.sliders = { ...store.state.sliders, [message.name]: message.value };
  }
  if (message.kind !== "news") return;
  const { status, epoch } = message.state;
  if (epoch < store.state.epoch || (known(status) && status !== store.state.status)) store.heard = "";
  take(store, message);
  for (const key of ["challenges", "note", "trouble"]) if (key in message) store[key] = message[key];
}

function build(page, specs, views) {
  const { store, send } = page;
  const drawn = chart(page),
    viewer = views.length ? pictures(page, views) : null,
    buttons = transport(page),
    pace = speed(page),
    rewind = rewinder(page),
    table = branches(page),
    code = recipe(page),
    list = tasks();
  const post = (name, value, seq) => send({ do: "set", name, value, seq });
  const sliders = Object.fromEntries(specs.map((c) => [c.name, slider(c, post, page.say)]));
  const heard = make("p", { class: "heard", role: "status" }),
    trouble = make("div", { class: "trouble", role: "alert", hidden: "" }),
    note = make("p", { class: "note", hidden: "" });
  const group = { class: "sliders", role: "group", "aria-label": "hyperparameters" };
  const desk = make(
    "div",
    { class: "hackbook-desk", role: "group", "aria-label": "controls of the training run" },
    buttons.node,
    trouble,
    note,
    make("div", group, ...Object.values(sliders).map((s) => s.node)),
    heard,
    pace.node,
    rewind.node,
  );
  const below = make("div", { class: "below" }, table.node, code.node, list.node);
  const parts = make("div", { class: "parts" }, drawn.node, desk, viewer?.node ?? "", below),
    title = page.title ? make("p", { class: "of-two" }, page.title) : "",
    panel = make("div", { class: "hackbook-live", ...(page.title ? { role: "region", "aria-label": page.title } : {}) }, title, parts);

  function measure() {
    page.small = parts.clientWidth < 520;
    drawn.measure();
    viewer?.measure();
  }
  function update() {
    const { state } = store;
    drawn.update();
    viewer?.update();
    set(desk, "data-status", state.status ?? "");
    buttons.update(state);
    for (const [name, value] of Object.entries(state.sliders ?? {})) sliders[name]?.update(value);
    pace.update(state);
    rewind.update(state);
    table.update(state);
    list.update(store.challenges);
    for (const [node, text] of [[trouble, store.trouble || state.error], [note, store.note]]) {
      show(node, text);
      put(node, text || "");
    }
    desk.classList.toggle("silent", store.silent);
    put(heard, store.silent ? SILENT : store.heard || next(state));
  }
  // what is shown at once, not with the next frame
  function answer(message, mine) {
    if (message.kind === "ack") {
      heard.textContent = message.text;
      sliders[message.name]?.heard(mine, message.value, message.seq);
    } else if (message.kind === "recipe" && mine) code.copied(message.text);
    else if (message.kind === "said" && mine) code.said.textContent = message.text;
  }
  return { panel, measure, update, answer };
}

export default () => {
  const store = { ...empty(), challenges: [], note: "", trouble: "", heard: "", silent: false },
    pages = new Set();
  let timer = null;
  const all = () => {
    for (const page of pages) page.soon();
  };
  function silence() {
    store.silent = true;
    all();
  }
  return {
    initialize({ model }) {
      model.on("msg:custom", (message) => {
        clearTimeout(timer);
        timer = null;
        store.silent = false;
        hear(store, message);
        for (const page of pages) page.answer(message, message.from === page.self);
        all();
      });
    },
    render({ model, el }) {
      const palette = model.get("palette"),
        specs = model.get("sliders"),
        self = unique();
      function send(message) {
        timer ??= setTimeout(silence, 1500); // no answer: the panel says so
        try {
          model.send({ from: self, ...message });
        } catch {
          silence(); // the kernel is gone: the data stays
        }
      }
      const mixed = (color) => `color-mix(in srgb, ${palette[color % palette.length]} 78%, var(--ink))`;
      const page = {
        store,
        self,
        send,
        all,
        said: ["", ""],
        title: model.get("title"),
        say: (text) => {
          store.heard = text;
          all();
        },
        spec: (name) => specs.find((c) => c.name === name),
        color: (branch) => (branch ? mixed(branch.color) : "var(--soft)"),
      };
      const { panel, measure, update, answer } = build(page, specs, model.get("views"));
      let resized = true;
      const { soon, stop } = paced(() => {
        if (resized) measure(); // before anything is drawn
        resized = false;
        update();
      });
      Object.assign(page, { soon, answer });
      const watch = new ResizeObserver(() => {
        resized = true;
        soon();
      });
      const unshield = shield(panel);
      panel.addEventListener("keydown", (event) => {
        if (plain(event)) event.stopPropagation();
      });
      pages.add(page);
      el.append(panel);
      watch.observe(panel);
      measure();
      update();
      send({ do: "hello" });
      return () => {
        pages.delete(page);
        watch.disconnect();
        stop();
        unshield();
      };
    },
  };
};
