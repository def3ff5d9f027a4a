// The timeline, the clock and the params protocol.

const PLACEHOLDER = { name: 'Alex', referralCount: 12, earnings: 340, nextMilestone: 15, milestoneReward: 50 };
const DURATION = 12;

const landscape = createLandscape();
const hello = createHello();
const friends = createFriends();
const earnings = createEarnings();
const milestone = createMilestone();
const sections = Array.from(document.querySelectorAll('.scene'));

const scenes = [hello, friends, earnings, milestone];
let drawn = [];
let landscapeAt;

/**
 * Draws everything that no tween draws, for one moment. The whole document, hidden parts included, depends on `t` and the current
 * params only: a scene that is not on screen stands at its nearer end. (Chromium's raster of what is visible can change by a shade
 * with styles on what is not.)
 */
function draw(t) {
  const current = Math.min(sections.length - 1, Math.floor((t + 1e-4) / CUT));
  sections.forEach((section, i) => section.classList.toggle('on', i === current));
  if (landscapeAt !== t) landscape(t);
  landscapeAt = t;
  scenes.forEach((scene, i) => {
    const local = i < current ? CUT : i > current ? 0 : Math.max(0, t - i * CUT);
    if (drawn[i] === local) return;
    drawn[i] = local;
    scene.draw(local);
  });
}

function setScenes(params) {
  for (const scene of scenes) scene.set(params);
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

function choreograph() {
  const tl = gsap.timeline({ paused: true });
  const at = (scene, t) => scene * CUT + t;
  const enter = (target, scene, t, from, to, duration = 0.9, ease = EASE.settle) =>
    tl.fromTo(target, from, { ...to, duration, ease }, at(scene, t));

  // Each element has at most one tween of a property: entrances inside, drifts around them, exits outermost.
  const leave = (id, scene, to) =>
    tl.fromTo(
      `${id} .exit`,
      { x: 0, y: 0, scale: 1, opacity: 1 },
      { ...to, opacity: 0, duration: 0.38, ease: EASE.leave },
      at(scene, 2.01),
    );
  const drift = (id, scene, from, to) =>
    tl.fromTo(`${id} .drift`, from, { ...to, duration: CUT, ease: 'none' }, at(scene, 0));

  drift('#scene-hello', 0, { scale: 1, x: 0 }, { scale: 1.025, x: -14 });
  enter('.lead', 0, 0.08, { yPercent: 110 }, { yPercent: 0 }, 0.8);
  enter('.rule', 0, 0.55, { scaleX: 0 }, { scaleX: 1 }, 0.9);
  enter('.note', 0, 0.72, { yPercent: 115 }, { yPercent: 0 }, 0.8);
  leave('#scene-hello', 0, { y: 190 });

  drift('#scene-friends', 1, { scale: 0.985, y: -8 }, { scale: 1.03, y: 8 });
  enter('#friends-lead', 1, 0, { y: -70, opacity: 0 }, { y: 0, opacity: 1 }, 0.8);
  enter('#friends-count', 1, 0, { y: -130 }, { y: 0 }, 1.0);
  enter('#friends-caption', 1, 0.3, { y: 60, opacity: 0 }, { y: 0, opacity: 1 }, 0.9);
  leave('#scene-friends', 1, { y: -210 });

  drift('#scene-earnings', 2, { scale: 0.985, y: 8 }, { scale: 1.03, y: -10 });
  enter('#earnings-lead', 2, 0, { y: 90, opacity: 0 }, { y: 0, opacity: 1 }, 0.8);
  enter('#earnings-count', 2, 0.02, { y: 180 }, { y: 0 }, 1.05);
  leave('#scene-earnings', 2, { x: -320 });

  drift('#scene-milestone', 3, { scale: 0.99 }, { scale: 1.02 });
  enter('#milestone-lead', 3, 0.16, { x: 220, opacity: 0 }, { x: 0, opacity: 1 }, 0.9);
  enter('#milestone-headline', 3, 0.22, { x: 320, opacity: 0 }, { x: 0, opacity: 1 }, 1.0);
  enter('#milestone-reward', 3, 0.34, { x: 380, opacity: 0 }, { x: 0, opacity: 1 }, 1.05);
  tl.fromTo(
    '.arc-text',
    { scale: 1, opacity: 1 },
    { scale: 1.1, opacity: 0, duration: 0.42, ease: EASE.leave },
    at(3, 1.98),
  );

  enter('.sheet-3', 4, 0, { y: 900, rotation: 9 }, { y: -44, rotation: -3.2 }, 1.25);
  enter('.sheet-2', 4, 0.06, { y: 900, rotation: 7 }, { y: -22, rotation: 2.2 }, 1.25);
  enter('.card-shadow', 4, 0.1, { y: 900, scale: 0.8 }, { y: 0, scale: 1 }, 1.25);
  enter('.card', 4, 0.1, { y: 940, rotation: 4, scale: 0.94 }, { y: 0, rotation: 0, scale: 1 }, 1.25);
  enter('#mark-sun', 4, 0.4, { attr: { cy: 48 } }, { attr: { cy: 29 } }, 1.2, EASE.spring);
  enter('#mark-line-1', 4, 0.32, { scaleX: 0, transformOrigin: '50% 50%' }, { scaleX: 1 }, 0.8);
  enter('#mark-line-2', 4, 0.42, { scaleX: 0, transformOrigin: '50% 50%' }, { scaleX: 1 }, 0.8);
  enter('.card-brand span', 4, 0.38, { x: -24, opacity: 0 }, { x: 0, opacity: 1 }, 0.8);
  tl.fromTo(
    '.card-headline',
    { yPercent: 112 },
    { yPercent: 0, duration: 0.95, ease: EASE.settle, stagger: 0.1 },
    at(4, 0.4),
  );
  enter('.pill', 4, 0.66, { scale: 0.6, opacity: 0 }, { scale: 1, opacity: 1 }, 0.8, EASE.spring);
  enter('.link', 4, 0.8, { x: -40, opacity: 0 }, { x: 0, opacity: 1 }, 0.8);

  for (const [layer, y, rotation] of [
    ['.float-3', -20, 0.9],
    ['.float-2', -14, -0.7],
    ['.float-1', -8, 0],
  ]) {
    tl.fromTo(layer, { y: 0, rotation: 0 }, { y, rotation, duration: CUT, ease: EASE.gentle }, at(4, 0));
  }
  tl.fromTo(
    '.pill svg',
    { x: 0 },
    { keyframes: { x: [0, 0, 12, 0], easeEach: 'power2.inOut' }, duration: 1.2 },
    at(4, 1.1),
  );

  tl.fromTo(clock, { now: 0 }, { now: DURATION, duration: DURATION, ease: 'none' }, 0);
  return tl;
}

/** Loads what the texts of `params` are set in: a fallback script's font is decoded only when a name needs it. */
async function loadFonts(params) {
  const family = getComputedStyle(document.documentElement).getPropertyValue(
    KANA.test(params.name) ? '--text-ja' : '--text',
  );
  const copy = 'Aa0';
  await Promise.all([
    document.fonts.load(`800 100px ${family}`, `${params.name}…$0123456789,${copy}`),
    document.fonts.load(`600 100px ${family}`, copy),
    document.fonts.load(`400 100px ${family}`, copy),
  ]);
  await document.fonts.ready;
}

async function setParams(given) {
  const params = { ...PLACEHOLDER, ...given };
  await loadFonts(params);
  setScenes(params);
  draw(clock.time);
  // Last: to measure, Chromium lays out all that has changed, and once is enough.
  milestone.fit();
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
window.__timelines.referral = choreograph();
applyParams(window.__hfVariables).finally(() => {
  window.__hfTimelinesBuilding = false;
  window.dispatchEvent(new Event('hf-timelines-built'));
});
