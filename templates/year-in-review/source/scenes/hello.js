/** Inside the sun: the name over water. The water's bands widen until they close: the ground of the next scene. */
function createHello(length) {
  const BANDS = 10;
  const STEP = HEIGHT / BANDS;
  const RESTING = [54, 34, 16];
  const picture = document.getElementById('hello-picture');
  const bands = Array.from({ length: BANDS }, () => bar(picture, INK));
  const box = document.getElementById('name');
  const block = document.getElementById('hello');
  const lead = document.getElementById('hello-lead');
  const note = document.getElementById('hello-note');
  const ruler = createRuler(document.getElementById('measure'));
  let units = [];
  return {
    set({ name }) {
      const set = setText(box, name, ruler, NAME_FIT);
      units = set.units;
      box.dir = set.direction;
      block.style.top = px(Math.round(704 - 100 - 88 - set.height));
    },
    draw(t) {
      bands.forEach((band, i) => {
        const rest = RESTING[i] ?? 0;
        const swell = EASE.gentle(span(t, length - 0.62 + 0.028 * i, 0.36));
        const come = EASE.settle(span(t, 0.1 * i, 0.9));
        const sway = Math.sin(t * 2.1 + i * 1.7);
        const left = mix(MARGIN + 60 * i + 26 * sway, 0, swell);
        const right = mix(mix(left, 1500 - 260 * i - 34 * sway, come), WIDTH, swell);
        const height = mix(rest, STEP + 1, swell);
        const middle = HEIGHT - STEP * (i + 0.5) - mix(10, 0, swell);
        place(band, { x: left, width: Math.max(0, right - left), y: middle - height / 2, height });
        band.setAttribute('visibility', height > 0.01 ? 'inherit' : 'hidden');
      });
      rise(lead, t, 0.02);
      const step = Math.min(0.04, 0.42 / Math.max(units.length, 1));
      units.forEach(({ element, left }, i) => {
        const start = 0.12 + i * step;
        const k = EASE.spring(span(t, start, 0.75));
        element.style.opacity = num(EASE.gentle(span(t, start, 0.22)));
        element.style.transform = `translate(${px(left)}, ${num((1 - k) * 0.5)}em)`;
      });
      rise(note, t, 0.55);
    },
  };
}
