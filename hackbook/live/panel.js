// The controls under the chart of a training run: buttons, sliders, branches, tasks. They send requests to Python and
// show the state that Python sends. Data reaches the page as text, never as HTML.

const SENT = 2; // unanswered changes per slider: the newest waits, those between are left out
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
const STATUS = {
  ready: "ready",
  running: "training",
  paused: "paused",
  stopped: "stopped",
  finished: "finished",
  failed: "failed",
};

const SILENT = "The kernel does not answer: a running cell must end first; after a restart, run this cell again.";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function icon(path) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg"),
    shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [k, v] of Object.entries({ viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" }))
    picture.setAttribute(k, v);
  shape.setAttribute("d", path);
  picture.append(shape);
  return picture;
}

// Write a node only when it differs: each write makes the browser lay it out and paint it again.
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
function set(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}
function show(node, it) {
  if (node.hidden === Boolean(it)) node.hidden = !it;
}

const known = (v) => v !== null && v !== undefined;
const words = (name) => name.replaceAll("_", " ").replaceAll("/", ", ");
const unique = () => `hackbook-${crypto.getRandomValues(new Uint32Array(1))[0]}`;

function number(v, spec) {
  if (v === 0 && spec?.off) return "off";
  const least =
    spec?.scale === "linear" && spec.step < 1 && Number.isInteger(Math.round((v / spec.step) * 1e6) / 1e6)
      ? (String(spec.step).split(".")[1] ?? "").length
      : 0;
  return least ? v.toFixed(least) : String(Number(v.toPrecision(6)));
}

function span(seconds) {
  if (seconds < 60) return `${Math.max(Math.round(seconds), 1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// ---- a slider and its exact number

function places(spec) {
  // the number of positions, and the value at each
  const { low, high, scale, step, off, whole } = spec;
  if (scale !== "log") {
    const n = Math.max(Math.round((high - low) / (step || (high - low) / 100)), 1);
    return {
      n,
      value: (i) => Number((low + ((high - low) * i) / n).toPrecision(12)),
      at: (v) => Math.round(((v - low) / (high - low)) * n),
    };
  }
  const n = Math.max(Math.round(Math.log10(high / low) / (step || 0.1)), 1),
    first = off ? 1 : 0; // a step is a fraction of a decade
  return {
    n: n + first,
    value: (i) => (i < first ? 0 : Number((low * (high / low) ** ((i - first) / n)).toPrecision(whole ? 9 : 3))),
    at: (v) => (v <= 0 ? 0 : Math.round((Math.log(v / low) / Math.log(high / low)) * n) + first),
  };
}

function slider(spec, send) {
  const { n, value, at } = places(spec),
    id = unique(),
    title = words(spec.name);
  let least = number(spec.low);
  if (spec.off) least = spec.low > 0 ? `0 (off), or ${least}` : "0 (off)";
  const range = make("input", { type: "range", min: 0, max: n, step: 1, id, "data-hyperparameter": spec.name });
  const box = make("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": `${title}, exact number`,
    "data-hyperparameter": spec.name,
    title: `${least} to ${number(spec.high)}`,
  });
  const node = make("div", { class: "slider" }, make("label", { for: id }, title), range, box);
  let newest = 0,
    waiting = null,
    now = null,
    typing = false;
  const open = new Set();

  function show(v) {
    now = v;
    const place = Math.min(Math.max(at(v), 0), n);
    if (Number(range.value) !== place) range.value = place;
    range.style.setProperty("--part", place / n);
    range.setAttribute("aria-valuetext", number(v, spec));
    if (!typing) box.value = number(v, spec);
  }
  function post() {
    if (waiting === null || open.size >= SENT) return;
    const [v, seq] = [waiting, ++newest];
    waiting = null;
    open.add(seq);
    send(spec.name, v, seq);
  }
  function move(v) {
    show(v);
    waiting = v;
    post();
  }
  range.addEventListener("input", () => move(value(Number(range.value))));
  function typed() {
    const text = box.value.trim().replace(",", "."),
      v = text === "off" ? 0 : Number(text);
    const fits = text !== "" && Number.isFinite(v);
    box.toggleAttribute("aria-invalid", !fits);
    if (fits) {
      typing = false;
      if (v !== now && text !== number(now, spec)) move(v);
      else show(now);
    }
  }
  function untyped() {
    typing = false;
    box.removeAttribute("aria-invalid");
    if (now !== null) show(now);
  }
  box.addEventListener("focus", () => box.select());
  box.addEventListener("input", () => {
    typing = true;
  }); // until then, updates from Python do not overwrite it
  box.addEventListener("change", () => {
    typed();
    untyped();
  });
  box.addEventListener("blur", untyped);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") {
      typed();
      box.select();
    } else if (event.key === "Escape") untyped();
    else if (step) {
      typing = false;
      move(value(Math.min(Math.max(at(now) + step, 0), n)));
    } else return;
    event.preventDefault();
  });
  return {
    node,
    update(v) {
      // an unanswered change is newer than an update; an update after its answer is newer than the change
      if (!open.size && waiting === null && v !== now) show(v);
    },
    heard(mine, v, seq) {
      if (!mine) {
        if (!open.size) show(v);
        return;
      }
      for (const s of open) if (s <= seq) open.delete(s);
      if (seq === newest && waiting === null) show(v);
      post();
    },
  };
}

// ---- the branches

function branches(page, choose) {
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
      if (b.dataset.sure) page.send({ do: "delete", branch: name });
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
      const changed = Object.entries(b.settings ?? {})
        .filter(([k, v]) => parent && (parent.settings ?? {})[k] !== v)
        .map(([k, v]) => `${words(k)} ${number(v, page.spec(k))}`)
        .join(", ");
      const texts = [
        parent ? `${b.parent}, epoch ${b.forked_at}` : "the start",
        String(b.epochs),
        known(b.best) ? b.best.toFixed(4) : "–",
        parent ? changed || "unchanged" : "",
      ];
      put(r.title, b.name);
      if (r.color !== b.color) r.dot.style.background = page.color(b.color);
      r.color = b.color;
      r.cells.forEach((cell, j) => {
        put(cell, texts[j]);
        set(cell, "title", texts[j]);
      });
      r.tr.toggleAttribute("aria-current", now);
      show(r.remove, !now && !list.some((c) => c.parent === b.name)); // others start from it
    });
    put(node.tHead.rows[0].cells[3], `best ${state.metric ?? ""}`.trim());
  }
  return { node, update };
}

// ---- the whole

export default () => {
  const store = { state: {}, challenges: [], note: "", trouble: "", heard: "", silent: false },
    pages = new Set();
  let timer = null;
  const all = () => {
    for (const page of pages) page.soon();
  };
  return {
    initialize({ model }) {
      store.silence = (wait = 1500) => {
        // no answer: the panel says so
        timer ??= setTimeout(() => {
          store.silent = true;
          all();
        }, wait);
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
          const { status, epoch } = message.state ?? {}; // training went on or back: the message about a change is over
          if (epoch < store.state.epoch || (known(status) && status !== store.state.status)) store.heard = "";
          Object.assign(store.state, message.state ?? {});
          for (const key of ["challenges", "note", "trouble"]) if (key in message) store[key] = message[key];
          document.dispatchEvent(
            new CustomEvent("hackbook-news", { detail: { group: model.get("group"), news: message.chart } }),
          );
        }
        for (const page of pages) page.take(message);
        all();
      });
    },
    render({ model, el }) {
      const self = unique(),
        palette = model.get("palette"),
        specs = model.get("sliders"),
        group = model.get("group");
      const gone = () => {
        store.silent = true;
        all();
      };
      const send = (message) => {
        store.silence();
        try {
          model.send({ from: self, ...message });
        } catch {
          gone();
        }
      };
      const page = {
        send,
        spec: (name) => specs.find((c) => c.name === name),
        color: (i) => `color-mix(in srgb, ${palette[i % palette.length]} 78%, var(--ink))`,
      };

      const buttons = Object.fromEntries(
        Object.entries(BUTTONS).map(([what, [title, hint, path]]) => {
          const button = make("button", { type: "button", title: hint, class: what }, icon(path), title);
          button.addEventListener("click", () => {
            if (button.getAttribute("aria-disabled") !== "true") send({ do: what });
          });
          return [what, button];
        }),
      );
      const status = make("span", { class: "status", role: "status" }),
        where = make("span", { class: "where" }),
        time = make("span", { class: "time" });
      const bar = make("i"),
        done = make("div", { class: "done", "aria-hidden": "true" }, bar);

      const sliders = Object.fromEntries(
        specs.map((c) => [c.name, slider(c, (name, value, seq) => send({ do: "set", name, value, seq }))]),
      );
      const heard = make("p", { class: "heard", role: "status" });

      const backId = unique(),
        ofId = unique();
      const epoch = make("input", { type: "range", min: 0, max: 1, step: 1, value: 0, id: backId, class: "epoch" }),
        shown = make("output", { for: backId });
      const of = make("select", { id: ofId, "aria-label": "of branch" }),
        back = make(
          "button",
          {
            type: "button",
            class: "rewind",
            title: "Go back to the end of this epoch: what follows is a new branch",
          },
          icon("M8 2V14L1 8ZM15 2V14L8 8Z"),
          "Rewind",
        );
      const rewind = make(
        "div",
        { class: "back" },
        make("label", { for: backId }, "back to epoch"),
        epoch,
        shown,
        make("label", { for: ofId, class: "of" }, "of"),
        of,
        back,
      );
      const scrub = (on) =>
        document.dispatchEvent(
          new CustomEvent("hackbook-scrub", { detail: { group, epoch: on ? Number(epoch.value) : null } }),
        );
      const mark = () => {
        const v = Number(epoch.value),
          most = Number(epoch.max),
          key = `${v} ${most}`;
        if (key === marked) return;
        marked = key;
        shown.textContent = v;
        epoch.style.setProperty("--part", most ? v / most : 0);
        epoch.setAttribute("aria-valuetext", v ? `epoch ${v}` : "before training");
      };
      let touched = false,
        marked = "";
      epoch.addEventListener("input", () => {
        touched = true;
        mark();
        scrub(true);
      });
      epoch.addEventListener("blur", () => scrub(false));
      of.addEventListener("change", () => {
        touched = true;
        update();
      });
      back.addEventListener("click", () => {
        touched = false;
        store.heard = "";
        scrub(false);
        if (back.getAttribute("aria-disabled") !== "true")
          send({ do: "rewind", epoch: Number(epoch.value), branch: of.value || null });
      });

      const table = branches(page);
      const copy = make(
        "button",
        { type: "button", class: "copy", title: "The code that repeats this training run, without widgets" },
        icon("M5 1H14V11H11V15H2V5H5ZM5 6.5H3.5V13.5H9.5V11H5ZM6.5 2.5V9.5H12.5V2.5Z"),
        "Copy the recipe",
      );
      const said = make("span", { class: "said", role: "status" }),
        recipe = make("textarea", {
          readonly: "",
          "aria-label": "the recipe",
          rows: 6,
          hidden: "",
          spellcheck: "false",
        });
      copy.addEventListener("click", () => send({ do: "recipe" }));
      const tasks = make("ul", { class: "tasks", "aria-label": "tasks" });
      const trouble = make("div", { class: "trouble", role: "alert", hidden: "" }),
        note = make("p", { class: "note", hidden: "" });
      const panel = make(
        "div",
        { class: "hackbook-desk", role: "group", "aria-label": "controls of the training run" },
        make(
          "div",
          { class: "transport" },
          make("div", { class: "buttons", role: "toolbar", "aria-label": "training run" }, ...Object.values(buttons)),
          make("div", { class: "facts" }, status, where, time),
          done,
        ),
        trouble,
        note,
        make(
          "div",
          { class: "sliders", role: "group", "aria-label": "hyperparameters" },
          ...Object.values(sliders).map((s) => s.node),
        ),
        heard,
        rewind,
        table.node,
        make("div", { class: "end" }, copy, said),
        recipe,
        tasks,
      );

      const plain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);
      const quiet = (event) => {
        if (panel.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", plain(event));
      };
      // keep Jupyter's shortcuts off the panel (d d would delete the cell), before Notebook 7 takes the keys
      window.addEventListener("keydown", quiet, true);
      panel.addEventListener("keydown", (event) => {
        if (plain(event)) event.stopPropagation();
      });

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
      page.take = (message) => {
        const mine = message.from === self;
        if (message.kind === "ack") {
          heard.textContent = message.text; // at once, not with the next frame
          sliders[message.name]?.heard(mine, message.value, message.seq);
        } else if (message.kind === "recipe" && mine) copied(message.text);
        else if (message.kind === "said" && mine) said.textContent = message.text;
      };

      function update() {
        const { state } = store,
          allowed = ALLOWED[state.status] ?? [];
        for (const [what, button] of Object.entries(buttons)) set(button, "aria-disabled", !allowed.includes(what));
        put(buttons.start.lastChild, ["paused", "stopped", "failed"].includes(state.status) ? "Go on" : "Start");
        set(panel, "data-status", state.status ?? "");
        put(status, STATUS[state.status] ?? "waiting for the kernel");
        const built = state.epoch || state.status !== "running"; // before the first step Keras builds its graph
        put(
          where,
          !built
            ? "preparing the first step"
            : known(state.epochs)
              ? `epoch ${(Math.floor(state.epoch * 100) / 100).toFixed(2)} of ${state.epochs}`
              : "",
        );
        put(time, known(state.left) && state.status === "running" ? `about ${span(state.left)} left` : "");
        bar.style.transform = `scaleX(${Math.min((state.epoch ?? 0) / (state.epochs || 1), 1)})`;
        for (const [name, value] of Object.entries(state.sliders ?? {})) sliders[name]?.update(value);

        const list = state.branches ?? [],
          names = list.map((b) => b.name);
        if (JSON.stringify([...of.options].map((o) => o.value)) !== JSON.stringify(names)) {
          const chosen = touched && names.includes(of.value) ? of.value : state.branch;
          of.replaceChildren(...names.map((n) => make("option", { value: n }, n)));
          of.value = chosen;
        }
        if (!touched && of.value !== state.branch && names.includes(state.branch)) of.value = state.branch;
        rewind.classList.toggle("alone", names.length < 2);
        const most =
          of.value === state.branch
            ? Math.floor((state.epoch ?? 0) + 1e-6)
            : (list.find((b) => b.name === of.value)?.epochs ?? 0);
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
          tasks.replaceChildren(
            ...store.challenges.map(([text, ok]) =>
              make(
                "li",
                { class: ok ? "ok" : "" },
                make("i", { "aria-hidden": "true" }, ok ? "✓" : ""),
                text,
                make("span", { class: "unseen" }, ok ? ", done" : ", not yet"),
              ),
            ),
          );
        }
      }
      let asked = 0,
        frame = 0;
      page.soon = () => {
        asked ||= setTimeout(
          () => {
            frame = requestAnimationFrame(() => {
              asked = 0;
              update();
            });
          },
          30 - (performance.now() % 30),
        );
      }; // in one frame with the chart
      pages.add(page);
      el.append(panel);
      update();
      send({ do: "hello" });
      return () => {
        pages.delete(page);
        clearTimeout(asked);
        cancelAnimationFrame(frame);
        window.removeEventListener("keydown", quiet, true);
      };
    },
  };
};
