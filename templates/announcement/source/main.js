// The params protocol, what the compositions share, and the timeline of the whole.

const PLACEHOLDER = {
  name: 'Alex Morgan',
  tier: 'dawn',
  headline: 'Something new for your pocket',
  benefit: 100,
  until: '2027-01-31',
};
const TIERS = { dawn: 'Dawn', noon: 'Noon', dusk: 'Dusk' };
const DURATION = 12;

const stage = document.getElementById('stage');
const hosts = Array.from(document.querySelectorAll('[data-composition-src]'));

/** A nested composition says how it takes params by `announcement.join`; params are shown when all of them have. */
const joined = new Map();
const animations = [];
const announcement = { join: () => undefined };
const complete = new Promise((resolve) => {
  announcement.join = (id, part) => {
    joined.set(id, part);
    if (joined.size === hosts.length) resolve();
  };
});

/** Puts one of the animations into `element`, on the timeline of the video. */
function loadAnimation(element, name) {
  element.classList.add('animation');
  const animation = lottie.loadAnimation({
    container: element,
    renderer: 'svg',
    loop: false,
    autoplay: false,
    animationData: ANIMATIONS[name],
  });
  window.__hfLottie = window.__hfLottie ?? [];
  window.__hfLottie.push(animation);
  animations.push(new Promise((resolve) => animation.addEventListener('DOMLoaded', resolve)));
}

const slab = createSlab();
// A property that GSAP sets is called at every seek, even at those that suppress callbacks; onUpdate is not.
const clock = {
  time: 0,
  get now() {
    return this.time;
  },
  set now(t) {
    this.time = t;
    slab(t);
  },
};

/** Loads what the texts of `params` are set in: a script's font is decoded only when a text needs it. */
async function loadFonts({ name, headline }) {
  const root = getComputedStyle(document.documentElement);
  const load = (weight, family, text) =>
    document.fonts.load(`${weight} 100px ${root.getPropertyValue(family)}`, `${text} Aa0$,`);
  await Promise.all([
    load(400, KANA.test(headline) ? '--display-ja' : '--display', headline),
    load(600, KANA.test(name) ? '--text-ja' : '--text', name),
    load(800, '--text', 'morrow'),
  ]);
  await document.fonts.ready;
}

async function setParams(given) {
  const params = { ...PLACEHOLDER, ...given };
  await Promise.all([complete, loadFonts(params)]);
  await Promise.all(animations);
  stage.dataset.tier = params.tier;
  for (const part of joined.values()) part.set(params);
  ruler.clear();
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
window.__timelines = window.__timelines ?? {};
window.__timelines.announcement = gsap
  .timeline({ paused: true })
  .fromTo(clock, { now: 0 }, { now: DURATION, duration: DURATION, ease: 'none' }, 0);
slab(0);
applyParams(window.__hfVariables).finally(() => {
  window.__hfTimelinesBuilding = false;
  window.dispatchEvent(new Event('hf-timelines-built'));
});
