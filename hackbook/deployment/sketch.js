// A pad to draw on, the picture that a network sees of a drawing, and bars per class: for the page and for the panel.
// Names of classes reach the page as text, never as HTML.

const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const INK = 16;   // subpixels per pixel and direction, over which ink is averaged

// Trace a stroke; its end is moved a little, since browsers draw nothing for a line without length.
function trace(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  const [x, y] = points.at(-1);
  context.lineTo(x + 0.01, y);
  context.stroke();
}

// Draw strokes, lists of [x, y] in pixels of the picture, with a round pen `wide`; gives the alpha of each subpixel.
function stroked(strokes, height, width, wide, place) {
  const fine = Math.max(1, Math.min(INK, Math.floor(1024 / Math.max(height, width))));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * fine, height * fine];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = wide * fine;
  for (const stroke of strokes) trace(context, stroke.map((point) => place(point).map((v) => v * fine)));
  return { fine, alpha: context.getImageData(0, 0, canvas.width, canvas.height).data };
}

// The ink per pixel, 0 to 1, and its center of mass.
function averaged({ fine, alpha }, height, width) {
  const ink = new Float32Array(height * width);
  let mass = 0, x = 0, y = 0;
  for (let i = 0; i < alpha.length / 4; i++) {
    const a = alpha[4 * i + 3] / 255;
    if (!a) continue;
    const column = i % (width * fine), row = Math.floor(i / (width * fine));
    ink[Math.floor(row / fine) * width + Math.floor(column / fine)] += a / fine ** 2;
    [mass, x, y] = [mass + a, x + a * (column + 0.5), y + a * (row + 0.5)];
  }
  return { ink, center: [x / mass / fine, y / mass / fine] };
}

// A drawing as training pictures are: its longer side fills `box` of the picture, its center of mass lies in the middle.
// Strokes are lists of [x, y] from 0 to 1. Without `box` the drawing stays where it is.
function inked(strokes, [height, width], { box, pen }) {
  const wide = pen * Math.min(height, width) * (box ?? 1);
  const drawn = strokes.map((stroke) => stroke.map(([x, y]) => [x * width, y * height]));
  if (!drawn.length) return new Float32Array(height * width);
  if (!box) return averaged(stroked(drawn, height, width, wide, (p) => p), height, width).ink;
  const ends = [0, 1].map((k) => drawn.flat().map((p) => p[k])).map((v) => [v.reduce((a, b) => Math.min(a, b)), v.reduce((a, b) => Math.max(a, b))]);
  const middle = ends.map(([low, high]) => (low + high) / 2), sizes = ends.map(([low, high]) => high - low);
  const room = [width, height].map((side) => side * box - wide);
  const scale = Math.min(...sizes.map((size, k) => room[k] / Math.max(size, 1e-3)), 16);
  const tiny = Math.max(...sizes) < 0.04 * Math.max(height, width);   // a dot stays one
  const factor = tiny ? 1 : scale;
  const at = (shift) => ([x, y]) => [(x - middle[0]) * factor + width / 2 + shift[0], (y - middle[1]) * factor + height / 2 + shift[1]];
  const first = averaged(stroked(drawn, height, width, wide, at([0, 0])), height, width);
  const shift = [width, height].map((side, k) => {
    const free = Math.max(0, (side - sizes[k] * factor - wide) / 2);
    return clamp(side / 2 - first.center[k], -free, free);
  });
  return averaged(stroked(drawn, height, width, wide, at(shift)), height, width).ink;
}

// A canvas to draw on with mouse, pen or finger; `changed` is called while drawing.
function pad([height, width], pen, label, changed) {
  const side = 640, canvas = make("canvas", { class: "pad", role: "img", "aria-label": label });
  [canvas.width, canvas.height] = width >= height ? [side, Math.round((side * height) / width)] : [Math.round((side * width) / height), side];
  const context = canvas.getContext("2d");
  let strokes = [], drawing = null;
  function draw() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = 0.55 * pen * Math.min(canvas.width, canvas.height);
    context.strokeStyle = getComputedStyle(canvas).color;
    for (const stroke of strokes) trace(context, stroke.map(([x, y]) => [x * canvas.width, y * canvas.height]));
    canvas.classList.toggle("empty", !strokes.length);
  }
  function replace(next) {
    strokes = next;
    draw();
    changed(strokes);
  }
  function add(event) {
    const frame = canvas.getBoundingClientRect();
    const place = (e) => [clamp((e.clientX - frame.left) / frame.width, 0, 1), clamp((e.clientY - frame.top) / frame.height, 0, 1)];
    const several = event.getCoalescedEvents?.() ?? [];
    drawing.push(...(several.length ? several : [event]).map(place));
    draw();
    changed(strokes);
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || drawing) return;
    event.preventDefault();
    canvas.setPointerCapture?.(event.pointerId);
    strokes.push((drawing = []));
    add(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (drawing) add(event); });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(end, () => { drawing = null; });
  draw();
  return { canvas, draw, clear: () => replace([]), undo: () => replace(strokes.slice(0, -1)), replace };
}

const asPercent = (p) => (p > 0.9995 ? ">99.9%" : p < 0.0005 ? "0%" : `${(100 * p).toFixed(p < 0.0995 || p > 0.9895 ? 1 : 0)}%`);
const shortened = (name, most = 80) => (name.length > most ? `${[...name.slice(0, most)].slice(0, -1).join("")}…` : name);
const named = (name) => make("bdi", { title: shortened(name, 300) }, shortened(name, 160));

// One bar per class in the order of the classes; of many classes the most probable, in their order.
function bars(names, most = 12) {
  const list = make("ol", { class: "bars", "aria-label": "probability per class" });
  const rows = names.slice(0, most).map(() => {
    const row = { name: make("span", { class: "name" }), bar: make("span", { class: "bar" }), value: make("span", { class: "value" }) };
    row.node = make("li", {}, row.name, make("span", { class: "track", "aria-hidden": "true" }, row.bar), row.value);
    list.append(row.node);
    return row;
  });
  function update(probabilities) {
    const p = probabilities ?? names.map(() => 0);
    const best = [...names.keys()].sort((a, b) => p[b] - p[a]);
    const shown = names.length > most ? best.slice(0, most) : [...names.keys()];
    rows.forEach((row, i) => {
      const k = shown[i];
      if (row.shows !== k) row.name.replaceChildren(named(names[k]));
      row.shows = k;
      row.bar.style.width = `${100 * p[k]}%`;
      put(row.value, probabilities ? asPercent(p[k]) : "");
      row.node.classList.toggle("best", Boolean(probabilities) && k === best[0]);
    });
  }
  update(null);
  return { list, update };
}

// Paint numbers from `low` to `high` as a picture of its own pixels.
function paint(canvas, numbers, [height, width, channels = 1], low, high) {
  [canvas.width, canvas.height] = [width, height];
  const picture = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = (255 * (numbers[i * channels + (channels === 3 ? c : 0)] - low)) / (high - low || 1);
    picture.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// The prediction in words: a name and how sure, or a number with its unit.
function verdict(probabilities, names, threshold, unsure = "not sure") {
  const best = probabilities.indexOf(Math.max(...probabilities));
  const sure = probabilities[best] >= threshold;
  const said = `${shortened(names[best])}, ${asPercent(probabilities[best])}`;
  return { best, sure, name: sure ? names[best] : unsure, words: sure ? said : `${unsure}: perhaps ${said}`, note: sure ? asPercent(probabilities[best]) : `perhaps ${said}` };
}
