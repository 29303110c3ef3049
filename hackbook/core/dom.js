// What the scripts of all panels share; `core.script` puts it before each of them.
// Data reaches a page as text or as pixels, never as HTML.

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}
function icon(path) {
  return svg("svg", { viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" }, svg("path", { d: path }));
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
const words = (hyperparameter) => hyperparameter.replaceAll("_", " ").replaceAll("/", ", ");
const unique = () => `hackbook-${crypto.getRandomValues(new Uint32Array(1))[0]}`;

// Keep Jupyter's shortcuts off a panel (d d would delete the cell), before Notebook 7 takes the keys. Gives the way back.
const plain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);
function shield(panel) {
  const quiet = (event) => {
    if (panel.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", plain(event));
  };
  window.addEventListener("keydown", quiet, true);
  return () => window.removeEventListener("keydown", quiet, true);
}

// Call `update` in the next frame of a fixed clock: what arrives together is drawn together.
function paced(update) {
  let asked = 0,
    frame = 0;
  const soon = () => {
    asked ||= setTimeout(
      () => {
        frame = requestAnimationFrame(() => {
          asked = 0;
          update();
        });
      },
      30 - (performance.now() % 30),
    );
  };
  const stop = () => {
    clearTimeout(asked);
    cancelAnimationFrame(frame);
  };
  return { soon, stop };
}
