/** The sun of `payments` on its way down, at the cut. */
const FALLING = { x: 1330, y: 420, r: 70 };

/** A goal as suns over the sea: one has risen for every hundred per cent, and the last as far as it got. */
function createGoal(length) {
  const RADIUS = [0, 290, 216, 146];
  const APART = [0, 0, 470, 330];
  const MOST = 3;
  const picture = document.getElementById('goal-picture');
  const before = bar(picture, PAPER, { width: WIDTH, height: HEIGHT });
  const world = svg(picture, 'g', {});
  bar(world, SKY, { y: 0, width: WIDTH, height: HEIGHT });
  const clip = bar(svg(svg(picture, 'defs', {}), 'clipPath', { id: 'goal-above' }), INK, {
    width: WIDTH,
    height: HORIZON,
  });
  const above = svg(picture, 'g', { 'clip-path': 'url(#goal-above)' });
  const rings = Array.from({ length: MOST }, () => disc(above, 'none', { stroke: INK, 'stroke-width': 5 }));
  const suns = Array.from({ length: MOST }, () => disc(above, SUN));
  const falling = disc(above, SUN, { cx: FALLING.x });
  const sea = bar(picture, INK, { width: WIDTH, height: HEIGHT });
  const glints = Array.from({ length: 3 * MOST }, () => bar(picture, SUN));
  const next = disc(document.getElementById('goal-next'), SUN, { cx: WIDTH / 2 });
  const content = document.getElementById('goal');
  const count = document.getElementById('goal-count');
  const lead = document.getElementById('goal-lead');
  const box = document.getElementById('goal-name');
  const ruler = createRuler(document.getElementById('measure'));
  let odometer;
  let units = [];
  let shown = 1;
  let parts = [0];
  return {
    set({ goalPercent: percent, goalName }) {
      odometer = createOdometer(count, `${percent}%`, { width: 690, largest: 460, left: 0 });
      count.style.top = px(Math.round(HORIZON - 36 - 0.83 * odometer.size - (ODOMETER_HEIGHT - odometer.size) / 2));
      lead.firstElementChild.textContent =
        percent === 0
          ? 'Still to come:'
          : percent < 100
            ? 'of the way to'
            : percent === 100
              ? 'All the way:'
              : 'Beyond the goal:';
      const set = setText(box, goalName, ruler, {
        width: 760,
        largest: 118,
        oneLine: 84,
        twoLines: 84,
        smallest: 56,
        height: 172,
      });
      box.dir = set.direction;
      units = set.units;
      shown = Math.max(1, Math.ceil(percent / 100));
      parts = Array.from({ length: MOST }, (_, i) => clamp01(percent / 100 - i));
    },
    draw(t) {
      const lift = Math.round(HEIGHT * (1 - arriving(t)));
      place(before, { y: lift - HEIGHT });
      pose(world, { y: lift });
      place(sea, { y: HORIZON + lift });
      place(clip, { height: HORIZON + lift });
      content.style.transform = `translateY(${px(lift)})`;
      const drop = EASE.fall(span(t, 0, 0.5));
      place(falling, { cy: mix(FALLING.y, HORIZON + 2 * FALLING.r, drop), r: FALLING.r });
      const r = RADIUS[shown];
      for (let i = 0; i < MOST; i++) {
        const x = FALLING.x + (i - (shown - 1) / 2) * APART[shown];
        const isShown = i < shown ? 'inherit' : 'hidden';
        const k = parts[i] * EASE.settle(span(t, 0.42 + 0.22 * i, 1.1));
        const ring = EASE.settle(span(t, 0.3 + 0.1 * i, 0.8));
        place(rings[i], { cx: x, cy: HORIZON + lift + 4 + (r + 6) - 2 * (r + 6) * ring, r, visibility: isShown });
        place(suns[i], { cx: x, cy: HORIZON + lift + r - 2 * r * k, r, visibility: isShown });
        for (let j = 0; j < 3; j++) {
          const sway = Math.sin(t * 2.6 + j * 1.9 + i);
          const width =
            Math.min(1, 2 * Math.sqrt(k * (1 - Math.min(k, 0.5)))) * r * (1.9 - 0.5 * j) +
            18 * sway * Math.min(1, 4 * k);
          place(glints[3 * i + j], {
            x: x - width / 2 + 14 * sway,
            width: Math.max(0, width),
            y: HORIZON + lift + 44 + 66 * j,
            height: 14 + 8 * j,
            visibility: k > 0.002 ? isShown : 'hidden',
          });
        }
      }
      odometer.turn(t - 0.3, 1.1);
      rise(lead, t, 0.4);
      const step = Math.min(0.03, 0.3 / Math.max(units.length, 1));
      units.forEach(({ element, left }, i) => {
        const k = EASE.settle(span(t, 0.5 + i * step, 0.7));
        element.style.opacity = num(EASE.gentle(span(t, 0.5 + i * step, 0.2)));
        element.style.transform = `translate(${px(left)}, ${num((1 - k) * 0.5)}em)`;
      });
      const dawn = EASE.leave(span(t, length - 0.5, 0.5));
      place(next, { cy: mix(HEIGHT + 1320, HEIGHT / 2, dawn), r: 1300 });
    },
  };
}
