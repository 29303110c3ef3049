// Sliders for the code of a picture: the kernel decodes what they say, one message at a time, and the newest wins.

const SILENT = "The kernel does not answer. Wait until the running cell has finished; after a restart, run this cell again.";

const whole = (v, last) => Math.min(Math.max(Math.round(Number(v)) || 0, 0), last);

// Jupyter Server leaves Nagle's algorithm on: what follows the kernel's first word waits 40 ms for the browser to acknowledge it,
// unless the browser has more to say. So two messages may be unanswered; where nothing is new, the second moves nothing.
const OPEN = 2;
const AGAIN = 16; // milliseconds, after which the kernel has usually said that it is busy

// Later changes of a slider replace those that wait, and go between two examples or reset replaces all.
function post(send, late) {
  let open = 0,
    waiting = null,
    clock = 0,
    more = 0;
  function out(message) {
    open += 1;
    clearTimeout(clock);
    clock = setTimeout(late, 3000);
    try {
      send(message);
    } catch {
      late(); // the kernel was restarted
    }
  }
  function go() {
    if (open >= OPEN || !waiting) return;
    const message = { ...waiting, moves: Object.entries(waiting.moves ?? {}).map(([n, v]) => [Number(n), v]) };
    waiting = null;
    clearTimeout(more);
    out(message);
    if (open < OPEN) more = setTimeout(() => out({ moves: [] }), AGAIN);
  }
  function stop() {
    clearTimeout(clock);
    clearTimeout(more);
  }
  return {
    tell(news) {
      const moves = { ...waiting?.moves, ...news.moves };
      waiting = news.moves ? { ...waiting, moves } : news;
      go();
    },
    heard() {
      open = Math.max(open - 1, 0);
      if (!open) stop();
      const newest = !open && !waiting;
      go();
      return newest;
    },
    stop,
  };
}

// RGBA bytes, as a canvas of as many pixels.
function paint(canvas, bytes, [height, width]) {
  if (bytes.byteLength !== 4 * height * width) return;
  const pixels = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
}

const drawn = (name) => make("canvas", { role: "img", "aria-label": name });

function tool(text, act) {
  const node = make("button", { type: "button" }, text);
  node.addEventListener("click", act);
  return node;
}

// A slider with its exact number, as in the panel of a training run; a double click is the mean.
function deviation(number, reach, tell) {
  const spec = { name: `number ${number}`, low: -reach, high: reach, scale: "linear", step: 0.05 };
  const own = slider(spec, (name, v, seq) => {
    tell(number, v);
    own.heard(true, v, seq); // how many messages are on their way is counted for all sliders together
  });
  own.node.addEventListener("dblclick", ({ target }) => {
    if (target.type !== "range") return;
    own.update(0);
    tell(number, 0);
  });
  return own;
}

function render({ model, el }) {
  const { numbers, size, examples, shape, reach } = model.get("about");
  const picture = drawn("the decoded picture"), ends = [drawn(""), drawn("")], last = examples - 1;
  const problem = make("div", { class: "problem", role: "alert" }), note = make("p", { class: "note" });
  const line = post((message) => model.send(message), () => put(problem, SILENT));
  const sliders = numbers.map((n) => deviation(n, reach, (number, v) => line.tell({ moves: { [number]: v } })));

  const share = make("input", { type: "range", min: 0, max: 100, step: 1, value: 0, class: "share" });
  const boxes = ["first", "second"].map((name) => make("input", { type: "number", min: 0, max: last, step: 1, "aria-label": `number of the ${name} example, 0 to ${last}` }));
  function between() {
    const pair = boxes.map((box) => whole(box.value, last));
    boxes.forEach((box, i) => { box.value = pair[i]; });
    share.style.setProperty("--part", share.value / 100);
    line.tell({ between: [...pair, share.value / 100] });
  }
  function another() {
    const first = Math.floor(Math.random() * examples);
    boxes[0].value = first;
    boxes[1].value = (first + 1 + Math.floor(Math.random() * last)) % examples;
    between();
  }
  share.addEventListener("input", between);
  for (const box of boxes) box.addEventListener("change", between);

  function draw() {
    const { deviations, pair, part, trouble, turn } = model.get("page");
    put(problem, trouble);
    paint(picture, model.get("pixels"), shape);
    if (line.heard()) {
      sliders.forEach((own, i) => own.update(deviations[i]));
      boxes.forEach((box, i) => { if (box !== document.activeElement) box.value = pair[i]; });
      if (known(part)) share.value = Math.round(100 * part);
      share.style.setProperty("--part", share.value / 100);
      panel.classList.toggle("aside", !known(part));
      share.setAttribute("aria-label", `from example ${pair[0]} to example ${pair[1]}`);
      const percent = `${share.value} % of the way`;
      share.setAttribute("aria-valuetext", known(part) ? percent : "the code is not between them");
    }
    panel.dataset.turn = turn;
  }
  function drawEnds() {
    const bytes = model.get("ends"), half = bytes.byteLength / 2, { pair } = model.get("page");
    ends.forEach((canvas, i) => {
      paint(canvas, new DataView(bytes.buffer, bytes.byteOffset + i * half, half), shape);
      canvas.setAttribute("aria-label", `example ${pair[i]}`);
    });
  }
  const more = size > numbers.length ? `The ${numbers.length} of ${size} numbers with the largest effect` : "The numbers of the code, the largest effect first";
  put(note, `${more}, in standard deviations from the mean. A double click on a slider sets it to the mean.`);
  const way = make("div", { class: "way" }, ...ends.map((canvas, i) => make("div", { class: "end" }, canvas, boxes[i])));
  way.firstChild.after(share);
  const panel = make("div", { class: "hackbook-walk", role: "group", "aria-label": "Walk through the code" },
    make("div", { class: "shown" }, picture, make("div", { class: "tools" }, tool("Reset", () => line.tell({ reset: true })))),
    make("div", {}, make("div", { class: "sliders" }, ...sliders.map((own) => own.node)), note,
      make("div", { class: "head" }, "From one example to another", tool("Another pair", another)), way, problem));
  const unshield = shield(panel);
  model.on("change:page", draw);
  model.on("change:ends", drawEnds);
  el.append(panel);
  drawEnds();
  draw();
  return () => {
    line.stop();
    model.off("change:page", draw);
    model.off("change:ends", drawEnds);
    unshield();
  };
}

export default { render };
