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
  return { sky: a.sky.map((c, j) => mixColour(c, b.sky[j], k)), far: mixColour(a.far, b.far, k), near: mixColour(a.near, b.near, k) };
}

/** The camera travels along the valley; between scenes it moves, within a scene it only drifts. */
const CAMERA_X = (t) => 46 * t + track([[1.95, 0], [2.85, 330, EASE.camera], [4.35, 330], [5.25, 560, EASE.camera], [6.7, 560], [7.7, 1240, EASE.camera], [9.15, 1240], [10.05, 1560, EASE.camera]], t);
const CAMERA_Y = (t) => 5 * Math.sin(t * 0.9) + track([[0, -30], [1.95, 0, EASE.gentle], [2.9, 190, EASE.camera], [4.3, 210], [5.3, -40, EASE.camera], [6.7, -60], [7.7, 130, EASE.camera], [9.1, 140], [10.1, -10, EASE.camera], [12, -40, EASE.gentle]], t);

const RIDGES = [
  { base: 742, height: 96, length: 520, depth: 0.1, lift: 0.32, seed: 1.3, sharp: 0.9 },
  { base: 806, height: 92, length: 610, depth: 0.24, lift: 0.46, seed: 4.1, sharp: 0.7 },
  { base: 872, height: 88, length: 740, depth: 0.46, lift: 0.64, seed: 2.2, sharp: 0.4 },
  { base: 948, height: 84, length: 900, depth: 0.8, lift: 0.9, seed: 7.7, sharp: 0.15 },
  { base: 1040, height: 84, length: 1180, depth: 1.3, lift: 1.25, seed: 5.4, sharp: 0 },
];
const SVG = 'http://www.w3.org/2000/svg';

function svg(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  parent.append(element);
  return element;
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
    const gradient = svg(defs, 'linearGradient', { id: `ridge-${i}`, gradientUnits: 'userSpaceOnUse', x1: 0, x2: 0, y1: ridge.base - ridge.height, y2: ridge.base + 150 });
    const stops = [0, 1].map((offset) => svg(gradient, 'stop', { offset }));
    const reach = 1920 + 2120 * ridge.depth + 80;
    let d = `M-40 ${ridge.base + 700}`;
    for (let x = -40; x <= reach; x += 20) d += `L${x} ${num(ridge.base - ridgeHeight(ridge, x))}`;
    const path = svg(land, 'path', { d: `${d}L${num(reach)} ${ridge.base + 700}Z`, fill: `url(#ridge-${i})` });
    return { ...ridge, path, stops };
  });

  const stars = Array.from({ length: 90 }, (_, i) => {
    const size = 0.7 + 1.7 * scatter(i, 3) ** 3;
    const circle = svg($('stars'), 'circle', { r: num(size), fill: scatter(i, 5) > 0.8 ? '#ffe7c4' : '#dcebff' });
    return { circle, x: scatter(i, 1) * 2100, y: scatter(i, 2) ** 1.3 * 760 - 220, phase: scatter(i, 4) * 6.28, glow: 0.35 + 0.65 * scatter(i, 6), near: 0.02 + 0.05 * size };
  });

  const clouds = Array.from({ length: 7 }, (_, i) => {
    const element = document.createElement('div');
    element.className = 'cloud';
    const width = 620 + 620 * scatter(i, 11);
    const height = 54 + 60 * scatter(i, 12);
    element.style.width = px(width);
    element.style.height = px(height);
    element.style.background = 'radial-gradient(closest-side, #fff7e8b0 0, #ffe9d280 35%, #ffdcc62e 68%, #ffd9c000 100%)';
    $('clouds').append(element);
    return { element, x: scatter(i, 13) * 2900 - 300, y: 330 + 300 * scatter(i, 14), depth: 0.06 + 0.1 * scatter(i, 15), speed: 6 + 14 * scatter(i, 16) };
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

    ridges.forEach((ridge, i) => {
      ridge.path.setAttribute('transform', `translate(${num(-x * ridge.depth)} ${num(y * ridge.lift)})`);
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
    const moonlight = 1 - span(t, 3.2, 1.6);
    moon.style.visibility = moonlight > 0 ? 'visible' : 'hidden';
    moon.style.opacity = num(moonlight);
    moon.style.transform = `translate(${px(1560 - x * 0.07 - t * 8)}, ${px(280 + y * 0.5 + t * 10)})`;

    const rise = track([[3.4, 1010], [4.9, 860, EASE.gentle], [6.9, 690, EASE.gentle], [8.0, 330, EASE.camera], [9.2, 300], [10.2, 250, EASE.camera], [12, 226, EASE.gentle]], t);
    const drift = track([[4.8, 960], [6.8, 960], [8.0, 1660, EASE.camera], [9.2, 1640], [10.1, 1480, EASE.camera], [12, 1440]], t);
    const sunlight = span(t, 3.4, 1.2);
    sun.style.visibility = sunlight > 0 ? 'visible' : 'hidden';
    sun.style.transform = `translate(${px(drift)}, ${px(rise + y * 0.2)}) scale(${num(track([[4, 1.06], [6.8, 1.12], [8, 0.62, EASE.camera], [12, 0.6]], t))})`;
    glow.style.opacity = num(sunlight * track([[4, 0.8], [6, 1], [8, 0.8], [12, 0.86]], t));

    const haze = span(t, 4.4, 1.6);
    cloudField.style.visibility = haze > 0 ? 'visible' : 'hidden';
    cloudField.style.opacity = num(haze * 0.85);
    for (const cloud of clouds) cloud.element.style.transform = `translate(${px(cloud.x - x * cloud.depth - cloud.speed * t)}, ${px(cloud.y + y * 0.3)})`;

    const ink = EASE.gentle(span(t, 7.0, 0.7));
    brand.style.color = cssColour(mixColour([255, 248, 236], [13, 32, 54], ink));
    brand.style.opacity = num(0.94 * (EASE.gentle(span(t, 0.25, 0.7)) - EASE.gentle(span(t, 9.35, 0.35))));
  };
}
