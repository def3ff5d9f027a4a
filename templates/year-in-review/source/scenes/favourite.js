/** The place that was gone to most: a sun with a ray for every visit. */
function createFavourite(length) {
  const MOST_RAYS = 120;
  const INNER = 250;
  const FIT = { width: 780, largest: 260, oneLine: 150, twoLines: 190, smallest: 68, height: 460 };
  const picture = document.getElementById('favourite-picture');
  const before = bar(picture, SKY, { width: WIDTH, height: HEIGHT });
  const rays = svg(picture, 'path', { fill: 'none', stroke: INK });
  const dark = disc(picture, INK, { cx: RISEN_BALL.x, cy: RISEN_BALL.y });
  const sun = disc(picture, SUN, { cx: RISEN_BALL.x, cy: RISEN_BALL.y });
  const lead = document.getElementById('favourite-lead');
  const box = document.getElementById('favourite-name');
  const block = document.getElementById('favourite');
  const note = document.getElementById('favourite-note');
  const ruler = createRuler(document.getElementById('measure'));
  let units = [];
  let shown = 0;
  return {
    set({ favourite, favouriteVisits: visits }) {
      const set = setText(box, favourite, ruler, FIT);
      units = set.units;
      box.dir = set.direction;
      lead.firstElementChild.textContent = visits < 2 ? 'Top of your list' : 'You kept going back to';
      shown = Math.min(visits, MOST_RAYS);
      place(rays, { 'stroke-width': Math.min(26, Math.round((0.46 * 2 * Math.PI * INNER) / Math.max(shown, 1))) });
      note.firstElementChild.textContent = visits === 0 ? '' : plural(visits, 'visit', 'visits');
      block.style.top = px(Math.round(540 - (84 + set.height + 110) / 2));
    },
    draw(t) {
      place(before, { y: Math.round(HEIGHT * arriving(t)) });
      const leaving = EASE.leave(span(t, length - 0.6, 0.34));
      const pieces = [];
      for (let i = 0; i < shown; i++) {
        const k = EASE.spring(span(t, 0.35 + (0.85 * i) / shown, 0.4)) * (1 - leaving);
        if (k < 0.01) continue;
        const angle = (i / shown) * 2 * Math.PI - Math.PI / 2 + 0.05 * t + 0.5 * leaving;
        const reach = INNER + k * (i % 2 === 0 ? 172 : 116);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const at = (r) => `${num(RISEN_BALL.x + r * c)} ${num(RISEN_BALL.y + r * s)}`;
        pieces.push(`M${at(INNER)}L${at(reach)}`);
      }
      rays.setAttribute('d', pieces.join('') || 'M0 0');
      const pulse = EASE.spring(span(t, 0.28, 0.6));
      const small = EASE.camera(span(t, length - 0.62, 0.62));
      place(sun, { r: mix(mix(RISEN_BALL.r, 212, pulse), ORBITING.r, small) });
      place(dark, { r: 1500 * EASE.leave(span(t, length - 0.46, 0.46)) });
      rise(lead, t, 0.3, length - 0.25);
      const step = Math.min(0.03, 0.35 / Math.max(units.length, 1));
      units.forEach(({ element, left }, i) => {
        const start = 0.36 + i * step;
        const k = EASE.settle(span(t, start, 0.75));
        const away = EASE.leave(span(t, length - 0.55, 0.32));
        element.style.opacity = num(EASE.gentle(span(t, start, 0.2)) * (1 - away));
        element.style.transform = `translate(${px(left)}, ${num((1 - k) * 0.5 - away * 0.4)}em)`;
      });
      rise(note, t, 0.7, length - 0.25);
    },
  };
}
