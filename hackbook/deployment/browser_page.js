// The page of a demo: it unpacks ONNX Runtime Web and the network from itself, and predicts while somebody draws. Nothing is sent.

const facts = JSON.parse(document.getElementById("facts").textContent);
const ARRAYS = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array };

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}
// What a block of the page holds; the block is emptied, for it is large.
function block(id) {
  const node = document.getElementById(id), bytes = bytesOf(node.textContent.trim());
  node.remove();
  return bytes;
}
async function unzipped(bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// The network ------------------------------------------------------------------------------------------------------------------------------

async function begin() {
  const address = URL.createObjectURL(new Blob([block("engine")], { type: "text/javascript" }));
  const ort = await import(address);
  URL.revokeObjectURL(address);
  Object.assign(ort.env.wasm, { wasmBinary: await unzipped(block("wasm")), numThreads: 1, proxy: false });
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(await unzipped(block("network")), { executionProviders: ["wasm"] });
  return { ort, session };
}

function softmax(logits) {
  const most = Math.max(...logits), powers = logits.map((v) => Math.exp(v - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / total);
}
// What the network gives, as `run.predict` shows it: logits become probabilities, and the temperature acts.
function finished(outputs) {
  if (!facts.classes.length) return outputs;
  const p = facts.logits ? softmax(outputs) : outputs;
  return facts.temperature ? softmax(p.map((v) => Math.log(Math.max(v, 1e-30)) / facts.temperature)) : p;
}

const loaded = begin();
// One example as a flat list of numbers, in the type and range of training → probabilities, or one number.
async function predict(numbers) {
  const { ort, session } = await loaded;
  const { type } = session.inputMetadata[0], size = facts.shape.reduce((a, b) => a * b, 1);
  const flat = Array.from(numbers).flat(Infinity);
  if (flat.length !== size) throw Error(`one example must be ${size} numbers, got ${flat.length}`);
  const own = type === "int64" ? BigInt64Array.from(flat, (v) => BigInt(Math.round(v))) : ARRAYS[type].from(flat);
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, own, [1, ...facts.shape]) });
  return finished(Array.from(results[session.outputNames[0]].data, Number));
}

// What is shown ----------------------------------------------------------------------------------------------------------------------------

const [height, width, channels = 1] = facts.shape;
const ranged = (v) => (facts.whole ? even(v) : v);
const scaled = (ink) => Array.from(ink, (v) => ranged(facts.low + (facts.high - facts.low) * (facts.drawing?.dark ? 1 - v : v)));
const guess = make("p", { class: "guess" }), sureness = make("p", { class: "sureness" }), live = make("p", { class: "hidden", role: "status", "aria-live": "polite" });
const problem = make("p", { class: "problem", role: "alert" }), speed = make("span", { class: "speed" });
const seen = make("canvas", { class: "seen", role: "img", "aria-label": "what the network sees" });
const chart = facts.classes.length ? bars(facts.classes) : null;
const times = [];
let waiting = null, latest = null, busy = false, saying = 0;

function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => put(live, text), 500);
}
function nothing(words) {
  waiting = latest = null;
  clearTimeout(saying);
  put(live, "");
  put(guess, "");
  put(sureness, words);
  chart?.update(null);
}
function told(outputs) {
  if (!chart) {
    const value = Number(outputs[0].toPrecision(4)), words = `${value} ${facts.unit}`.trim();
    put(guess, words);
    say(words);
    return;
  }
  const found = verdict(outputs, facts.classes, facts.threshold);
  guess.replaceChildren(found.sure ? named(found.name) : found.name);
  guess.classList.toggle("word", found.name.length > 4);
  guess.classList.toggle("long", found.name.length > 12);
  guess.classList.toggle("unsure", !found.sure);
  put(sureness, found.note);
  chart.update(outputs);
  say(found.words);
}
// Predict what came last; what came before while the network was busy is left out, and so is what was cleared meanwhile.
async function look(numbers) {
  waiting = latest = numbers;
  if (busy) return;
  busy = true;
  try {
    while (waiting) {
      const now = waiting, since = performance.now();
      waiting = null;
      const outputs = await predict(now);
      times.push(performance.now() - since);
      if (times.length > 50) times.shift();
      if (now === latest) told(outputs);
      const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
      put(speed, `${median < 1 ? median.toFixed(2) : median.toFixed(1)} ms per prediction`);
    }
    put(problem, "");
  } catch (error) {
    put(problem, error.message);
  } finally {
    busy = false;
  }
}
function lookAt(numbers) {
  if (facts.kind === "image") paint(seen, numbers, facts.shape, facts.low, facts.high);
  look(numbers);
}

// What is asked for ------------------------------------------------------------------------------------------------------------------------

const button = (text, act, more = {}) => {
  const node = make("button", { type: "button", ...more }, text);
  node.addEventListener("click", act);
  return node;
};
const exampleOf = ({ numbers }) => Array.from(new (facts.bytes ? Uint8Array : Float32Array)(bytesOf(numbers).buffer));

function pictures() {
  const drawing = facts.drawing, invert = make("input", { type: "checkbox", id: "invert" });
  const check = make("label", { class: "check", for: "invert" }, invert, drawing?.dark ? "light on dark: invert it" : "dark on light paper: invert it");
  show(check, false);
  const start = drawing ? "Draw, upload a picture, or choose an example." : "Upload a picture, or choose an example.";
  let frame = 0, bytes = null;
  const sheet = drawing && pad(facts.shape, drawing.pen, "A pad to draw on. By keyboard: upload a picture or choose an example.", (strokes) => {
    cancelAnimationFrame(frame);
    if (!strokes.length) return empty();
    frame = requestAnimationFrame(() => lookAt(scaled(inked(strokes, facts.shape, drawing))));
  });
  function empty() {
    bytes = null;
    show(check, false);
    paint(seen, new Array(height * width * channels).fill(drawing?.dark ? facts.high : facts.low), facts.shape, facts.low, facts.high);
    nothing(start);
  }
  function uploaded() {
    const own = bytes && Array.from(bytes, (v) => (invert.checked ? 255 - v : v));
    if (own) lookAt(facts.raw ? own : own.map((v) => ranged(facts.low + ((facts.high - facts.low) * v) / 255)));
  }
  async function take(file) {
    if (!file) return;
    try {
      const found = await pictureIn(file, facts.shape, channels);
      sheet?.clear();
      bytes = found;
      show(check, true);
      uploaded();
    } catch (error) {
      put(problem, error.message);
    }
  }
  const input = make("input", { type: "file", accept: "image/*", id: "file" });
  input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  invert.addEventListener("change", uploaded);
  const place = make("div", { class: "place" }, ...(sheet ? [sheet.canvas, make("p", { class: "here", "aria-hidden": "true" }, "draw here")] : [make("p", { class: "drop" }, "Drop a picture here")]));
  for (const name of ["dragover", "drop"]) place.addEventListener(name, (event) => { event.preventDefault(); if (name === "drop") take(event.dataTransfer.files[0]); });
  const shown = facts.examples.map((example) => {
    const small = make("canvas", { "aria-hidden": "true" }), numbers = exampleOf(example);
    paint(small, numbers, facts.shape, facts.low, facts.high);
    const node = button("", () => { sheet?.clear(); bytes = null; show(check, false); lookAt(numbers); }, { class: "example" });
    node.append(small, make("span", {}, example.name ? named(example.name) : ""));
    return make("li", {}, node);
  });
  if (sheet) matchMedia("(prefers-color-scheme: dark)").addEventListener("change", sheet.draw);
  empty();
  return [[place, make("div", { class: "tools" }, ...(sheet ? [button("Clear", () => { sheet.clear(); }), button("Undo", sheet.undo)] : []),
    make("label", { class: "upload", for: "file" }, "Upload a picture", input), check)],
    shown.length ? [make("h2", {}, "Or choose an example"), make("ul", { class: "examples" }, ...shown)] : []];
}

const numbersIn = (text) => (text.match(/[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?/gi) ?? []).map(Number);
const ends = (i) => [facts.low, facts.high].map((end) => (Array.isArray(end) ? end[i] : end));
// A short row has a field per number, a long one is drawn as a curve.
function rows() {
  const size = facts.shape.reduce((a, b) => a * b, 1), short = size <= 40;
  const names = Array.from({ length: size }, (_, i) => facts.features?.[i] ?? `number ${i + 1}`);
  const fields = short ? names.map((_, i) => make("input", { type: "number", step: "any", id: `field${i}` })) : [];
  const far = make("p", { class: "far" }), line = svg("polyline", { fill: "none", "vector-effect": "non-scaling-stroke" });
  const pasted = make("textarea", { rows: short ? 2 : 7, id: "paste", spellcheck: "false" });
  function use(numbers) {
    const complete = numbers.length === size && numbers.every(Number.isFinite);
    const words = numbers.length === size ? "Every field needs a number." : `${size} numbers are needed, these are ${numbers.length}.`;
    put(problem, complete ? "" : words);
    if (!complete) return nothing("");
    const outside = names.filter((_, i) => { const [low, high] = ends(i); return numbers[i] > 2 * high - low || numbers[i] < 2 * low - high; });
    put(far, outside.length ? `Far outside of training: ${outside.slice(0, 6).map((name) => shortened(name, 40)).join(", ")}` : "");
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    set(line, "points", numbers.map((v, i) => `${(400 * i) / Math.max(size - 1, 1)},${98 - (96 * (v - low)) / (high - low || 1)}`).join(" "));
    look(numbers);
  }
  function choose(numbers) {
    if (short) fields.forEach((field, i) => { field.value = String(Number(numbers[i].toPrecision(6))); });
    else pasted.value = numbers.map((v) => Number(v.toPrecision(6))).join(" ");
    use(numbers);
  }
  for (const field of fields) field.addEventListener("input", () => use(fields.map((f) => (f.value === "" ? NaN : Number(f.value)))));
  pasted.addEventListener("input", () => {
    const numbers = numbersIn(pasted.value);
    if (short && numbers.length === size) choose(numbers);
    else use(numbers);
  });
  const table = names.map((name, i) => make("div", { class: "field" }, make("label", { for: `field${i}` }, named(name)), fields[i],
    make("small", {}, `${Number(ends(i)[0].toPrecision(4))} to ${Number(ends(i)[1].toPrecision(4))}`)));
  const shown = facts.examples.map((example, i) => make("li", {}, button(example.name ? shortened(example.name, 40) : `example ${i + 1}`, () => choose(exampleOf(example)))));
  setTimeout(() => choose(facts.start));
  return [[...(short ? [make("div", { class: "fields" }, ...table)] : [svg("svg", { class: "line", viewBox: "0 0 400 100", preserveAspectRatio: "none", "aria-hidden": "true" }, line)]),
    make("label", { for: "paste" }, short ? "Or paste a row of numbers" : `Paste ${size} numbers${facts.shape.length > 1 ? `: ${facts.shape[0]} steps of ${facts.shape[1]}` : ""}`), pasted, far],
    shown.length ? [make("h2", {}, "Or choose an example"), make("ul", { class: "examples words" }, ...shown)] : []];
}

const given = make("section", { class: "given", "aria-label": facts.kind === "image" ? "picture" : "numbers" });
const result = make("section", { class: "result", "aria-label": "prediction" }, guess, sureness, ...(chart ? [chart.list] : []));
if (chart && facts.classes.length > 12) result.append(make("p", { class: "many" }, `the 12 most probable of ${facts.classes.length.toLocaleString("en")} classes`));
const sight = facts.kind === "image" ? [make("strong", {}, "What the network sees"), make("span", {}, `${height} × ${width} pixels${channels === 3 ? " in color" : ""}`)] : [];
result.append(make("div", { class: "sight" }, ...(sight.length ? [seen] : []), make("div", {}, ...sight, speed)), problem, live);
const more = make("section", { class: "more", "aria-label": "examples" });
document.querySelector("main").append(given, result, more);
put(sureness, "The network is being unpacked …");
document.body.dataset.state = "loading";
window.hackbookDemo = { facts, predict, look: lookAt, ink: (strokes) => scaled(inked(strokes, facts.shape, facts.drawing)), read: (file) => pictureIn(file, facts.shape, channels).then((v) => Array.from(v)), times };
loaded.then(async () => {
  for (let i = 0; i < 3; i++) await predict(facts.start);   // the first ones take longer
  const [own, examples] = facts.kind === "image" ? pictures() : rows();
  given.append(...own);
  more.append(...examples);
  show(more, examples.length);
  document.body.dataset.state = "ready";
}).catch((error) => {
  put(sureness, "");
  put(problem, `The network could not be started: ${error.message}. A browser of 2024 or newer is needed.`);
  document.body.dataset.state = "failed";
});
