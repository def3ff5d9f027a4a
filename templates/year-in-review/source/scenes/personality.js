/** What kind of year it was: an emblem is put together on the sun. */
function createPersonality(length) {
  const MEDAL = { x: 520, y: 540, r: 350 };
  const TEETH = 48;
  const picture = document.getElementById('personality-picture');
  const rim = svg(picture, 'path', { fill: 'none', stroke: SUN, 'stroke-width': 10 });
  const sun = disc(picture, SUN, { cx: MEDAL.x, cy: MEDAL.y });
  const emblem = svg(picture, 'g', {});
  const lead = document.getElementById('personality-lead');
  const title = document.getElementById('personality-title');
  const note = document.getElementById('personality-note');
  const emblems = Object.fromEntries(
    Object.entries(EMBLEMS).map(([id, { build }]) => {
      const group = svg(emblem, 'g', {});
      return [id, { group, show: build(group) }];
    }),
  );
  let current = 'navigator';
  return {
    set({ personality }) {
      current = personality;
      const text = EMBLEMS[personality];
      title.firstElementChild.textContent = text.title;
      fitWidth(title, 250, 840);
      note.firstElementChild.textContent = text.motto;
      for (const [id, { group }] of Object.entries(emblems)) {
        group.setAttribute('visibility', id === personality ? 'inherit' : 'hidden');
      }
    },
    draw(t) {
      const end = length - 0.55;
      const packed = EASE.leave(span(t, end, 0.4));
      const come = EASE.spring(span(t, -0.05, 0.8));
      place(sun, { r: Math.max(0, MEDAL.r * come) });
      const pieces = [];
      const out = EASE.settle(span(t, 0.35, 0.9)) * (1 - EASE.leave(span(t, end + 0.1, 0.35)));
      for (let i = 0; i < TEETH; i++) {
        const angle = (i / TEETH) * 2 * Math.PI + 0.12 * t + 1.2 * (1 - out);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const at = (r) => `${num(MEDAL.x + r * c)} ${num(MEDAL.y + r * s)}`;
        pieces.push(`M${at(MEDAL.r - 20)}L${at(MEDAL.r - 20 + 66 * out)}`);
      }
      rim.setAttribute('d', pieces.join(''));
      pose(emblem, { x: MEDAL.x, y: MEDAL.y, scale: 1 - packed, turn: 60 * packed });
      const part = (i) => EASE.spring(span(t, 0.32 + 0.13 * i, 0.6));
      emblems[current].show(part, t);
      rise(lead, t, 0.45, length - 0.24);
      rise(title, t, 0.52, length - 0.22);
      rise(note, t, 0.68, length - 0.2);
    },
  };
}
