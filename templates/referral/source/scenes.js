// The five scenes: what each says for given params, and how it moves. Choreography that params cannot change is GSAP tweens on the
// timeline (see main.js); what depends on them is drawn by the functions returned here.

/** Height of scene 1's block without the name, in px. */
const HELLO_REST = 258;

/** Sets scene 1 and returns how it looks `t` seconds in. */
function createHello() {
  const box = document.getElementById('name');
  const block = document.getElementById('hello');
  const ruler = createRuler(document.getElementById('measure'));
  let units = [];
  return {
    set({ name }) {
      const set = setName(box, name, ruler);
      units = set.units;
      block.style.top = px(Math.round((1000 - HELLO_REST - set.height) / 2));
    },
    draw(t) {
      const step = Math.min(0.045, 0.5 / Math.max(units.length, 1));
      units.forEach(({ element, left }, i) => {
        const start = 0.2 + i * step;
        const k = EASE.spring(span(t, start, 0.85));
        element.style.opacity = num(EASE.gentle(span(t, start, 0.32)));
        element.style.transform = `translate(${px(left)}, ${num((1 - k) * 0.62)}em) rotate(${Math.round((1 - k) * 700) / 100}deg)`;
      });
    },
  };
}

const LIGHTS = 44;

/** The `i`th light: its element, and where and how it hangs. */
function createLight(i) {
  let x = 70 + 1780 * ((0.17 + i * 0.7548777) % 1);
  let y = 150 + 760 * ((0.36 + i * 0.5698403) % 1);
  // Keep the words clear: what falls on them moves out to the ellipse around them.
  const inside = Math.hypot((x - 960) / 560, (y - 520) / 350);
  if (inside < 1) {
    x = 960 + (x - 960) / inside;
    y = 520 + (y - 520) / inside;
  }
  const depth = scatter(i, 21) ** 1.5;
  const isFront = depth > 0.5 && Math.abs(x - 960) > 620;
  const size = 2 * Math.round(mix(13, isFront ? 95 : 60, depth));
  const element = document.createElement('div');
  element.className = 'light';
  element.style.width = element.style.height = px(size);
  element.style.margin = px(-size / 2);
  element.style.background = isFront
    ? 'radial-gradient(closest-side, #ffd994b3 0, #ffbd6a80 30%, #ff9f5238 62%, #ff944a00 100%)'
    : 'radial-gradient(closest-side, #fffbea 0, #ffe9b4 13%, #ffc76b8c 24%, #ff9d5c38 52%, #ff9d5c00 100%)';
  return { element, isFront, depth, x, y, sway: scatter(i, 24) * 6.28, rise: mix(40, 150, depth) };
}

/** Scene 2: the number of friends, and as many lights in the sky (up to LIGHTS). */
function createFriends() {
  const $ = (id) => document.getElementById(id);
  const lights = Array.from({ length: LIGHTS }, (_, i) => createLight(i));
  for (const { element, isFront } of lights) $(isFront ? 'lights-front' : 'lights-back').append(element);
  let shown = 0;
  let odometer;
  return {
    set({ referralCount: count }) {
      $('friends-lead').textContent = count === 0 ? 'Your circle starts here' : 'You brought along';
      $('friends-caption').textContent =
        count === 0
          ? 'friends yet. The first hello is the warmest.'
          : count === 1
            ? 'friend. That is how it starts.'
            : 'friends';
      odometer = createOdometer($('friends-count'), grouped(count), { width: 1500, largest: 400, centre: 960 });
      shown = Math.min(count, LIGHTS);
      lights.forEach(({ element }, i) => {
        element.hidden = i >= shown;
        if (element.hidden) element.style.visibility = element.style.transform = '';
      });
    },
    draw(t) {
      odometer.turn(t - 0.02, 1.4);
      const leave = EASE.leave(span(t, 1.98, 0.42));
      lights.slice(0, shown).forEach((light, i) => {
        const at = 0.12 + (0.95 * i) / Math.max(shown, 6);
        const k = EASE.settle(span(t, at, 1.5));
        const lit = EASE.settle(span(t, at, 0.7)) * (1 - leave) * (0.93 + 0.07 * Math.sin(t * 5 + light.sway));
        const x = light.x + 16 * Math.sin(t * 1.3 + light.sway);
        const y =
          light.y + (1 - k) * (260 + 320 * light.depth) - light.rise * (t / CUT) - leave * (120 + 420 * light.depth);
        light.element.style.visibility = lit > 0.02 ? 'inherit' : 'hidden';
        light.element.style.transform = `translate(${px(x)}, ${px(y)}) scale(${num(lit)})`;
      });
    },
  };
}

/** Scene 3: dollars earned, over the rising sun. */
function createEarnings() {
  const $ = (id) => document.getElementById(id);
  let odometer;
  return {
    set({ earnings }) {
      $('earnings-lead').textContent =
        earnings === 0 ? 'Your first reward is on the horizon' : 'Rewards you have earned';
      odometer = createOdometer($('earnings-count'), dollars(earnings), { width: 1640, largest: 380, centre: 960 });
    },
    draw(t) {
      odometer.turn(t - 0.02, 1.45);
    },
  };
}

const HEADLINE = { size: 148, width: 1080 };
const ARC = { x: 960, y: 1010, radius: 790, half: 62 };

function arcPoint(k, radius = ARC.radius) {
  const angle = ((-90 - ARC.half + 2 * ARC.half * k) * Math.PI) / 180;
  return [ARC.x + radius * Math.cos(angle), ARC.y + radius * Math.sin(angle)];
}

/** Scene 4: how far it is to the next milestone, as the sun's way over the sky. */
function createMilestone() {
  const $ = (id) => document.getElementById(id);
  const arc = $('arc');
  const defs = svg(arc, 'defs', {});
  const gradient = svg(defs, 'linearGradient', {
    id: 'arc-light',
    gradientUnits: 'userSpaceOnUse',
    x1: 260,
    x2: 1660,
    y1: 0,
    y2: 0,
  });
  svg(gradient, 'stop', { offset: 0, 'stop-color': '#ff8f5e' });
  svg(gradient, 'stop', { offset: 1, 'stop-color': '#ffc14d' });
  const [x0, y0] = arcPoint(0).map(num);
  const [x1, y1] = arcPoint(1).map(num);
  const d = `M${x0} ${y0}A${ARC.radius} ${ARC.radius} 0 0 1 ${x1} ${y1}`;
  const length = num((ARC.radius * 2 * ARC.half * Math.PI) / 180);
  const common = { d, fill: 'none', 'stroke-linecap': 'round' };
  const base = svg(arc, 'path', { ...common, stroke: '#ffffff', 'stroke-opacity': 0.62, 'stroke-width': 14 });
  const lit = svg(arc, 'path', { ...common, stroke: 'url(#arc-light)', 'stroke-width': 18 });
  const ticks = svg(arc, 'g', {});
  const sun = $('arc-sun');
  const reading = $('arc-reading');
  const drawPart = (path, from, to) => {
    const shown = num(Math.max(0, to - from) * length);
    path.setAttribute('visibility', shown > 0 ? 'inherit' : 'hidden');
    path.setAttribute('stroke-dasharray', `${shown} ${length + 40}`);
    path.setAttribute('stroke-dashoffset', num(-from * length));
  };
  let progress = 0;
  return {
    set({ referralCount: count, nextMilestone: goal, milestoneReward: reward }) {
      const left = Math.max(0, goal - count);
      const reached = left === 0;
      progress = clamp01(count / goal);
      const people = (n) => `${grouped(n)} ${n === 1 ? 'friend' : 'friends'}`;
      $('milestone-lead').textContent = reached
        ? 'Milestone reached'
        : count === 0
          ? 'Your first milestone'
          : 'Next milestone';
      $('milestone-headline').textContent = reached
        ? `${people(goal)}!`
        : count === 0
          ? people(goal)
          : left === 1
            ? 'Just 1 more friend'
            : `${grouped(left)} more friends`;
      $('milestone-headline').style.fontSize = px(HEADLINE.size);
      const bold = document.createElement('b');
      bold.textContent = dollars(reward);
      const line = $('milestone-reward');
      if (reward === 0) line.replaceChildren(reached ? 'Every one of them thanks to you' : 'and you are there');
      else if (reached) line.replaceChildren('Your', bold, 'reward is unlocked');
      else line.replaceChildren('to unlock your', bold, 'reward');
      $('arc-from').textContent = count === 0 ? '' : '0';
      $('arc-to').textContent = grouped(goal);
      reading.textContent = grouped(count);
      ticks.replaceChildren();
      const steps = goal <= 24 ? goal : 8;
      for (let i = 1; i < steps; i++) {
        const [ax, ay] = arcPoint(i / steps, ARC.radius - 26).map(num);
        svg(ticks, 'circle', { cx: ax, cy: ay, r: 3.5, fill: '#17324f', 'fill-opacity': 0.4 });
      }
    },
    fit() {
      fitWidth($('milestone-headline'), HEADLINE.size, HEADLINE.width);
    },
    draw(t) {
      const gone = EASE.leave(span(t, 1.94, 0.42));
      const drawn = EASE.settle(span(t, 0.1, 1.1));
      const k = progress * EASE.settle(span(t, 0.45, 1.25));
      drawPart(base, gone, drawn);
      drawPart(lit, gone * k, k);
      ticks.setAttribute('opacity', num(EASE.gentle(span(t, 0.5, 0.6)) * (1 - gone)));
      const [x, y] = arcPoint(k);
      const [countX, countY] = arcPoint(k, ARC.radius + 92);
      reading.style.transform = `translate(${px(countX)}, ${px(countY - 24)})`;
      reading.style.opacity = num(EASE.gentle(span(t, 0.6, 0.4)) * (1 - gone));
      const pop = EASE.spring(span(t, 0.35, 0.7)) * (1 - gone);
      sun.style.transform = `translate(${px(x)}, ${px(y)}) scale(${num(pop)})`;
      for (const [id, at] of [
        ['arc-from', 0],
        ['arc-to', 1],
      ]) {
        const [ex, ey] = arcPoint(at);
        const element = document.getElementById(id);
        element.style.transform = `translate(${px(ex)}, ${px(ey + 46)})`;
        element.style.opacity = num(EASE.gentle(span(t, 0.5 + at * 0.25, 0.5)) * (1 - gone));
      }
    },
  };
}
