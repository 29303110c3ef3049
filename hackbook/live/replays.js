// Replays: recorded training runs in the panel, on a page without a kernel. What Python would answer, `record` answers.

const SECONDS = 4; // that a run takes on the page
const FRAME = 33; // milliseconds

// Stands for the model of a widget: `get`, `on` and `send`.
function record(data) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const spec = (name) => data.sliders.find((s) => s.name === name);
  const nearest = (name, v) => spec(name)?.values?.reduce((a, b) => (Math.abs(b - v) < Math.abs(a - v) ? b : a)) ?? v;
  const snapped = Object.entries(data.values).map(([name, v]) => [name, nearest(name, v)]);
  let hear = () => {},
    values = Object.fromEntries(snapped),
    status = "ready",
    made = [], // the branches of the page
    queue = [], // those that are still to be drawn
    colors = 0,
    clock = 0;

  function outline(b) {
    const ends = b.points.slice(0, b.drawn).filter((p) => known(p[4])),
      scores = ends.map((p) => p[4]),
      best = (RISING.includes(data.metric) ? Math.max : Math.min)(...scores);
    const { name, color, parent, forked_at, moved } = b,
      epochs = ends.length ? Math.round(ends.at(-1)[0]) : forked_at;
    return { name, color, parent, forked_at, moved, epochs, best: scores.length ? best : null };
  }
  function tell(news = {}) {
    const now = made.at(-1),
      state = { status, error: null, left: null, epochs: data.epochs, epoch: now?.epoch ?? 0, metric: data.metric };
    Object.assign(state, { branch: now?.name ?? null, branches: made.map(outline), sliders: values });
    hear({ kind: "news", all: false, gone: [], points: [], marks: [], state, ...news });
  }
  function finish() {
    status = "ready"; // for the next run
    tell();
  }

  function begin() {
    const b = queue.shift();
    values = { ...values, ...b.first };
    Object.assign(b, { moved: { ...b.moved }, drawn: 0, played: 0, epoch: b.forked_at });
    made.push(b);
  }
  function advance() {
    const b = made.at(-1),
      till = still ? Infinity : b.epoch + (data.epochs * FRAME) / 1000 / SECONDS,
      count = (list, at) => list.filter((o) => o[at] <= till).length,
      points = b.points.slice(b.drawn, count(b.points, 0)).map((p) => [b.name, ...p]),
      marks = b.marks.slice(b.played, count(b.marks, 0)).map((m) => [b.name, ...m]);
    for (const [, , name, value] of marks) {
      values = { ...values, [name]: value };
      b.moved = { ...b.moved, [name]: value };
    }
    b.drawn += points.length;
    b.played += marks.length;
    b.epoch = Math.min(till, b.points.at(-1)?.[0] ?? till);
    tell({ points, marks });
    if (b.drawn === b.points.length) return queue.length ? begin() : finish();
  }
  function tick() {
    clock = 0;
    if (status === "running") advance();
    if (status === "running") clock = setTimeout(tick, still ? 0 : FRAME);
  }

  // A sweep: the run that the sliders ask for, drawn anew if it is there already. A session: all of it, from the start.
  function choose() {
    if (!data.sweep) {
      made = [];
      queue = data.branches.map((b) => ({ ...b }));
      return tell({ all: true, view: null, challenges: [], note: "", trouble: "" });
    }
    const run = data.branches.find((b) => Object.entries(b.first).every(([name, v]) => values[name] === v)),
      gone = made.filter((b) => b.name === run.name),
      color = gone[0]?.color ?? colors++;
    made = made.filter((b) => b.name !== run.name);
    queue = [{ ...run, color }];
    tell({ gone: gone.map((b) => b.name) });
  }
  const calls = {
    hello: () => tell({ all: true, view: null, challenges: [], note: "", trouble: "" }),
    start() {
      if (status === "ready") {
        choose();
        begin();
      }
      status = "running";
      tell();
      if (!clock) tick();
    },
    pause() {
      status = "paused";
      tell();
    },
    set({ name, value, seq, from }) {
      if (data.sweep && status === "ready") values = { ...values, [name]: nearest(name, value) };
      const when = status === "ready" ? "press Start to see that run" : "this run goes on as it was recorded",
        chosen = `${words(name)} ${number(values[name], spec(name))}: ${when}`,
        text = data.sweep ? chosen : "a recorded session: its sliders move by themselves";
      hear({ kind: "ack", name, value: values[name], text, seq, from });
    },
  };
  return {
    get: (name) => ({ palette: data.palette, sliders: data.sliders, views: [] })[name],
    on(_, call) {
      hear = call;
    },
    send(message) {
      (calls[message.do] ?? tell)(message);
    },
  };
}

// The pictures of the same cell are for places without scripts.
function cover(root) {
  const cell = root.closest(".cell, .jp-Cell, .jp-OutputArea");
  for (const picture of cell?.querySelectorAll("img") ?? []) {
    const alone = picture.closest(".cell-output-display, .jp-OutputArea-child") ?? picture;
    if (!alone.contains(root)) alone.style.display = "none"; // JupyterLab shows what is hidden
  }
}

function replays() {
  for (const root of document.querySelectorAll(".hackbook-replay:not([data-on])")) {
    const data = JSON.parse(root.querySelector("script").textContent);
    root.dataset.on = data.sweep ? "sweep" : "session";
    root.querySelector("p")?.remove(); // what stands there where scripts do not run
    const model = record(data),
      widget = desk();
    widget.initialize({ model });
    widget.render({ model, el: root });
    cover(root);
  }
}
