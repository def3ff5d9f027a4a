// The timeline, the clock and the params protocol.

const PLACEHOLDER = {
  language: 'en',
  currency: 'USD',
  name: 'Alex',
  month: '2026-03',
  moneyIn: 310000,
  moneyOut: 248000,
  categories: [
    { name: 'Home', amount: 120000 },
    { name: 'Food', amount: 68000 },
    { name: 'Travel', amount: 60000 },
  ],
  balances: [90000, 310000, 260000, 240000, 190000, 152000],
  insight: 'You kept 20 % of what came in.',
};
const DURATION = CUTS[CUTS.length - 1];

const field = createField();
const scenes = [createHello(), createFlow(), createSpending(), createBalance(), createInsight(), createSignOff()];
const sections = Array.from(document.querySelectorAll('.scene'));
let drawn = [];

/**
 * Draws one moment. The whole document, hidden parts included, depends on `t` and the current params only: a scene that is not on
 * screen stands at its nearer end. (Chromium's raster of what is visible can change by a shade with styles on what is not.)
 */
function draw(t) {
  const last = scenes.length - 1;
  let current = 0;
  while (current < last && t + 1e-4 >= CUTS[current + 1]) current++;
  sections.forEach((section, i) => {
    section.classList.toggle('on', i === current);
  });
  field(t, current);
  scenes.forEach((scene, i) => {
    const length = CUTS[i + 1] - CUTS[i];
    const local = i < current ? length : i > current ? 0 : Math.max(0, t - CUTS[i]);
    if (drawn[i] === local) return;
    drawn[i] = local;
    scene.draw(local);
  });
}

// A property that GSAP sets is called at every seek, even at those that suppress callbacks; onUpdate is not.
const clock = {
  time: 0,
  get now() {
    return this.time;
  },
  set now(t) {
    this.time = t;
    draw(t);
  },
};

const bed = document.getElementById('bed');
const voice = document.getElementById('voice');

function setScenes(params) {
  const { language } = params;
  document.documentElement.lang = language;
  document.getElementById('stage').dir = language === 'ar' ? 'rtl' : 'ltr';
  const { voice: spoken } = LANGUAGES[language];
  if (spoken) voice.setAttribute('src', bed.getAttribute('src').replace('bed', `voice-${language}`));
  else voice.removeAttribute('src');
  // Below a voice the music steps back.
  bed.dataset.volume = spoken ? '0.26' : '0.4';
  for (const scene of scenes) scene.set(params);
  ruler.clear();
  drawn = [];
}

/** Loads what the texts of `params` are set in: a script's font is decoded only when a text needs it. */
async function loadFonts(params) {
  const root = getComputedStyle(document.documentElement);
  const texts = [params.name, params.insight, ...params.categories.map(({ name }) => name)].join(' ');
  const formats = formatsOf(params.language, params.currency);
  const copy = `${Object.values(LANGUAGES[params.language]).join(' ')} ${formats.money(-1234567890)} ${formats.share(0.5)} ${formats.day(params.month, 1)} Aa0 morrow`;
  const load = (weight, family) =>
    document.fonts.load(`${weight} 100px ${root.getPropertyValue(family)}`, `${texts} ${copy}`);
  const japanese = KANA.test(texts);
  await Promise.all([
    load(800, '--display'),
    load(600, '--text'),
    load(800, '--text'),
    ...(japanese ? [load(800, '--display-ja'), load(600, '--text-ja')] : []),
  ]);
  await document.fonts.ready;
}

async function setParams(given) {
  const params = { ...PLACEHOLDER, ...given };
  await loadFonts(params);
  setScenes(params);
  draw(clock.time);
}

let pending = Promise.resolve();
const applyParams = (params) => {
  pending = pending.then(() => setParams(params));
  return pending;
};

window.addEventListener('message', (event) => {
  if (event.data?.type !== 'hf-params') return;
  applyParams(event.data.params).then(() => window.dispatchEvent(new Event('hf-params-ready')));
});

// GSAP's translate3d makes a compositor layer that lives as long as the tween: pixels would depend on where the last seek came from.
gsap.config({ force3D: false });

// Nothing may be captured before the first params are set: HyperFrames waits while this flag is up, until the event.
window.__hfTimelinesBuilding = true;
setScenes(PLACEHOLDER);
window.__timelines = window.__timelines ?? {};
window.__timelines.statement = gsap
  .timeline({ paused: true })
  .fromTo(clock, { now: 0 }, { now: DURATION, duration: DURATION, ease: 'none' }, 0);
applyParams(window.__hfVariables).finally(() => {
  window.__hfTimelinesBuilding = false;
  window.dispatchEvent(new Event('hf-timelines-built'));
});
