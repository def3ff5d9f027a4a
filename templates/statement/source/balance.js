// Scene 4: the balance of each day as a skyline. The sun goes along it and paints the land below; what is below zero is no land.

const CHART = { left: 44, right: 936, top: 690, bottom: 1330, ground: 1400 };

/** Slopes of a curve through the days that never leaves the range of two neighbours (Fritsch and Carlson, 1980). */
function slopes(ys) {
  const steps = ys.slice(1).map((y, i) => y - ys[i]);
  return ys.map((_, i) => {
    const [a, b] = [steps[i - 1] ?? steps[i] ?? 0, steps[i] ?? steps[i - 1] ?? 0];
    return a * b <= 0 ? 0 : (2 * a * b) / (a + b);
  });
}

function createBalance() {
  const $ = (id) => document.getElementById(id);
  const drawing = mirrored('skyline');
  const defs = svg(drawing, 'defs', {});
  const painted = svg(svg(defs, 'clipPath', { id: 'painted' }), 'rect', { x: -20, y: 0, height: HEIGHT });
  const above = svg(svg(defs, 'clipPath', { id: 'above' }), 'rect', { x: -20, y: 0, width: WIDTH + 40 });
  const below = svg(svg(defs, 'clipPath', { id: 'below' }), 'rect', { x: -20, width: WIDTH + 40, height: HEIGHT });
  const ground = svg(drawing, 'rect', { x: 0, width: WIDTH, height: HEIGHT, fill: COLOUR.pine });
  const land = svg(svg(drawing, 'g', { 'clip-path': 'url(#painted)' }), 'g', {});
  const hills = svg(land, 'path', { fill: COLOUR.pine, 'clip-path': 'url(#above)' });
  const depths = svg(land, 'path', { fill: COLOUR.sun, 'clip-path': 'url(#below)' });
  const zero = svg(drawing, 'rect', { x: 0, height: 4, fill: COLOUR.ink });
  const line = svg(land, 'path', { fill: 'none', stroke: COLOUR.ink, 'stroke-width': 10, 'stroke-linejoin': 'round' });
  const marks = ['high', 'low'].map(() =>
    svg(drawing, 'circle', { r: 13, fill: COLOUR.paper, stroke: COLOUR.ink, 'stroke-width': 7 }),
  );
  const sun = svg(mirrored('head'), 'circle', { fill: COLOUR.sun });
  let chart;

  return {
    set({ language, currency, month, balances }) {
      const words = LANGUAGES[language];
      const formats = formatsOf(language, currency);
      // A single day is drawn as one that stays as it is.
      const days = balances.length > 1 ? balances : [balances[0], balances[0]];
      const high = Math.max(...balances);
      const low = Math.min(...balances);
      const negative = low < 0;
      // Where all is far above zero, the line's own range is shown; else zero is the ground.
      const floor = negative ? low : low > 0.5 * high ? low - Math.max(0.6 * (high - low), 0.02 * high) : 0;
      const ceiling = Math.max(high, negative ? 0 : high, floor + 1);
      const bottom = negative ? CHART.bottom : CHART.ground - (floor === 0 ? 0 : 60);
      const yOf = (value) => mix(bottom, CHART.top, (value - floor) / (ceiling - floor));
      const xOf = (i) => mix(CHART.left, CHART.right, i / (days.length - 1));
      const ys = days.map(yOf);
      const tilt = slopes(ys);
      const step = xOf(1) - xOf(0);
      let d = `M-20 ${num(ys[0])}H${CHART.left}`;
      for (let i = 1; i < days.length; i++) {
        const third = step / 3;
        d += `C${num(xOf(i - 1) + third)} ${num(ys[i - 1] + tilt[i - 1] / 3)} ${num(xOf(i) - third)} ${num(ys[i] - tilt[i] / 3)} ${num(xOf(i))} ${num(ys[i])}`;
      }
      const base = negative ? Math.round(yOf(0)) : CHART.ground;
      const area = `${d}V${base + (negative ? 0 : 4)}H-20Z`;
      put(hills, { d: area });
      put(depths, { d: area, visibility: negative ? 'inherit' : 'hidden' });
      put(line, { d, visibility: negative ? 'inherit' : 'hidden' });
      put(above, { height: base + (negative ? 0 : 4) });
      put(below, { y: base });
      put(zero, { y: base - 2, visibility: negative ? 'inherit' : 'hidden' });
      $('zero').textContent = negative ? '0' : '';
      if (negative) $('zero').textContent = formats.moneyParts(0).find(({ type }) => type === 'integer').value;
      $('zero').style.top = px(base - 56);
      $('balance-label').textContent = words.balance;
      const show = setAmount($('balance-amount'), days, formats.moneyParts, { width: 908, largest: 216 });
      const extremes = [
        ['high', high, words.highest],
        ['low', low, words.lowest],
      ].map(([id, value, label], i) => {
        const day = balances.indexOf(value);
        $(`${id}-label`).textContent = label;
        setAmount($(`${id}-amount`), [value], formats.moneyParts, { width: 430, largest: 76 })(value);
        $(`${id}-date`).textContent = formats.day(month, Math.min(day + 1, formats.daysIn(month)));
        put(marks[i], { cx: num(xOf(day)), cy: num(yOf(value)) });
        return day / (days.length - 1);
      });
      $('first-day').textContent = formats.day(month, 1);
      $('last-day').textContent = formats.day(month, Math.min(balances.length, formats.daysIn(month)));
      $('last-day').classList.toggle('none', balances.length === 1);
      $('stat-low').classList.toggle('none', high === low);
      marks[1].classList.toggle('none', high === low);
      chart = { days, ys, tilt, step, show, extremes };
    },
    draw(t) {
      const { days, ys, tilt, show, extremes } = chart;
      const way = EASE.gentle(span(t, 0.35, 1.9));
      const at = way * (days.length - 1);
      const i = Math.min(days.length - 2, Math.floor(at));
      const u = at - i;
      // The same curve as the path's: a cubic with the days' slopes.
      const y =
        ys[i] * (1 + 2 * u) * (1 - u) ** 2 +
        tilt[i] * u * (1 - u) ** 2 +
        ys[i + 1] * u * u * (3 - 2 * u) +
        tilt[i + 1] * u * u * (u - 1);
      const x = mix(CHART.left, CHART.right, way);
      show(way === 1 ? days[days.length - 1] : days[Math.round(at)]);
      put(painted, { width: num((x + 20) * EASE.settle(span(t, 0.15, 0.5))) });
      put(ground, { y: Math.round(mix(HEIGHT, CHART.ground, EASE.settle(span(t, 0, 0.7)))) });
      put(zero, { width: Math.round(WIDTH * EASE.settle(span(t, 0.1, 0.8))) });
      $('zero').style.opacity = num(EASE.gentle(span(t, 0.6, 0.4)));
      const cover = EASE.camera(span(t, 3.1, 0.5));
      const born = EASE.spring(span(t, 0.2, 0.6));
      put(sun, {
        cx: num(mix(x, WIDTH / 2, cover)),
        cy: num(mix(y, HEIGHT / 2, cover)),
        r: num(mix(46 * born, 1240, cover)),
      });
      for (const [k, mark] of marks.entries()) {
        const pop = EASE.spring(span(way, Math.min(extremes[k], 0.985), 0.015 + 0.06 * 0.999));
        const reached = way > 0 && way >= extremes[k] && t > 0.5;
        put(mark, { visibility: reached && pop > 0.2 ? 'inherit' : 'hidden', r: num(13 * Math.max(0, pop)) });
      }
      for (const [id, begin] of [
        ['balance-head', 0.1],
        ['days', 0.4],
        ['stat-high', 0.5],
        ['stat-low', 0.62],
      ]) {
        const element = $(id);
        const k = span(t, begin, 0.7);
        element.style.opacity = num(EASE.gentle(clamp01(k * 2)));
        element.style.transform = `translateY(${Math.round(44 * (1 - EASE.settle(k)))}px)`;
      }
    },
  };
}
