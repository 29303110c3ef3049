// A pad in a notebook: what is drawn goes to the kernel as the ink of each pixel, and comes back as a prediction.

const SILENT = "The kernel does not answer. Wait until the running cell has finished; after a restart, run this cell again.";

function render({ model, el }) {
  const { names, shape, drawing, threshold, unit } = model.get("about");
  const guess = make("p", { class: "guess" }), sureness = make("p", { class: "sureness" }), problem = make("div", { class: "problem", role: "alert" });
  const status = make("div", { class: "status", role: "status" }), seen = make("canvas", { class: "seen", role: "img", "aria-label": "what the network sees" });
  const chart = names.length ? bars(names) : null;
  let waiting = null, sent = false, slow = 0, frame = 0, saying = 0;

  function send() {
    if (sent || !waiting) return;
    sent = true;
    clearTimeout(slow);
    slow = setTimeout(() => put(problem, SILENT), 3000);
    const ink = waiting;
    waiting = null;
    try { model.send({ ink }); } catch { put(problem, SILENT); }   // the kernel was restarted
  }
  const sheet = pad(shape, drawing.pen, "A pad to draw on", (strokes) => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      waiting = strokes.length ? Array.from(inked(strokes, shape, drawing), (v) => Number(v.toFixed(4))) : [];
      send();
    });
  });
  const tool = (text, act) => {
    const node = make("button", { type: "button" }, text);
    node.addEventListener("click", act);
    return node;
  };
  function draw() {
    const { outputs, ink, trouble } = model.get("page");
    clearTimeout(slow);
    sent = false;
    put(problem, trouble);
    paint(seen, ink ?? new Array(shape[0] * shape[1]).fill(Number(drawing.dark)), shape.slice(0, 2), 0, 1);
    chart?.update(outputs);
    if (!outputs) {
      put(guess, "");
      put(sureness, "Draw, and the network predicts.");
    } else if (!chart) {
      put(guess, `${Number(outputs[0].toPrecision(4))} ${unit}`.trim());
    } else {
      const found = verdict(outputs, names, threshold);
      guess.replaceChildren(found.sure ? named(found.name) : found.name);
      put(sureness, found.note);
      clearTimeout(saying);
      saying = setTimeout(() => put(status, found.words), 500);
    }
    panel.dataset.turn = model.get("page").turn;
    send();
  }
  const panel = make("div", { class: "hackbook-sketch", role: "group", "aria-label": "Draw for the network" },
    make("div", {}, sheet.canvas, make("div", { class: "tools" }, tool("Clear", sheet.clear), tool("Undo", sheet.undo))),
    make("div", {}, guess, sureness, ...(chart ? [chart.list] : []),
      make("div", { class: "sight" }, seen, make("span", {}, `What the network sees: ${shape[0]} × ${shape[1]} pixels`)), problem, status));
  const unshield = shield(panel);
  model.on("change:page", draw);
  el.append(panel);
  sheet.draw();
  draw();
  return () => { clearTimeout(slow); model.off("change:page", draw); unshield(); };
}

export default { render };
