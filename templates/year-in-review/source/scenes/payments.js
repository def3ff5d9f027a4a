/** Every payment a dot: the camera starts inside one of them and draws back until all are seen. */
function createPayments(length) {
  const MOST_DOTS = 1500;
  const WORTH = [1, 2, 5, 10, 20, 50, 100];
  const FIELD = { left: 880, right: 1800, top: 130, bottom: 950, largest: 170 };
  const picture = document.getElementById('payments-picture');
  const field = svg(picture, 'g', {});
  const dots = svg(field, 'path', { fill: 'none', stroke: INK, 'stroke-linecap': 'round' });
  const sun = disc(picture, SUN);
  const content = document.getElementById('payments');
  const lead = document.getElementById('payments-lead');
  const count = document.getElementById('payments-count');
  const often = document.getElementById('payments-often');
  const key = document.getElementById('payments-key');
  let odometer;
  let focus = { x: 0, y: 0, r: 1 };

  /** The largest square cell of which `n` fit into FIELD, and how many stand in a row. */
  const layOut = (n) => {
    const [width, height] = [FIELD.right - FIELD.left, FIELD.bottom - FIELD.top];
    let cell = FIELD.largest;
    while (cell > 8 && Math.floor(width / cell) * Math.floor(height / cell) < n) cell -= 0.5;
    const room = Math.floor(width / cell);
    const columns = Math.min(room, Math.ceil(Math.sqrt((n * width) / height)));
    return { cell, columns: Math.ceil(n / columns) * cell > height ? room : columns };
  };

  return {
    set({ cardPayments: payments }) {
      odometer = createOdometer(count, grouped(payments), { width: 700, largest: 400, left: 0 });
      const worth = WORTH.find((each) => payments / each <= MOST_DOTS) ?? 100;
      const n = Math.ceil(payments / worth);
      often.firstElementChild.textContent =
        payments === 0
          ? 'A year off for your card.'
          : payments === 1
            ? 'One, and well chosen.'
            : `${rhythm(payments)}.`;
      key.firstElementChild.textContent =
        n === 0
          ? 'It is rested and ready.'
          : n === 1
            ? 'Here it is.'
            : worth === 1
              ? 'Each dot is one payment.'
              : `Each dot is ${worth} payments.`;
      const { cell, columns } = layOut(Math.max(n, 1));
      const rows = Math.ceil(Math.max(n, 1) / columns);
      const left = (FIELD.left + FIELD.right - columns * cell) / 2 + cell / 2;
      const top = (FIELD.top + FIELD.bottom - rows * cell) / 2 + cell / 2;
      const at = (i) => ({ x: left + (i % columns) * cell, y: top + Math.floor(i / columns) * cell });
      const chosen = Math.min(Math.max(n - 1, 0), Math.floor(rows / 2) * columns + Math.floor(columns / 2));
      const r = n <= 1 ? 150 : cell * 0.36;
      focus = { ...at(chosen), r };
      const pieces = [];
      for (let i = 0; i < n; i++) if (i !== chosen) pieces.push(`M${num(at(i).x)} ${num(at(i).y)}h.01`);
      place(dots, { d: pieces.join('') || 'M-99 -99', 'stroke-width': 2 * r });
    },
    draw(t) {
      const away = EASE.camera(span(t, -0.25, 1.4));
      const scale = Math.exp(mix(Math.log(1300 / focus.r), 0, away));
      const tilt = departing(t, length);
      // Dots and figures that rush by would flash: they are faint while the camera moves.
      const fading = EASE.gentle(span(t, length - 0.5, 0.28));
      const still = EASE.gentle(span(t, 0.6, 0.6)) * (1 - fading);
      content.style.opacity = num(mix(1, 0.06, fading));
      place(dots, { 'stroke-opacity': mix(0.05, 1, still) });
      // The dot is in the middle of the frame while it fills it, and at its own place when all are seen.
      const near = 1 - clamp01((1 / scale - focus.r / 1300) / (1 - focus.r / 1300));
      const x = mix(focus.x, WIDTH / 2, near);
      const y = mix(focus.y, HEIGHT / 2, near);
      pose(field, { x: x - scale * focus.x, y: y - scale * focus.y - HEIGHT * tilt, scale });
      const fallen = EASE.gentle(span(t, length - HANDOVER, HANDOVER));
      place(sun, {
        cx: mix(x, FALLING.x, fallen),
        cy: mix(y, FALLING.y, fallen),
        r: mix(focus.r * scale, FALLING.r, fallen),
      });
      content.style.transform = `translateY(${px(-Math.round(HEIGHT * tilt))})`;
      odometer.turn(t - 0.78, 1);
      rise(lead, t, 0.75);
      rise(often, t, 1);
      rise(key, t, 1.15);
    },
  };
}
