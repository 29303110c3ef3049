// A slider and its exact number.

const SENT = 2; // unanswered changes per slider: the newest waits, those between are left out

function number(v, spec) {
  if (v === 0 && spec?.off) return "off";
  const least =
    spec?.scale === "linear" && spec.step < 1 && Number.isInteger(Math.round((v / spec.step) * 1e6) / 1e6)
      ? (String(spec.step).split(".")[1] ?? "").length
      : 0;
  return least ? v.toFixed(least) : String(Number(v.toPrecision(6)));
}

function places(spec) {
  // the number of positions, and the value at each
  const { low, high, scale, step, off, whole, values } = spec;
  if (values) {
    const at = (v) => values.reduce((best, w, i) => (Math.abs(w - v) < Math.abs(values[best] - v) ? i : best), 0);
    return { n: Math.max(values.length - 1, 1), value: (i) => values[Math.min(i, values.length - 1)], at };
  }
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

// `say`: shows a sentence to the reader.
function slider(spec, send, say = () => {}) {
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
    if (!fits) {
      box.setAttribute("aria-invalid", "true");
      if (typing) say(`${title}: “${box.value.trim()}” is not a number; it stays ${number(now, spec)}, from ${least} to ${number(spec.high)}`);
    } else {
      box.removeAttribute("aria-invalid");
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

