/** What was saved: a coin rolls along a rule and the meter counts with it. */
function createSaved(length) {
  const GROUND = 930;
  const RADIUS = 96;
  const STOP = 1660;
  const TICK = 48;
  const picture = document.getElementById('saved-picture');
  const canvas = svg(picture, 'g', {});
  bar(canvas, PAPER, { x: 0, y: GROUND, width: 2 * WIDTH + 400, height: 6 });
  const ticks = [];
  for (let x = TICK; x < WIDTH; x += TICK) ticks.push(bar(canvas, PAPER, { x: x - 2, y: GROUND + 18, width: 4 }));
  const coin = svg(picture, 'g', {});
  disc(coin, SUN, { r: RADIUS });
  const stamp = svg(coin, 'g', {});
  svg(stamp, 'path', { d: halfDisc(46), fill: INK, transform: 'translate(0 6)' });
  bar(stamp, INK, { x: -60, y: 20, width: 120, height: 12, rx: 6 });
  bar(stamp, INK, { x: -34, y: 44, width: 68, height: 12, rx: 6 });
  const content = document.getElementById('saved');
  const lead = document.getElementById('saved-lead');
  const count = document.getElementById('saved-count');
  const note = document.getElementById('saved-note');
  let odometer;
  return {
    set({ saved }) {
      odometer = createOdometer(count, dollars(saved), { width: 1680, largest: 560, left: 0 });
      const daily = saved / 365;
      note.firstElementChild.textContent =
        saved === 0
          ? 'The first dollar is the hardest. It is still yours to save.'
          : daily < 1
            ? `Every cent of it on purpose.`
            : `${dollars(Math.round(daily))} for every day of the year.`;
    },
    draw(t) {
      const gone = departing(t, length) * WIDTH;
      const rolled = EASE.count(span(t, 0, 1.5));
      const x = mix(-RADIUS - 40, STOP, rolled);
      pose(canvas, { x: -gone });
      content.style.transform = `translateX(${px(Math.round(-gone))})`;
      ticks.forEach((tick, i) => {
        const passed = span(x - (i + 1) * TICK, -20, 60);
        place(tick, { height: 10 + (i % 5 === 4 ? 30 : 14) * EASE.settle(passed) });
      });
      // The camera goes after the coin: on screen it falls back to where the next scene has it.
      const back = departing(t, length);
      pose(coin, {
        x: mix(x, PASSED_BALL.x, back),
        y: GROUND - mix(RADIUS, PASSED_BALL.r, back),
        turn: ((x - STOP + gone) / RADIUS) * (180 / Math.PI),
        scale: mix(1, PASSED_BALL.r / RADIUS, back),
      });
      pose(stamp, { scale: 1 - back });
      rise(lead, t, 0.1);
      odometer.turn(t - 0.02, 1.5);
      rise(note, t, 1.1);
    },
  };
}
