// The timeline, the clock and the params protocol.

const FPS = 30;
/** One beat at 100 a minute; every scene lasts a whole number of them. */
const BEAT = 0.6;
const DURATION = 30;

const PLACEHOLDER = {
  name: 'Alex',
  year: 2026,
  saved: 4200,
  monthlySpending: [900, 760, 1020, 880, 1150, 990, 1380, 1610, 940, 870, 1080, 1490],
  favourite: 'Corner Bakery',
  favouriteVisits: 52,
  places: ['Lisbon', 'Vienna', 'Oslo'],
  cardPayments: 640,
  goalPercent: 80,
  goalName: 'Rainy day fund',
  savingsChangePercent: 12,
  personality: 'gardener',
};

const BEATS = [
  ['year', 3, createYear],
  ['hello', 4, createHello],
  ['saved', 5, createSaved],
  ['months', 6, createMonths],
  ['favourite', 5, createFavourite],
  ['places', 5, createPlaces],
  ['payments', 5, createPayments],
  ['goal', 4, createGoal],
  ['change', 4, createChange],
  ['personality', 5, createPersonality],
  ['sign-off', 4, createSignOff],
];

let begun = 0;
const scenes = BEATS.map(([id, beats, create]) => {
  const length = Math.round(beats * BEAT * FPS) / FPS;
  const start = begun;
  begun = Math.round((start + length) * FPS) / FPS;
  const section = document.getElementById(`scene-${id}`);
  return { start, length, section, brand: id === 'sign-off' ? null : createBrand(section), ...create(length) };
});

function createBrand(section) {
  const brand = document.createElement('div');
  brand.className = 'brand';
  const mark = svg(brand, 'svg', { viewBox: '0 0 48 48' });
  svg(mark, 'path', { d: 'M8 29a16 16 0 0 1 32 0z' });
  svg(mark, 'rect', { x: 2, y: 33, width: 44, height: 4, rx: 2 });
  svg(mark, 'rect', { x: 12, y: 41, width: 24, height: 4, rx: 2 });
  const word = document.createElement('span');
  word.textContent = 'morrow';
  brand.append(word);
  section.append(brand);
  return brand;
}

let drawn = [];

/**
 * Draws one moment. The whole document, hidden parts included, depends on `t` and the current params only: a scene that is not on
 * screen stands at its nearer end. (Chromium's raster of what is visible can change by a shade with styles on what is not.)
 */
function draw(t) {
  scenes.forEach(({ start, length, section, brand, draw: show }, i) => {
    const next = scenes[i + 1];
    const isOn = (i === 0 || t >= start - 1e-4) && (next === undefined || t < next.start - 1e-4);
    section.classList.toggle('on', isOn);
    const local = Math.round(Math.min(length, Math.max(0, t - start)) * 1e6) / 1e6;
    if (drawn[i] === local) return;
    drawn[i] = local;
    if (brand !== null) {
      const seen = EASE.gentle(span(local, 0.3, 0.25)) * (1 - EASE.gentle(span(local, length - 0.45, 0.15)));
      brand.style.opacity = num(seen);
    }
    show(local);
  });
}

function setScenes(params) {
  for (const scene of scenes) scene.set?.(params);
  drawn = [];
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

// GSAP's translate3d makes a compositor layer that lives as long as the tween: pixels would depend on where the last seek came from.
gsap.config({ force3D: false });

/** All movement is functions of the time (see scenes/): the timeline only tells them the time. */
function choreograph() {
  const tl = gsap.timeline({ paused: true });
  tl.fromTo(clock, { now: 0 }, { now: DURATION, duration: DURATION, ease: 'none' }, 0);
  return tl;
}

/** Loads what the texts of `params` are set in: a fallback script's font is decoded only when a text needs it. */
async function loadFonts(params) {
  const texts = [params.name, params.favourite, params.goalName, ...params.places].join(' ').normalize('NFC');
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const copy = 'Aa0';
  const displays = KANA.test(texts) ? ['--display', '--display-ja'] : ['--display'];
  await Promise.all([
    ...displays.map((name) => document.fonts.load(`800 100px ${variable(name)}`, `${texts}…$0123456789,%+−${copy}`)),
    document.fonts.load(`800 100px ${variable('--text')}`, copy),
    document.fonts.load(`600 100px ${variable('--text')}`, copy),
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

// Nothing may be captured before the first params are set: HyperFrames waits while this flag is up, until the event.
window.__hfTimelinesBuilding = true;
setScenes(PLACEHOLDER);
window.__timelines = window.__timelines ?? {};
window.__timelines['year-in-review'] = choreograph();
applyParams(window.__hfVariables).finally(() => {
  window.__hfTimelinesBuilding = false;
  window.dispatchEvent(new Event('hf-timelines-built'));
});
