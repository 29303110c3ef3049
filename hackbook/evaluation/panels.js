// What the panels of evaluation share: a word with the kernel, and the words for a number of examples.
// Values from the data reach the page as text, or as the source of an image or a sound, never as HTML.

const SILENT = "The kernel does not answer. Wait until the running cell has finished; after a restart, run this cell again.";

// Tell Python something and wait for its page; what is asked for meanwhile is left out.
function teller(model, problem) {
  let slow = null;
  const silent = () => { problem.textContent = SILENT; };
  return {
    tell(message) {
      if (slow) return false;
      slow = setTimeout(silent, 1500);
      try { model.send(message); } catch { silent(); }   // the kernel was restarted
      return true;
    },
    heard(trouble = "") {
      clearTimeout(slow);
      slow = null;
      put(problem, trouble);
    },
  };
}

const counted = (n) => `${n.toLocaleString("en")} ${n === 1 ? "example" : "examples"}`;
const percent = (p) => (p >= 0.9995 ? ">99.9%" : `${(100 * p).toFixed(p < 0.99 ? 0 : 1)}%`);
