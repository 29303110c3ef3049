// A deck: reveal.js on a screen, a page on a phone and for printing, and a window for the speaker.
// ?notes shows the notes below each slide, ?print-pdf all slides below one another, ?speaker the notes alone.
const root = document.documentElement;
const asked = new URLSearchParams(location.search);
const narrow = matchMedia('(max-width: 640px)');
const printing = asked.has('print-pdf') || asked.get('view') === 'print';
const sections = [...document.querySelectorAll('.slides > section')];
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
const heading = (section) => section.querySelector('h1, h2').textContent;

// smaller letters where a text is longer than its sheet
const spills = (box) => box.scrollWidth > box.clientWidth + 1 || (box.scrollHeight > box.clientHeight + 1 && !box.matches('.value'));
function fit() {
  root.classList.add('measuring');
  for (const sheet of document.querySelectorAll('.sheet')) {
    const boxes = [sheet, ...sheet.querySelectorAll('.body:not(:has(.replay)), .column, .number .value')];
    for (let size = 1; size > .36; size -= .04) {
      sheet.style.setProperty('--fit', size);
      if (!boxes.some(spills)) break;
    }
  }
  root.classList.remove('measuring');
}

function element(name, type, ...children) {
  const made = Object.assign(document.createElement(name), { className: type });
  made.append(...children);
  return made;
}

// the speaker's window: what to say, the slide, the next one, and the time
function speaker() {
  root.classList.add('speaker');
  const time = element('b', ''), plan = element('span', ''), again = element('button', '', 'Restart the clock');
  const say = element('div', 'say'), shown = element('div', 'shown'), next = element('p', 'next');
  const desk = element('div', 'desk', element('div', 'clock', time, plan, again), say, element('div', '', shown, next));
  document.querySelector('main').prepend(desk);
  let start = Date.now(), place = 0;
  const show = (i) => {
    place = Math.min(Math.max(i, 0), sections.length - 1);
    const until = sections.slice(0, place + 1).reduce((sum, s) => sum + Number(s.dataset.seconds || 0), 0);
    plan.textContent = `slide ${place + 1} of ${sections.length}, to be told by ${clock(until)}`;
    say.replaceChildren(...sections[place].querySelector('.notes').cloneNode(true).childNodes);
    shown.replaceChildren(sections[place].querySelector('.sheet').cloneNode(true));
    next.textContent = place + 1 < sections.length ? `Next: ${heading(sections[place + 1])}` : 'The last slide.';
  };
  const tick = () => { time.textContent = clock((Date.now() - start) / 1000); };
  const steps = { ArrowRight: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, PageUp: -1 };
  again.addEventListener('click', () => { start = Date.now(); tick(); });
  addEventListener('keydown', (event) => {
    const step = event.target === again ? 0 : steps[event.key];
    if (!step) return;
    event.preventDefault();
    show(place + step);
    opener?.postMessage({ hackbook: 'go', place }, '*');
  });
  addEventListener('message', (event) => { if (event.source === opener && event.data?.hackbook === 'at') show(event.data.place); });
  opener?.postMessage({ hackbook: 'ready' }, '*');
  show(0);
  tick();
  setInterval(tick, 250);
}

// reveal.js, with the speaker's window on S and light or dark on D
async function present() {
  root.classList.replace('flat', 'deck');
  let desk = null;
  const at = () => desk?.postMessage({ hackbook: 'at', place: Reveal.getIndices().h }, '*');
  const open = () => { desk = window.open(`${location.href.split(/[?#]/)[0]}?speaker`, 'hackbook-speaker', 'width=1100,height=720'); };
  const shade = () => {
    const dark = root.style.colorScheme ? root.style.colorScheme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.style.colorScheme = dark ? 'light' : 'dark';
  };
  addEventListener('message', (event) => {
    if (!desk || event.source !== desk) return;
    if (event.data?.hackbook === 'go') Reveal.slide(event.data.place);
    at();
  });
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: .1, maxScale: 5, center: false, hash: true, controlsTutorial: false,
    transition: calm ? 'none' : 'fade', scrollActivationWidth: null, viewDistance: 99, mobileViewDistance: 99,
  });
  Reveal.on('slidechanged', at);
  Reveal.addKeyBinding({ keyCode: 83, key: 'S', description: 'Speaker notes in a window' }, open);
  Reveal.addKeyBinding({ keyCode: 68, key: 'D', description: 'Light or dark' }, shade);
}

async function begin() {
  await Promise.all(['400', '600'].map((weight) => document.fonts.load(`${weight} 30px "Source Sans Pro"`)));
  for (const section of sections) {
    const seconds = section.dataset.seconds;
    if (seconds) section.querySelector('.notes').dataset.time = `${seconds} seconds`;
  }
  fit();
  narrow.addEventListener('change', () => location.reload());
  if (asked.has('speaker')) speaker();
  else if (asked.has('notes')) root.classList.add('with-notes');
  else if (!printing && !narrow.matches) await present();
  root.classList.add('ready');
}
begin();
