// Draw boxes around what is on photos, by mouse, finger or keyboard. Each change goes to the kernel, which stores it.
// Names of classes and files reach the page as text, never as HTML.

const SILENT = "The kernel does not answer yet. Boxes are stored as soon as the running cell has finished; after a restart, run this cell again.";
const KEYS = [
  ["drag", "a new box; two fingers move the photo"],
  ["click", "choose the box there; once more: the one below"],
  ["Enter", "a new box in the middle"],
  ["1 – 9", "class of the chosen box, and of new ones"],
  ["← ↑ → ↓", "move the box; without one: the photo"],
  ["Shift + arrows", "change the width and height"],
  ["S, Shift + S", "next and previous box"],
  ["Delete, Backspace", "delete the box"],
  ["U, Ctrl + Z", "undo"],
  ["N, P, Page ↓ ↑", "next and previous photo"],
  ["0", "nothing on this photo"],
  ["Esc", "choose no box, to draw inside of one"],
  ["+, −, F", "zoom in, out, and to fit"],
];
const PROPOSALS = ["A", "accept the dashed box, or all if none is chosen; Delete rejects it"];
const SIDES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const TALL = 560;   // pixels of the page that a photo takes at most
const limit = (v, low, high) => Math.min(Math.max(v, low), high);
const many = (n, one, more) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

// Send one message after the other; the kernel answers each with a page. `answered` gives whether none is left.
function queue(model, problem) {
  const waiting = [];
  let sent = false, slow = 0;
  const silent = () => put(problem, SILENT);
  function next() {
    if (sent || !waiting.length) return;
    sent = true;
    slow = setTimeout(silent, 3000);
    try { model.send(waiting.shift()); } catch { silent(); }   // the kernel was restarted
  }
  return {
    tell(message) {
      const last = waiting.at(-1);
      if (last && last.do === message.do && message.do !== "undo" && (message.do === "show" || last.at === message.at)) waiting.pop();
      waiting.push(message);
      next();
    },
    answered() {
      clearTimeout(slow);
      sent = false;
      const free = !waiting.length;
      next();
      return free;
    },
    stop: () => clearTimeout(slow),
  };
}

function render({ model, el }) {
  const { title, names, colors, proposes } = model.get("about");
  const status = make("div", { class: "status", role: "status" }), problem = make("div", { class: "problem", role: "alert" });
  const talk = queue(model, problem);
  let photo = {}, page = {}, items = [], chosen = null, kind = 0, zoom = 1, drag = null, goal = 0, arrows = "";

  const button = (text, label, act) => {
    const node = make("button", { type: "button", title: label }, text);
    if (label !== text) node.setAttribute("aria-label", label);
    node.addEventListener("click", () => { if (node.getAttribute("aria-disabled") !== "true") act(); });
    return node;
  };
  const tools = {
    previous: button("‹ Previous", "Previous photo", () => go(-1)), next: button("Next ›", "Next photo", () => go(1)),
    add: button("New box", "New box", add), remove: button("Delete", "Delete the box", remove), undo: button("Undo", "Undo", undo),
    nothing: button("Nothing here", "Nothing here", nothing), accept: button("Accept", "Accept proposed boxes", accept),
    out: button("−", "Zoom out", () => scale(1 / 1.5)), fit: button("Fit", "Zoom to fit", () => scale(0)), in: button("+", "Zoom in", () => scale(1.5)),
  };
  const kinds = names.map((name, k) => {
    const node = button("", name, () => classify(k));
    node.replaceChildren(make("i", { style: `background:${colors[k].paint}` }), make("bdi", {}, name), ...(k < 9 ? [make("kbd", { "aria-hidden": "true" }, String(k + 1))] : []));
    return node;
  });
  const image = make("img", { alt: "", draggable: "false" }), layer = make("div", { class: "layer" });
  const guide = make("dl", { id: unique() }, ...[...KEYS, ...(proposes ? [PROPOSALS] : [])].map(([key, does]) => make("div", {}, make("dt", {}, key), make("dd", {}, does))));
  const stage = make("div", { class: "stage", tabindex: "0", role: "application", "aria-describedby": guide.id }, image, layer);
  const view = make("div", { class: "view" }, stage), lost = make("p", { class: "lost" }), note = make("span", { class: "note" });
  const list = make("ol", { "aria-label": "boxes of this photo" }), about = make("p", { class: "about" });
  const bar = (label, ...nodes) => make("div", { class: "bar", role: "group", "aria-label": label }, ...nodes);
  const panel = make("div", { class: "hackbook-panel hackbook-boxes", role: "group", "aria-label": title },
    make("div", { class: "head" }, make("strong", {}, title), note),
    bar("classes", ...kinds),
    make("div", { class: "body" }, make("div", { class: "main" }, view, lost,
      bar("photos and boxes", tools.previous, tools.next, tools.add, tools.remove, tools.undo, tools.nothing, ...(proposes ? [tools.accept] : []),
        make("span", { class: "zoom" }, tools.out, tools.fit, tools.in))),
      make("div", { class: "side" }, about, list)),
    make("details", {}, make("summary", {}, "Keys"), guide), problem, status);

  const say = (text) => put(status, text);
  const size = () => [photo.width, photo.height];
  const longer = () => Math.max(...size());
  const step = () => Math.max(0.5, Math.round(longer() / zoom / 200));
  const proposed = (item) => known(item.id);
  const item = () => items[chosen];
  const round = (v, most) => Number(limit(v, 0, most).toFixed(2));
  const rounded = (box) => box.map((v, k) => round(v, size()[k % 2]));
  const told = ({ box: [l, t, r, b], kind: k }) => `${names[k]}, left ${Math.round(l)}, top ${Math.round(t)}, ${Math.round(r - l)} × ${Math.round(b - t)} pixels`;

  // Tell the kernel what is on the photo now. `merge`: one more step of the same kind, which one undo takes back.
  function store(merge = false, empty = false) {
    const boxes = items.filter((i) => !proposed(i)).map((i) => [...i.box, i.kind]);
    const kept = items.filter(proposed).map((i) => i.id);
    talk.tell({ do: "put", at: photo.at, boxes: boxes.length || empty ? boxes : null, kept, merge });
    page.labeled = boxes.length > 0 || empty;
    draw();
  }
  // A proposal that is changed is accepted; boxes stand before proposals, as they will in the answer.
  function keep(it) {
    delete it.id;
    delete it.score;
    items = [...items.filter((i) => !proposed(i)), ...items.filter(proposed)];
    chosen = items.indexOf(it);
  }
  function go(by) {
    const to = limit(goal + by, 0, photo.of - 1);
    if (to === goal) return say(by < 0 ? "This is the first photo." : "This is the last photo.");
    goal = to;
    talk.tell({ do: "show", at: to });
  }
  function undo() {
    chosen = null;
    talk.tell({ do: "undo" });
    say("undone");
  }
  function choose(k) {
    chosen = k;
    if (known(k)) kind = item().kind;
    draw();
    say(known(k) ? `box ${k + 1} of ${items.length}: ${told(item())}` : "no box chosen");
  }
  function insert(box) {
    const it = { box: rounded(box), kind, id: null };
    items.push(it);
    keep(it);
    store();
    say(`new box: ${told(it)}`);
  }
  // The middle of what is seen of the photo, as fractions of it.
  function middle() {
    const all = stage.getBoundingClientRect(), seen = view.getBoundingClientRect();
    const x = Math.max(all.left, seen.left) + Math.min(all.right, seen.right), y = Math.max(all.top, seen.top) + Math.min(all.bottom, seen.bottom);
    return [(x / 2 - all.left) / all.width, (y / 2 - all.top) / all.height];
  }
  function add() {
    if (!photo.source) return;
    const [w, h] = size(), [x, y] = middle();
    const half = [w / 8, h / 8].map((v, k) => v * Math.min(1, (k ? view.clientHeight / stage.clientHeight : view.clientWidth / stage.clientWidth) || 1));
    let box = moved([0, 0, 2 * half[0], 2 * half[1]], x * w - half[0], y * h - half[1]);
    while (items.some((i) => Math.abs(i.box[0] - box[0]) + Math.abs(i.box[1] - box[1]) < 0.1) && Math.max(box[2] / w, box[3] / h) < 0.99) box = moved(box, 4 * step(), 4 * step());
    insert(box);
  }
  function remove() {
    if (!known(chosen)) return say("Choose a box first: S, or a click.");
    const [gone] = items.splice(chosen, 1);
    chosen = null;
    store();
    say(`${names[gone.kind]} deleted, ${many(items.length, "box", "boxes")} left`);
  }
  function classify(k) {
    kind = k;
    if (known(chosen)) {
      item().kind = k;
      keep(item());
      store();
    } else draw();
    say(known(chosen) ? `box ${chosen + 1} is ${names[k]}` : `new boxes are ${names[k]}`);
  }
  function nothing() {
    if (items.some((i) => !proposed(i))) return say("There are boxes: delete them first.");
    items = [];
    chosen = null;
    store(false, !page.labeled);
    say(page.labeled ? "nothing on this photo" : "not labeled yet");
  }
  function accept() {
    const some = known(chosen) && proposed(item()) ? [item()] : items.filter(proposed);
    if (!some.length) return say("There is no proposed box.");
    for (const it of some) keep(it);
    store();
    say(`${many(some.length, "box", "boxes")} accepted`);
  }
  const moved = (box, x, y) => {
    const [w, h] = size(), dx = limit(x, -box[0], w - box[2]), dy = limit(y, -box[1], h - box[3]);
    return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
  };
  // The box with one side or corner pulled; it may be pulled over the opposite one.
  function pulled(box, side, x, y) {
    const next = [...box];
    if (side.includes("w")) next[0] += x;
    if (side.includes("e")) next[2] += x;
    if (side.includes("n")) next[1] += y;
    if (side.includes("s")) next[3] += y;
    return [Math.min(next[0], next[2]), Math.min(next[1], next[3]), Math.max(next[0], next[2]), Math.max(next[1], next[3])];
  }
  function nudge(key, larger) {
    const by = step(), x = { ArrowLeft: -by, ArrowRight: by }[key] ?? 0, y = { ArrowUp: -by, ArrowDown: by }[key] ?? 0;
    if (!known(chosen)) return view.scrollBy(x / by * 40, y / by * 40);
    const it = item(), [l, t, r, b] = it.box;
    const next = larger ? [l, t, Math.max(r + x, l + Math.min(by, r - l)), Math.max(b + y, t + Math.min(by, b - t))] : moved(it.box, x, y);
    const same = `${chosen} ${larger} ${photo.at}`, merge = arrows === same && !proposed(it);
    it.box = rounded(next);
    keep(it);
    store(merge);
    arrows = same;
    say(told(it));
    nodes[chosen]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  function scale(factor) {
    if (!photo.source) return;
    const at = known(chosen) ? [0, 1].map((k) => (item().box[k] + item().box[k + 2]) / 2 / size()[k]) : middle();
    zoom = factor ? limit(zoom * factor, 1, 16) : 1;
    stage.style.setProperty("--zoom", zoom);
    view.scrollTo(at[0] * stage.clientWidth - view.clientWidth / 2, at[1] * stage.clientHeight - view.clientHeight / 2);
    say(zoom === 1 ? "The whole photo is shown." : `${zoom.toFixed(1)} times as large`);
    draw();
  }

  // Mouse, pen and fingers.
  const fingers = new Map();
  const place = (event) => {
    const frame = stage.getBoundingClientRect();
    return [((event.clientX - frame.left) / frame.width) * photo.width, ((event.clientY - frame.top) / frame.height) * photo.height];
  };
  const inside = (box, [x, y]) => box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3];
  const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || !photo.source) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    stage.setPointerCapture?.(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size > 1) {
      if (drag?.before) item().box = drag.before;
      drag = null;
      return draw();
    }
    const from = place(event), side = event.target.dataset?.side;
    const does = side ? "pull" : known(chosen) && inside(item().box, from) ? "move" : "draw";
    drag = { does, side, from, box: null, before: does === "draw" ? null : item().box, x: event.clientX, y: event.clientY, far: false };
  });
  stage.addEventListener("pointermove", (event) => {
    if (fingers.size > 1 && fingers.has(event.pointerId)) {
      const [x, y] = fingers.get(event.pointerId);
      view.scrollBy((x - event.clientX) / 2, (y - event.clientY) / 2);
    }
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (!drag) return;
    drag.far ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 3;
    if (!drag.far) return;
    const to = place(event), by = [to[0] - drag.from[0], to[1] - drag.from[1]];
    if (drag.does === "draw") {
      drag.box = rounded(pulled([...drag.from, ...drag.from], "se", ...by));
      rubber.hidden = false;
      fit(rubber, drag.box);
    } else {
      item().box = rounded(drag.does === "move" ? moved(drag.before, ...by) : pulled(drag.before, drag.side, ...by));
      fit(nodes[chosen], item().box);
    }
  });
  function drop(event) {
    fingers.delete(event.pointerId);
    const done = drag;
    drag = null;
    rubber.hidden = true;
    if (!done) return;
    if (!done.far) {
      if (!done.side) pick(done.from);
    } else if (event.type !== "pointerup") {
      if (done.before) item().box = done.before;
      draw();
    } else if (done.does === "draw") {
      if (flat(done.box)) say("Too small for a box.");
      else insert(done.box);
    } else if (flat(item().box)) {
      item().box = done.before;
      draw();
    } else {
      keep(item());
      store();
      say(told(item()));
    }
  }
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, drop);
  const flat = (box) => Math.min(box[2] - box[0], box[3] - box[1]) < Math.min(1, (4 * photo.width) / stage.clientWidth);
  // The smallest box there; where it is chosen already, the next larger one.
  function pick(at) {
    const there = items.map((i, k) => [i, k]).filter(([i]) => inside(i.box, at)).sort((a, b) => area(a[0]) - area(b[0])).map(([, k]) => k);
    choose(there.length ? there[(there.indexOf(chosen) + 1) % there.length] : null);
  }

  function pressed(event) {
    const { key, target } = event, on = target.closest("button, summary");
    if ((event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "z" && !event.shiftKey) undo();
    else if (!plain(event)) return;
    else {
      event.stopPropagation();
      if (on && (key === "Enter" || key === " ")) return;
      const cycle = (by) => { if (items.length) choose(known(chosen) ? (chosen + by + items.length) % items.length : by > 0 ? 0 : items.length - 1); };
      const acts = {
        Enter: add, Delete: remove, Backspace: remove, Escape: () => choose(null), 0: nothing, u: undo, a: accept, n: () => go(1), p: () => go(-1),
        PageDown: () => go(1), PageUp: () => go(-1), f: () => scale(0), "+": () => scale(1.5), "=": () => scale(1.5), "-": () => scale(1 / 1.5),
        s: () => cycle(event.shiftKey ? -1 : 1),
      };
      const act = acts[key.length === 1 ? key.toLowerCase() : key];
      if (key.startsWith("Arrow")) nudge(key, event.shiftKey);
      else if (/^[1-9]$/.test(key) && key <= names.length) classify(key - 1);
      else if (act) act();
      else return;
      if (!key.startsWith("Arrow")) arrows = "";
    }
    event.stopPropagation();
    event.preventDefault();
  }
  panel.addEventListener("keydown", pressed);
  panel.addEventListener("pointerdown", () => { arrows = ""; });

  // What is drawn: a node per box on the photo, and a line per box beside it.
  const rubber = make("div", { class: "rubber", hidden: "" });
  const nodes = [], lines = [];
  let wide = 500;   // pixels of the page that the photo takes; measured once per drawing
  stage.append(rubber);
  function fit(node, [l, t, r, b]) {
    const [w, h] = size();
    node.classList.toggle("small", Math.min(r - l, b - t) * wide < 44 * w);
    Object.assign(node.style, { left: `${(100 * l) / w}%`, top: `${(100 * t) / h}%`, width: `${(100 * (r - l)) / w}%`, height: `${(100 * (b - t)) / h}%` });
  }
  function more() {
    const k = nodes.length, node = make("div", { class: "box" }, make("span", {}), ...SIDES.map((side) => make("b", { "data-side": side })));
    const line = make("li", {}, button("", "", () => choose(k)));
    nodes.push(node);
    lines.push(line);
    layer.append(node);
    list.append(line);
  }
  function draw() {
    wide = stage.clientWidth || wide;
    while (nodes.length < items.length) more();
    if (list.contains(document.activeElement) && lines.indexOf(document.activeElement.parentElement) >= items.length) stage.focus({ preventScroll: true });
    nodes.forEach((node, k) => {
      const it = items[k];
      show(node, it);
      show(lines[k], it);
      if (!it) return;
      const { paint, ink } = colors[it.kind], name = names[it.kind];
      node.style.setProperty("--paint", paint);
      node.style.setProperty("--on", ink);
      node.className = `box${k === chosen ? " chosen" : ""}${proposed(it) ? " proposed" : ""}${it.box[1] < 0.06 * photo.height ? " high" : ""}`;
      fit(node, it.box);
      const score = proposed(it) ? ` ${it.score.toFixed(2)}` : "";
      put(node.firstChild, name + score);
      const line = lines[k].firstChild;
      put(line, `${name}${score}${proposed(it) ? "?" : ""}  ${Math.round(it.box[2] - it.box[0])} × ${Math.round(it.box[3] - it.box[1])}`);
      set(line, "aria-label", `${proposed(it) ? "proposed: " : ""}${told(it)}`);
      set(line, "title", name);
      set(line, "aria-pressed", k === chosen);
      line.style.setProperty("--paint", paint);
    });
    kinds.forEach((node, k) => set(node, "aria-pressed", k === kind));
    const boxes = items.filter((i) => !proposed(i)).length, some = known(chosen);
    put(about, boxes ? many(boxes, "box", "boxes") : page.labeled ? "Nothing on this photo." : "No box yet: drag over the photo, or press Enter.");
    put(note, `photo ${photo.at + 1} of ${photo.of}, ${page.done} labeled`);
    set(tools.previous, "aria-disabled", photo.at === 0);
    set(tools.next, "aria-disabled", photo.at === photo.of - 1);
    set(tools.add, "aria-disabled", !photo.source);
    set(tools.remove, "aria-disabled", !some);
    set(tools.undo, "aria-disabled", !page.undo);
    set(tools.nothing, "aria-disabled", boxes > 0 || !photo.source);
    set(tools.nothing, "aria-pressed", !boxes && Boolean(page.labeled));
    set(tools.accept, "aria-disabled", boxes === items.length);
    set(tools.out, "aria-disabled", zoom === 1);
    set(tools.fit, "aria-disabled", zoom === 1);
    set(tools.in, "aria-disabled", zoom === 16);
  }
  function arrive() {
    const free = talk.answered(), was = photo.at;
    photo = model.get("photo");
    const next = model.get("page");
    put(problem, next.trouble);
    if (was !== photo.at) {
      [chosen, zoom, drag, arrows] = [null, 1, null, ""];
      stage.style.setProperty("--zoom", 1);
      rubber.hidden = true;
      show(view, photo.source);
      put(lost, photo.problem);
      if (photo.source) image.src = photo.source;
      stage.style.setProperty("--ratio", photo.width / photo.height || 1);
      stage.style.setProperty("--tall", `${TALL}px`);
      image.classList.toggle("enlarged", longer() < 300);
      set(stage, "aria-label", `photo ${photo.name}`);
      stage.title = photo.name;
      if (known(was)) say(`photo ${photo.at + 1} of ${photo.of}: ${photo.name}, ${many(next.boxes.length, "box", "boxes")}`);
    }
    if (free && !drag) {
      page = { ...next };
      goal = photo.at;
      items = [...page.boxes.map(([l, t, r, b, k]) => ({ box: [l, t, r, b], kind: k })),
        ...page.proposed.map(([l, t, r, b, k, score, id]) => ({ box: [l, t, r, b], kind: k, score, id }))];
      if (!items[chosen]) chosen = null;
    }
    draw();
    panel.dataset.turn = next.turn;
  }

  const unshield = shield(panel);
  model.on("change:page", arrive);
  el.append(panel);
  arrive();
  return () => { talk.stop(); model.off("change:page", arrive); unshield(); };
}

export default { render };
