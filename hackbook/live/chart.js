// The chart of a training run: Python sends numbers, this draws them.

const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "1 4", "6 2 2 2 2 2"]; // color is never the only sign
const LEFT = 44,
  RIGHT = 10,
  TOP = 8,
  BOTTOM = 30;
const TIP = 40; // at most this many points are drawn again per refresh

const short = (v, digits = 3) => (known(v) ? String(Number(v.toPrecision(digits))) : "–");
const fixed = (v) => (!known(v) ? "–" : Math.abs(v) >= 100 ? short(v) : v.toFixed(Math.abs(v) >= 10 ? 2 : 4));

function ticks(low, high, most) {
  const raw = (high - low) / most,
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(6)));
  return found;
}

// ---- the data: one store for all pages of a widget

function empty() {
  return {
    points: new Map(),
    marks: [],
    stamps: new Map(),
    state: { branches: [], epochs: 1, epoch: 0 },
    picture: null,
    view: null,
    scrub: null,
  };
}

const EXAMPLES = 5; // where a point has the number of examples that it is the mean of
const weight = (p) => p[EXAMPLES] ?? 1; // not recorded by an older version

function joined(p, q) {
  const n = weight(p) + weight(q),
    mean = (k) => (known(p[k]) && known(q[k]) ? (p[k] * weight(p) + q[k] * weight(q)) / (n || 1) : null);
  return [q[0], mean(1), mean(2), q[3], q[4], n];
}

function thin(points) {
  // a long run: neighbors in the older half become one point, but none goes beyond the end of an epoch
  if (points.length < 1500) return points;
  const half = points.length >> 1,
    found = [];
  for (let i = 0; i < half; i++) {
    const [p, q] = [points[i], points[i + 1]];
    if (known(p[3]) || i + 1 >= half) found.push(p);
    else {
      found.push(joined(p, q));
      i++;
    }
  }
  return [...found, ...points.slice(half)];
}

let count = 0; // a branch's stamp changes whenever its points do

function take(store, message) {
  if ("picture" in message) store.picture = message.picture;
  if (message.all) {
    store.points = new Map();
    store.marks = [];
    store.stamps = new Map();
  }
  Object.assign(store.state, message.state ?? {});
  if ("view" in message) store.view = message.view;
  for (const name of message.gone ?? []) {
    store.points.delete(name);
    store.marks = store.marks.filter((m) => m[0] !== name);
  }
  for (const [name, ...point] of message.points ?? []) {
    if (!store.points.has(name)) store.points.set(name, []);
    store.points.get(name).push(point);
    store.stamps.set(name, ++count);
  }
  for (const [name, points] of store.points) store.points.set(name, thin(points));
  store.marks.push(...(message.marks ?? []));
}

// A dragged slider makes many changes: those too close to tell apart are one mark, with the last value.
function merged(store, last) {
  const near = last / 60, // `last`: epochs that the chart shows
    found = [];
  for (const mark of store.marks) {
    const last = found.at(-1);
    if (last && last[0] === mark[0] && last[2] === mark[2] && mark[1] - last[4] < near) {
      last[3] = mark[3];
      last[1] = mark[1];
    } else found.push([...mark, mark[1]]);
  }
  return found;
}

// The points of a branch and its ancestors: [x, training, validation, examples].
function points(store, branch, at) {
  const own = (store.points.get(branch.name) ?? []).map((p) => [p[0], p[1 + at], p[3 + at], weight(p)]);
  const parent = store.state.branches.find((b) => b.name === branch.parent);
  return parent && parent !== branch
    ? [...points(store, parent, at).filter((p) => p[0] <= branch.forked_at + 1e-9), ...own]
    : own;
}

// Its curve, from where it left its parent: [x, mean over the training examples of the last epoch, validation, training].
// At the end of an epoch that is the number in the history.
function line(store, branch, at) {
  const all = points(store, branch, at),
    begin = branch.parent ? branch.forked_at - 1e-9 : -1;
  let from = 0;
  return all
    .map((p, i) => {
      const own = p[0] > begin + 2e-9 ? begin + 2e-9 : -1; // the mean is over this branch alone
      while (all[from][0] <= Math.max(p[0] - 1, own) + 1e-9) from++;
      if (!known(p[1])) return [p[0], null, p[2], p[1]];
      let sum = 0,
        n = 0;
      for (let j = from; j <= i; j++)
        if (known(all[j][1])) {
          sum += all[j][1] * all[j][3];
          n += all[j][3];
        }
      return [p[0], n ? sum / n : p[1], p[2], p[1]];
    })
    .filter((p) => p[0] >= begin);
}

// Everything that a curve depends on, except the scale.
function stamp(store, branch) {
  const parent = store.state.branches.find((b) => b.name === branch.parent);
  const before = parent && parent !== branch ? stamp(store, parent) : "";
  return `${store.stamps.get(branch.name) ?? 0} ${branch.color} ${branch.forked_at} ${before}`;
}

const NAMES = { mae: "mean absolute error", box_iou: "IoU of the boxes" }; // of metrics, on the page
const RISING = ["accuracy", "box_iou"]; // from 0 to 1, higher is better

function limits(curves, now, at, metric, log) {
  const values = curves.flatMap((c) => c.flatMap((p) => [p[1], p[2]])).filter(known);
  if (!values.length) return at && RISING.includes(metric) ? [0, 1] : [log ? 0.01 : 0, log ? 10 : 1];
  const first = Math.max(...curves.flatMap((c) => c.slice(0, 1).map((p) => p[1])).filter(known), 1e-9);
  const largest = values.reduce((a, b) => Math.max(a, b)),
    smallest = values.reduce((a, b) => Math.min(a, b));
  if (at && RISING.includes(metric)) {
    // every validation, and the training after its first epoch, is seen; the climb before that may begin below
    const seen = curves.flatMap((c) => c.flatMap((p) => [p[0] >= 1 ? p[1] : null, p[2]])).filter(known),
      here = now.findLast((p) => known(p[1]))?.[1];
    const least = [...seen, here].filter(known).reduce((a, b) => Math.min(a, b), 1);
    return [[0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2].find((f) => least > f) ?? 0, 1];
  }
  if (log)
    return [
      10 ** Math.floor(Math.log10(Math.max(smallest, first * 1e-5, 1e-9))),
      10 ** Math.ceil(Math.log10(Math.min(largest, first * 1e3))),
    ];
  const top = Math.min(largest, 1.5 * first),
    step = ticks(0, top, 4)[1] ?? top; // clip a loss that explodes
  return [0, Math.ceil(top / step - 0.02) * step];
}

// How many epochs the axis shows: all that are planned if they are few; else it grows with the training.
function extent(planned, trained) {
  if (planned <= 12) return Math.max(planned, trained, 1);
  const wanted = Math.max(trained * 1.1, 8);
  let span = Infinity;
  for (let power = 1; power < 1e9 && span === Infinity; power *= 10)
    span = [1, 1.5, 2, 3, 4, 6, 8].map((m) => m * power).find((s) => s >= wanted && Number.isInteger(s)) ?? Infinity;
  return Math.max(Math.min(span, planned), trained);
}

// ---- one of the two plots

function plot(page, at) {
  const clip = unique();
  const area = svg("rect"),
    frame = svg("g", { class: "frame" }),
    curves = svg("g", { "clip-path": `url(#${clip})` }),
    dots = svg("g");
  const picture = svg(
    "svg",
    { class: "curves", role: "img" },
    svg("clipPath", { id: clip }, area),
    frame,
    curves,
    dots,
  );
  const name = make("span", { class: "name" }),
    readout = make("span", { class: "readout" });
  const scale = make(
    "button",
    { type: "button", class: "scale", "aria-pressed": "false", title: "Logarithmic axis" },
    "log",
  );
  const marks = make("div", { class: "marks", role: "group", "aria-label": "changes of hyperparameters" });
  const tip = make("div", { class: "tip", hidden: "" });
  const node = make(
    "figure",
    { class: "plot" },
    make("figcaption", {}, name, readout),
    make("div", { class: "paper" }, picture, marks, tip),
  );
  let log = false,
    shown = "",
    scaleOf = null; // the x and y of the last drawing
  if (!at) node.firstChild.append(scale);
  scale.addEventListener("click", () => {
    log = !log;
    scale.setAttribute("aria-pressed", log);
    update();
  });

  function tell(button, mark) {
    tip.replaceChildren(
      make("b", {}, `${words(mark[2])} ${mark[3] === 0 ? "off" : short(mark[3])}`),
      ` from epoch ${mark[1].toFixed(2)}, ${mark[0]}`,
    );
    near.setAttribute("visibility", "hidden");
    tip.hidden = false;
    tip.style.bottom = "";
    aim(button.offsetLeft + button.offsetWidth / 2);
  }
  function aim(x) {
    const half = tip.offsetWidth / 2;
    tip.style.left = `${Math.min(Math.max(x, half + 2), node.clientWidth - half - 2)}px`;
  }

  function place(found, x) {
    // buttons under the axis: Tab reaches one, arrow keys go from mark to mark
    const key = JSON.stringify(found);
    if (key !== shown) {
      shown = key;
      const held = [...marks.children].indexOf(document.activeElement);
      marks.replaceChildren(
        ...found.map((mark, i) => {
          const branch = page.store.state.branches.find((b) => b.name === mark[0]);
          const button = make("button", {
            type: "button",
            tabindex: i === found.length - 1 ? "0" : "-1",
            "aria-label": `${words(mark[2])} ${short(mark[3])} from epoch ${mark[1].toFixed(2)}, ${mark[0]}`,
          });
          button.style.setProperty("--c", page.color(branch));
          for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => tell(button, mark));
          for (const event of ["pointerleave", "blur"])
            button.addEventListener(event, () => {
              tip.hidden = true;
            });
          button.addEventListener("keydown", (event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (!step) return;
            event.preventDefault();
            marks.children[Math.min(Math.max(i + step, 0), found.length - 1)].focus();
          });
          return button;
        }),
      );
      if (held >= 0) marks.children[Math.min(held, found.length - 1)]?.focus({ preventScroll: true });
    }
    found.forEach((mark, i) => {
      const left = `${x(mark[1]).toFixed(1)}px`,
        { style } = marks.children[i];
      if (style.left !== left) style.left = left;
    });
  }

  const values = ["training", "validation", "gap"].map((k) => {
    const value = make("b");
    readout.append(make("span", { class: k }, `${k} `, value));
    return value;
  });
  const moved = svg("g"),
    scrub = svg("line", { class: "scrub" }),
    past = svg("g"),
    here = svg("circle", { class: "here", r: 4.5 }),
    near = svg("circle", { class: "near", r: 4, visibility: "hidden" }),
    spots = svg("g");
  curves.append(moved, scrub, past);
  dots.append(spots, here, near);
  const drawing = new Map(); // for each branch: its curve, its drawing, and their stamps
  let width = 180,
    framed = "",
    lined = "",
    ordered = "";

  function axes(low, high, last, right, bottom, x, y) {
    const levels = log
      ? Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i)
      : ticks(low, high, 4);
    const epochs = ticks(0, last, Math.max(2, Math.min(10, Math.floor(width / 45)))).filter(Number.isInteger);
    frame.replaceChildren(
      ...levels.flatMap((v) => [
        svg("line", { x1: LEFT, x2: right, y1: y(v), y2: y(v), class: "grid" }),
        Object.assign(svg("text", { x: LEFT - 8, y: y(v) + 4, "text-anchor": "end" }), { textContent: short(v) }),
      ]),
      ...epochs.map((v) =>
        Object.assign(svg("text", { x: x(v), y: bottom + 24, "text-anchor": "middle" }), { textContent: v }),
      ),
      svg("line", { x1: LEFT, x2: right, y1: bottom, y2: bottom, class: "axis" }),
      Object.assign(svg("text", { x: LEFT - 10, y: bottom + 24, "text-anchor": "end", class: "unit" }), {
        textContent: "epoch",
      }),
    );
  }

  // The values of the curve under the pointer.
  function value(across, down) {
    let found = null;
    for (const branch of page.store.state.branches) {
      const curve = drawing.get(branch.name)?.curve ?? [];
      for (const [k, kind] of [[1, "training"], [2, "validation"]])
        for (const p of curve) {
          if (!known(p[k])) continue;
          const [x, y] = [scaleOf.x(p[0]), scaleOf.y(p[k])],
            far = Math.hypot(x - across, Math.min(Math.max(y, TOP), scaleOf.bottom) - down);
          if (far < 26 && far < (found?.far ?? Infinity)) found = { far, x, y, branch, kind, p, v: p[k] };
        }
    }
    return found;
  }
  function unhover() {
    if (near.getAttribute("visibility") === "visible") tip.hidden = true;
    near.setAttribute("visibility", "hidden");
  }
  function hover(event) {
    if (!scaleOf || marks.contains(event.target)) return;
    const from = paper.getBoundingClientRect(),
      found = value(event.clientX - from.left, event.clientY - from.top);
    if (!found) return unhover();
    const { branch, kind, p, v } = found,
      several = page.store.state.branches.length > 1 ? `, ${branch.name}` : "";
    const attributes = { cx: found.x, cy: Math.min(Math.max(found.y, 5), scaleOf.bottom), style: `--c: ${page.color(branch)}` };
    for (const [k, v] of Object.entries({ ...attributes, visibility: "visible" })) near.setAttribute(k, v);
    tip.replaceChildren(make("b", {}, `${kind} ${fixed(v)}`), ` at epoch ${p[0].toFixed(2)}${several}`);
    tip.hidden = false;
    tip.style.bottom = `${Math.min(Math.max(scaleOf.height - found.y + 12, 36), scaleOf.height - 24)}px`;
    aim(found.x);
  }
  const paper = picture.parentNode;
  paper.addEventListener("pointermove", hover);
  paper.addEventListener("pointerleave", unhover);

  function trace(points, k, x, y) {
    let pen = "",
      text = "";
    for (const p of points) {
      if (!known(p[k])) {
        if (k !== 2 && !known(p[2])) pen = "";
        continue;
      }
      text += `${pen || "M"}${x(p[0]).toFixed(1)} ${y(p[k]).toFixed(1)}`;
      pen = "L";
    }
    return text;
  }

  // In two pieces: the older one stays the same for `TIP` points, so that the browser paints a strip, not the whole.
  function stroke([behind, tip], points, k, x, y, dash, scaled) {
    const last = Math.max(points.length - 1, 0),
      cut = last - (last % TIP),
      key = JSON.stringify([scaled, dash, cut, points[0], points[cut]]);
    if (behind.dataset.key !== key) {
      behind.dataset.key = key;
      set(behind, "d", trace(points.slice(0, cut + 1), k, x, y));
      for (const path of [behind, tip]) set(path, "stroke-dasharray", dash);
      set(tip, "stroke-dashoffset", dash && behind.getTotalLength());
    }
    set(tip, "d", trace(points.slice(cut), k, x, y));
  }

  function draw(branch, one, now, x, y, bottom, jagged, scaled) {
    const { curve } = one,
      ends = curve.filter((p) => known(p[2])),
      style = `--c: ${page.color(branch)}`,
      dash = DASHES[branch.color % DASHES.length];
    if (!one.group) {
      one.gap = svg("path", { class: "gap" });
      one.paths = Object.fromEntries(
        ["raw", "training", "validation"].map((k) => [k, [svg("path", { class: k }), svg("path", { class: k })]]),
      );
      one.group = svg("g", {}, one.gap, ...Object.values(one.paths).flat());
      one.beyond = svg("path", { class: "beyond" });
      one.spots = svg("g", {}, svg("path", { class: "rim" }), svg("path", { class: "spot" }), one.beyond);
    }
    for (const group of [one.group, one.spots]) {
      set(group, "style", style);
      set(group, "class", now ? "now" : "past");
    }
    const between =
      now && ends.length > 1 ? curve.filter((p) => known(p[1]) && p[0] >= ends[0][0] && p[0] <= ends.at(-1)[0]) : [];
    set(
      one.gap,
      "d",
      between.length ? `${trace(between, 1, x, y)}L${trace(ends.toReversed(), 2, x, y).slice(1)}Z` : "",
    );
    stroke(one.paths.raw, now && jagged ? curve : [], 3, x, y, "", scaled);
    stroke(one.paths.training, curve, 1, x, y, dash, scaled);
    stroke(one.paths.validation, ends, 2, x, y, dash, scaled);
    const seen = ends.length > 60 ? [] : ends.filter((p) => y(p[2]) >= 0 && y(p[2]) <= bottom);
    // lines of length zero with round ends: one node for all dots
    const spots = seen.map((p) => `M${x(p[0]).toFixed(1)} ${y(p[2]).toFixed(1)}h0`).join("");
    for (const path of [...one.spots.children].slice(0, 2)) set(path, "d", spots);
    // an arrow at the upper edge where a validation lies above the picture
    const above = ends.filter((p) => y(p[2]) < 0).map((p) => `M${(x(p[0]) - 4).toFixed(1)} 9l4 -7l4 7Z`);
    set(one.beyond, "d", above.slice(-60).join(" "));
  }

  function measure() {
    width = Math.max(node.clientWidth, 180);
  }

  function update() {
    const { store } = page,
      { state } = store;
    const metric = state.metric ?? "accuracy",
      title = at ? (NAMES[metric] ?? metric) : "loss";
    const last = extent(state.epochs, Math.max(0, ...[...store.points.values()].map((p) => p.at(-1)?.[0] ?? 0)));
    for (const name of drawing.keys()) if (!state.branches.some((b) => b.name === name)) drawing.delete(name);
    for (const branch of state.branches) {
      const made = stamp(store, branch),
        one = drawing.get(branch.name) ?? {};
      if (one.made !== made) Object.assign(one, { made, curve: line(store, branch, at) });
      drawing.set(branch.name, one);
    }
    const [low, high] = limits(
      [...drawing.values()].map((one) => one.curve),
      drawing.get(state.branch)?.curve ?? [],
      at,
      metric,
      log,
    );
    const height = page.small ? 122 : width < 340 ? 190 : 232,
      right = width - RIGHT,
      bottom = height - BOTTOM;
    const x = (v) => LEFT + (v / last) * (right - LEFT);
    const part = (v) =>
      log ? Math.log(Math.max(v, low * 1e-3) / low) / Math.log(high / low) : (v - low) / (high - low || 1);
    const y = (v) => Math.min(Math.max(bottom - part(v) * (bottom - TOP), -400), height + 400);
    const scaled = JSON.stringify([low, high, last, width, log]);
    if (scaled !== framed) {
      framed = scaled;
      for (const [k, v] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) set(picture, k, v);
      marks.style.top = `${bottom + 1}px`;
      picture.parentNode.style.height = `${height}px`;
      for (const [k, v] of Object.entries({ x: LEFT, y: 0, width: right - LEFT + RIGHT, height: bottom + 1 }))
        area.setAttribute(k, v);
      axes(low, high, last, right, bottom, x, y);
      here.removeAttribute("cx");
      unhover();
    }
    scaleOf = { x, y, bottom, height };

    const found = merged(store, last),
      lines = found.filter((m) => m[0] === state.branch).map((m) => x(m[1]).toFixed(1)),
      key = `${lines} ${bottom}`;
    if (key !== lined)
      moved.replaceChildren(...lines.map((x) => svg("line", { x1: x, x2: x, y1: TOP, y2: bottom, class: "move" })));
    lined = key;
    const scrubbed = known(store.scrub) ? x(store.scrub) : -99;
    for (const [k, v] of Object.entries({ x1: scrubbed, x2: scrubbed, y1: 0, y2: bottom })) set(scrub, k, v);

    const order = [...state.branches].sort((a, b) => (a.name === state.branch) - (b.name === state.branch));
    for (const branch of order) {
      const now = branch.name === state.branch,
        one = drawing.get(branch.name),
        drawn = `${one.made} ${scaled} ${now}`;
      const jagged = !at || high - low > 0.2; // near 1, single batches jump from edge to edge
      if (one.drawn !== drawn) draw(branch, one, now, x, y, bottom, jagged, scaled);
      one.drawn = drawn;
    }
    const names = JSON.stringify(order.map((b) => [b.name, b.color]));
    if (names !== ordered || past.childElementCount !== order.length) {
      past.replaceChildren(...order.map((b) => drawing.get(b.name).group));
      spots.replaceChildren(...order.map((b) => drawing.get(b.name).spots));
    }
    ordered = names;

    const branch = state.branches.find((b) => b.name === state.branch),
      curve = branch ? drawing.get(branch.name).curve : [];
    // after going back, the present is before the end of the curve; points may come a little before the state
    const present = state.epoch + (state.rewound ? 1e-6 : 1),
      reached = curve.filter((p) => p[0] <= present),
      head = reached.findLast((p) => known(p[1])),
      best = reached.findLast((p) => known(p[2]));
    const pair = best && reached.findLast((p) => known(p[1]) && p[0] <= best[0] + 1e-9),
      gap = pair ? Math.abs(pair[1] - best[2]) : null;
    set(here, "visibility", head ? "visible" : "hidden");
    if (head)
      for (const [k, v] of Object.entries({
        cx: x(head[0]).toFixed(1),
        cy: Math.min(Math.max(y(head[1]), 5), bottom).toFixed(1),
        style: `--c: ${page.color(branch)}`,
      }))
        set(here, k, v);
    [head?.[1], best?.[2], gap].forEach((v, i) => put(values[i], fixed(v)));
    const scores = `training ${fixed(head?.[1])}, validation ${fixed(best?.[2])}, gap ${fixed(gap)}`;
    set(picture, "aria-label", `${title} over epochs, ${state.branch ?? ""}: ${scores}`);
    page.said[at] = `${title}: ${scores}.`;
    put(name, title);
    place(found, x);
  }
  return { node, update, measure };
}

// ---- the whole chart: two plots, and what their signs mean

function chart(page) {
  const plots = [plot(page, 0), plot(page, 1)];
  const legend = make("ul", { class: "legend", "aria-label": "branches" }),
    summary = make("div", { class: "summary", role: "status" });
  const sample = (width, ...shapes) => svg("svg", { width, height: 10, "aria-hidden": "true" }, ...shapes);
  const line = (attributes) => svg("path", { d: "M1 5H25", ...attributes });
  const key = make(
    "span",
    { class: "key", "aria-hidden": "true" },
    sample(26, line({ class: "training" })),
    "training",
    sample(26, line({ class: "validation" }), svg("circle", { cx: 13, cy: 5, r: 3, class: "end" })),
    "validation",
    sample(18, svg("rect", { width: 18, height: 10, class: "gap" })),
    "gap",
    sample(10, svg("path", { d: "M5 1L9 9H1Z", class: "moved" })),
    "slider moved",
  );
  const node = make(
    "div",
    { class: "hackbook-chart", role: "group", "aria-label": "training run" },
    make("div", { class: "plots" }, ...plots.map((p) => p.node)),
    make("div", { class: "foot" }, legend, key),
    summary,
  );
  let told = "",
    listed = "";

  function list({ branches, branch }) {
    const entries = JSON.stringify([branches.map((b) => [b.name, b.color]), branch]);
    if (entries === listed) return;
    listed = entries;
    legend.replaceChildren(
      ...branches.map((b) => {
        const now = b.name === branch ? { "aria-current": "true" } : {},
          dashes = { "stroke-dasharray": DASHES[b.color % DASHES.length] };
        const name = make("span", { title: b.name }, b.name);
        const item = make("li", now, sample(26, line({ class: "validation", ...dashes })), name);
        item.style.setProperty("--c", page.color(b));
        return item;
      }),
    );
  }

  function tell({ branches, branch, epoch, epochs, status, rewound }) {
    const moment = `${Math.floor(epoch)} ${status} ${branch} ${rewound}`; // read aloud once per epoch
    if (moment === told) return;
    told = moment;
    const last = page.store.marks.at(-1);
    const change = last ? ` Last change: ${words(last[2])} ${short(last[3])} from epoch ${last[1].toFixed(2)}.` : "";
    const place = `epoch ${Math.floor(epoch)} of ${epochs}, branch ${branch ?? ""} of ${branches.length}`;
    summary.textContent = `${status ?? ""}, ${place}. ${page.said.join(" ")}${change}`;
  }

  return {
    node,
    measure() {
      for (const p of plots) p.measure();
    },
    update() {
      for (const p of plots) p.update();
      list(page.store.state);
      tell(page.store.state);
    },
  };
}
