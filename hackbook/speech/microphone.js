// A microphone in a notebook: what is recorded, or a file, goes to the kernel as samples and comes back as a prediction.

const SILENT = "The kernel does not answer. Wait until the running cell has finished; after a restart, run this cell again.";
const DENIED = "The browser does not give this page a microphone: allow it, open the notebook by https or on this machine, or choose a file.";

// One channel of a recording, by the browser's own decoder.
async function samples(content) {
  const context = new AudioContext();
  try {
    const sound = await context.decodeAudioData(content);
    const mono = new Float32Array(sound.length);
    for (let c = 0; c < sound.numberOfChannels; c++) sound.getChannelData(c).forEach((v, i) => { mono[i] += v / sound.numberOfChannels; });
    return { mono, rate: sound.sampleRate };
  } finally { context.close(); }
}

function wave(canvas, mono) {
  [canvas.width, canvas.height] = [300, 60];
  const context = canvas.getContext("2d"), each = Math.max(1, Math.floor(mono.length / canvas.width));
  context.fillStyle = getComputedStyle(canvas).color;
  for (let i = 0; i < canvas.width; i++) {
    let top = 0;
    for (let k = i * each; k < Math.min(mono.length, (i + 1) * each); k++) top = Math.max(top, Math.abs(mono[k]));
    context.fillRect(i, 30 - 29 * Math.min(1, top), 1, Math.max(1, 58 * Math.min(1, top)));
  }
}

function render({ model, el }) {
  const { names, seconds, threshold } = model.get("about");
  const guess = make("p", { class: "guess" }), sureness = make("p", { class: "sureness" }), problem = make("div", { class: "problem", role: "alert" });
  const status = make("div", { class: "status", role: "status" }), picture = make("canvas", { class: "wave", role: "img", "aria-label": "the recording" });
  const player = make("audio", { controls: "" }), chart = bars(names), counted = make("span", {});
  const right = make("select", { "aria-label": "the right class" }, ...names.map((name, i) => make("option", { value: i }, shortened(name))));
  let recorder = null, stream = null, timer = 0, slow = 0, link = "";

  const tool = (text, act) => {
    const node = make("button", { type: "button" }, text);
    node.addEventListener("click", act);
    return node;
  };
  function send(message, buffers) {
    clearTimeout(slow);
    slow = setTimeout(() => put(problem, SILENT), 3000);
    try { model.send(message, undefined, buffers); } catch { put(problem, SILENT); }   // the kernel was restarted
  }
  async function hear(blob) {
    let found;
    try { found = await samples(await blob.arrayBuffer()); } catch { return put(problem, "The browser cannot read this as a sound; choose another file."); }
    wave(picture, found.mono);
    URL.revokeObjectURL(link);
    player.src = link = URL.createObjectURL(blob);
    send({ rate: found.rate }, [found.mono.buffer]);
  }
  const silence = () => stream?.getTracks().forEach((track) => track.stop());
  async function record() {
    if (recorder?.state === "recording") return recorder.stop();
    put(problem, "");
    try { stream = await navigator.mediaDevices.getUserMedia({ audio: true }); } catch { return put(problem, DENIED); }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      clearTimeout(timer);
      silence();
      put(start, "Record");
      hear(new Blob(parts, { type: recorder.mimeType }));
    });
    recorder.start();
    put(start, "Stop");
    put(sureness, `Speak now: ${seconds.toFixed(1)} seconds.`);
    timer = setTimeout(() => { if (recorder.state === "recording") recorder.stop(); }, 1000 * seconds);
  }
  const start = tool("Record", record), file = make("input", { type: "file", accept: "audio/*", "aria-label": "a sound file" });
  file.addEventListener("change", () => { if (file.files.length) hear(file.files[0]); });
  const keep = tool("Keep as", () => send({ keep: Number(right.value) }));
  function draw() {
    const { outputs, kept, trouble, turn } = model.get("page");
    clearTimeout(slow);
    put(problem, trouble);
    chart.update(outputs);
    keep.disabled = !outputs;
    put(counted, kept ? `${kept} kept for training` : "");
    if (!outputs) {
      put(guess, "");
      put(sureness, "Record a word, and the network predicts.");
    } else {
      const found = verdict(outputs, names, threshold);
      guess.replaceChildren(found.sure ? named(found.name) : found.name);
      put(sureness, found.note);
      put(status, found.words);
      right.value = found.best;
    }
    panel.dataset.turn = turn;
  }
  const panel = make("div", { class: "hackbook-sketch hackbook-recorder", role: "group", "aria-label": "Speak to the network" },
    make("div", {}, make("div", { class: "tools" }, start, file), picture, player, make("div", { class: "tools" }, keep, right, counted)),
    make("div", {}, guess, sureness, chart.list, problem, status));
  const unshield = shield(panel);
  model.on("change:page", draw);
  el.append(panel);
  draw();
  return () => { clearTimeout(slow); clearTimeout(timer); silence(); URL.revokeObjectURL(link); model.off("change:page", draw); unshield(); };
}

export default { render };
