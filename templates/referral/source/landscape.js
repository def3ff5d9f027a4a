// The world behind the scenes: one night that becomes a morning. It knows the time and nothing else.

const CUT = 2.4;

/** Sky and land by time: top, upper, lower, horizon; far and near land; how bright the ridges are. */
const DAY = [
  { t: 0.0, sky: ['#040d1f', '#0a1d3d', '#143a63', '#2c6585'], far: '#2a5a7c', near: '#040c1b' },
  { t: 2.1, sky: ['#050f26', '#0d2147', '#1d3f72', '#3f6d94'], far: '#33618a', near: '#050e20' },
  { t: 3.6, sky: ['#0a1436', '#1b2a60', '#4a4684', '#a86c8e'], far: '#67578d', near: '#0a1030' },
  { t: 5.0, sky: ['#15204f', '#44407f', '#a35f86', '#f2987a'], far: '#b06f88', near: '#1a1640' },
  { t: 6.2, sky: ['#203062', '#6b5490', '#dc7f7f', '#ffc27d'], far: '#d98a80', near: '#2a1f4c' },
  { t: 7.2, sky: ['#36578f', '#8b8ab8', '#f0b19a', '#ffdca0'], far: '#e2a48f', near: '#38345f' },
  { t: 8.2, sky: ['#6fa3d4', '#a9cbe4', '#e3e3dc', '#fff0cf'], far: '#b9cbd0', near: '#2f5f78' },
  { t: 9.4, sky: ['#6fb0e0', '#a8d4ec', '#deeef0', '#fff4d8'], far: '#b5d3d8', near: '#2b6b7c' },
  { t: 12.0, sky: ['#7cbce6', '#b5dcef', '#e9f3ee', '#fff3d0'], far: '#bddbd9', near: '#2f7a80' },
].map((key) => ({ t: key.t, sky: key.sky.map(parseColour), far: parseColour(key.far), near: parseColour(key.near) }));

function dayAt(t) {
  let i = 1;
  while (i < DAY.length - 1 && t >= DAY[i].t) i++;
  const a = DAY[i - 1];
  const b = DAY[i];
  const k = clamp01((t - a.t) / (b.t - a.t));
  return {
    sky: a.sky.map((c, j) => mixColour(c, b.sky[j], k)),
    far: mixColour(a.far, b.far, k),
    near: mixColour(a.near, b.near, k),
  };
}

/** The camera travels along the valley; between scenes it moves, within a scene it only drifts. */
const CAMERA_X = (t) =>
  46 * t +
  track(
    [
      [1.95, 0],
      [2.85, 330, EASE.camera],
      [4.35, 330],
      [5.25, 560, EASE.camera],
      [6.7, 560],
      [7.7, 1240, EASE.camera],
      [9.15, 1240],
      [10.05, 1560, EASE.camera],
    ],
    t,
  );
const CAMERA_Y = (t) =>
  5 * Math.sin(t * 0.9) +
  track(
    [
      [0, -30],
      [1.95, 0, EASE.gentle],
      [2.9, 190, EASE.camera],
      [4.3, 210],
      [5.3, 250, EASE.camera],
      [6.7, 226],
      [7.7, 130, EASE.camera],
      [9.1, 140],
      [10.1, -10, EASE.camera],
      [12, -40, EASE.gentle],
    ],
    t,
  );

const RIDGES = [
  { base: 742, height: 96, length: 520, depth: 0.1, lift: 0.32, seed: 1.3, sharp: 0.9, tree: 0, stands: 0 },
  { base: 806, height: 92, length: 610, depth: 0.24, lift: 0.46, seed: 4.1, sharp: 0.7, tree: 20, stands: 10 },
  { base: 872, height: 88, length: 740, depth: 0.46, lift: 0.64, seed: 2.2, sharp: 0.4, tree: 34, stands: 10 },
  { base: 948, height: 84, length: 900, depth: 0.8, lift: 0.9, seed: 7.7, sharp: 0.15, tree: 60, stands: 9 },
  { base: 1040, height: 84, length: 1180, depth: 1.3, lift: 1.25, seed: 5.4, sharp: 0, tree: 132, stands: 7 },
];
const SVG = 'http://www.w3.org/2000/svg';

function svg(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  parent.append(element);
  return element;
}

/** A stand of cypresses on a ridge, as path data. */
function cypresses(ridge) {
  let d = '';
  for (let stand = 0; stand < ridge.stands; stand++) {
    const pick = (salt) => scatter(stand, salt + ridge.seed * 10);
    const middle = -40 + ((1920 + 2120 * ridge.depth) * (stand + 0.2 + 0.7 * pick(31))) / ridge.stands;
    const trees = 1 + Math.floor(pick(32) * 4);
    for (let tree = 0; tree < trees; tree++) {
      const tall = ridge.tree * (0.55 + 0.6 * scatter(stand * 8 + tree, 33));
      const wide = tall * 0.15;
      const x = middle + (tree - trees / 2) * ridge.tree * (0.26 + 0.3 * scatter(stand * 8 + tree, 34));
      const y = ridge.base - ridgeHeight(ridge, x) + tall * 0.06;
      d += `M${num(x - wide * 0.7)} ${num(y)}C${num(x - wide * 1.7)} ${num(y - tall * 0.5)} ${num(x - wide * 0.3)} ${num(y - tall * 0.86)} ${num(x)} ${num(y - tall)}C${num(x + wide * 0.3)} ${num(y - tall * 0.86)} ${num(x + wide * 1.7)} ${num(y - tall * 0.5)} ${num(x + wide * 0.7)} ${num(y)}Z`;
    }
  }
  return d;
}

/** Height of a ridge above its base: rolling where it is near, with crests where it is far. */
function ridgeHeight(ridge, x) {
  const a = (x / ridge.length) * Math.PI + ridge.seed;
  const rolling = 0.5 + 0.5 * Math.sin(a + 0.6 * Math.sin(a * 0.53));
  const crest = 1 - Math.abs(Math.sin(a * 0.71 + 1.1 * Math.sin(a * 0.31)));
  const detail = 0.5 + 0.5 * Math.sin(a * 2.63 + ridge.seed);
  return ridge.height * (mix(rolling, crest, ridge.sharp * 0.7) + 0.22 * detail * (0.4 + ridge.sharp));
}

function createLandscape() {
  const $ = (id) => document.getElementById(id);
  const land = $('land');
  const defs = svg(land, 'defs', {});
  const ridges = RIDGES.map((ridge, i) => {
    const gradient = svg(defs, 'linearGradient', {
      id: `ridge-${i}`,
      gradientUnits: 'userSpaceOnUse',
      x1: 0,
      x2: 0,
      y1: ridge.base - ridge.height - ridge.tree * 0.5,
      y2: ridge.base + 150,
    });
    const stops = [0, 1].map((offset) => svg(gradient, 'stop', { offset }));
    const reach = 1920 + 2120 * ridge.depth + 80;
    const crest = [];
    for (let x = -40; x <= reach; x += 20) crest.push(`${x} ${num(ridge.base - ridgeHeight(ridge, x))}`);
    const line = crest.join('L');
    const group = svg(land, 'g', {});
    svg(group, 'path', {
      d: `M-40 ${ridge.base + 700}L${line}L${num(reach)} ${ridge.base + 700}Z${cypresses(ridge)}`,
      fill: `url(#ridge-${i})`,
    });
    const light = svg(defs, 'linearGradient', { id: `rim-${i}`, gradientUnits: 'userSpaceOnUse', y1: 0, y2: 0 });
    const rim = [0, 0.5, 1].map((offset) => svg(light, 'stop', { offset, 'stop-opacity': 0 }));
    svg(group, 'path', {
      d: `M${line}`,
      fill: 'none',
      stroke: `url(#rim-${i})`,
      'stroke-width': [2, 2, 2.5, 3, 3][i],
      class: 'rim',
    });
    return { ...ridge, group, stops, light, rim };
  });

  const stars = Array.from({ length: 130 }, (_, i) => {
    const size = 1 + 2 * scatter(i, 3) ** 3;
    const circle = svg($('stars'), 'circle', { r: num(size), fill: scatter(i, 5) > 0.8 ? '#ffe7c4' : '#dcebff' });
    return {
      circle,
      x: scatter(i, 1) * 2100,
      y: scatter(i, 2) ** 1.3 * 760 - 220,
      phase: scatter(i, 4) * 6.28,
      glow: 0.4 + 0.6 * scatter(i, 6),
      near: 0.02 + 0.05 * size,
    };
  });

  const clouds = Array.from({ length: 7 }, (_, i) => {
    const element = document.createElement('div');
    element.className = 'cloud';
    const width = 620 + Math.round(620 * scatter(i, 11));
    const height = 54 + Math.round(60 * scatter(i, 12));
    element.style.width = px(width);
    element.style.height = px(height);
    $('clouds').append(element);
    return {
      element,
      x: scatter(i, 13) * 2900 - 300,
      y: 330 + 300 * scatter(i, 14),
      depth: 0.06 + 0.1 * scatter(i, 15),
      speed: 6 + 14 * scatter(i, 16),
    };
  });

  const sky = $('sky');
  const starField = $('stars');
  const cloudField = $('clouds');
  const sun = $('sun');
  const glow = $('sun-glow');
  const moon = $('moon');
  const brand = $('brand');

  return (t) => {
    const day = dayAt(t);
    const x = CAMERA_X(t);
    const y = CAMERA_Y(t);
    const horizon = 70 + (y * 0.3) / 10.8;
    sky.style.background = `linear-gradient(180deg, ${cssColour(day.sky[0])} 0%, ${cssColour(day.sky[1])} ${num(horizon * 0.42)}%, ${cssColour(day.sky[2])} ${num(horizon * 0.78)}%, ${cssColour(day.sky[3])} ${num(horizon + 2)}%)`;

    const moonlight = 1 - EASE.gentle(span(t, 2.35, 0.85));
    const moonX = 1560 - x * 0.07 - t * 8;
    const sunX = track(
      [
        [4.8, 960],
        [6.8, 960],
        [7.8, 1500, EASE.camera],
        [9.1, 1500],
        [10.2, 1490, EASE.camera],
        [12, 1452],
      ],
      t,
    );
    const lamp = t < 3.9 ? moonX : sunX;
    const shine = num(
      t < 3.9
        ? 0.34 * moonlight
        : 0.85 *
            span(t, 4.3, 1.4) *
            track(
              [
                [7, 1],
                [8.2, 0.5],
                [12, 0.5],
              ],
              t,
            ),
    );
    const shineColour = t < 3.9 ? '#bfe0ff' : '#ffe2ae';
    ridges.forEach((ridge, i) => {
      const centre = lamp + x * ridge.depth;
      ridge.light.setAttribute('x1', num(centre - 900));
      ridge.light.setAttribute('x2', num(centre + 900));
      for (const stop of ridge.rim) stop.setAttribute('stop-color', shineColour);
      ridge.rim[1].setAttribute('stop-opacity', num(shine * [1, 0.9, 0.75, 0.55, 0.4][i]));
      ridge.group.setAttribute('transform', `translate(${num(-x * ridge.depth)} ${num(y * ridge.lift)})`);
      const tone = mixColour(day.far, day.near, [0.08, 0.26, 0.47, 0.72, 1][i]);
      const mist = mixColour(tone, day.sky[3], [0.5, 0.42, 0.34, 0.22, 0.04][i]);
      ridge.stops[0].setAttribute('stop-color', cssColour(tone));
      ridge.stops[1].setAttribute('stop-color', cssColour(mist));
    });

    const night = 1 - span(t, 3.4, 2.2);
    starField.style.visibility = night > 0 ? 'visible' : 'hidden';
    for (const star of stars) {
      star.circle.setAttribute('cx', num(star.x - x * star.near - t * 3));
      star.circle.setAttribute('cy', num(star.y + y * (0.22 + star.near)));
      star.circle.setAttribute('fill-opacity', num(night * star.glow * (0.68 + 0.32 * Math.sin(t * 2.1 + star.phase))));
    }
    moon.style.visibility = moonlight > 0 ? 'visible' : 'hidden';
    moon.style.background = `radial-gradient(closest-side, ${rgba('#eef6ff', moonlight)} 24%, ${rgba('#eef6ff', 0)} 24.8%), radial-gradient(closest-side, ${rgba('#bcd7ff', 0.3 * moonlight)} 20%, ${rgba('#9cc2ff', 0.12 * moonlight)} 52%, ${rgba('#9cc2ff', 0)} 100%)`;
    moon.style.transform = `translate(${px(moonX)}, ${px(280 + y * 0.5 + t * 10)})`;

    const rise = track(
      [
        [3.4, 1120],
        [4.9, 1030, EASE.gentle],
        [6.8, 752, EASE.gentle],
        [7.8, -330, EASE.camera],
        [9.1, -330],
        [10.2, 250, EASE.camera],
        [12, 222, EASE.gentle],
      ],
      t,
    );
    const sunlight = span(t, 3.4, 1.2);
    sun.style.visibility = sunlight > 0 ? 'visible' : 'hidden';
    sun.style.transform = `translate(${px(sunX)}, ${px(rise + y * 0.2)}) scale(${num(
      track(
        [
          [4, 1.06],
          [6.8, 1.16],
          [7.8, 0.8, EASE.camera],
          [9.1, 0.7],
          [10.2, 0.62],
          [12, 0.6],
        ],
        t,
      ),
    )})`;
    const warmth =
      sunlight *
      track(
        [
          [4, 0.8],
          [6, 1],
          [8, 0.8],
          [12, 0.86],
        ],
        t,
      );
    const noon = span(t, 6.9, 0.9);
    const ray = (dawn, day, alpha) =>
      `rgba(${mixColour(parseColour(dawn), parseColour(day), noon).map(Math.round).join(',')},${num(alpha * warmth)})`;
    glow.style.background = `radial-gradient(closest-side, ${ray('#fff1c8', '#fffdf0', 0.85)} 0, ${ray('#ffdf9f', '#fff9de', 0.6)} 22%, ${ray('#ffc980', '#fff8e0', 0.32)} 46%, ${ray('#ffb77a', '#fff8e6', 0.11)} 72%, ${ray('#ffb07a', '#fff8e6', 0)} 100%)`;

    const haze = span(t, 4.4, 1.6);
    cloudField.style.visibility = haze > 0 ? 'visible' : 'hidden';
    const vapour = `radial-gradient(closest-side, ${rgba('#fff7e8', 0.58 * haze)} 0, ${rgba('#ffe9d2', 0.42 * haze)} 35%, ${rgba('#ffdcc6', 0.15 * haze)} 68%, ${rgba('#ffd9c0', 0)} 100%)`;
    for (const cloud of clouds) {
      cloud.element.style.background = vapour;
      cloud.element.style.transform = `translate(${px(cloud.x - x * cloud.depth - cloud.speed * t)}, ${px(cloud.y + y * 0.3)})`;
    }

    const ink = EASE.gentle(span(t, 7.0, 0.7));
    brand.style.color = cssColour(mixColour([255, 248, 236], [13, 32, 54], ink));
    brand.style.opacity = num(0.94 * (EASE.gentle(span(t, 0.25, 0.7)) - EASE.gentle(span(t, 9.35, 0.35))));
  };
}
