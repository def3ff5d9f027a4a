/** This year and last year on a see-saw: areas as what was saved, and the heavier one goes down. */
function createChange(length) {
  const PIVOT = { x: 1330, y: 846 };
  const ARM = 420;
  const THICK = 20;
  const LARGEST = 160;
  const STEEPEST = 11;
  const picture = document.getElementById('change-picture');
  const ground = bar(picture, INK, { y: 940, height: 10 });
  const fulcrum = svg(picture, 'path', { d: halfDisc(94), fill: INK });
  const board = svg(picture, 'g', {});
  const last = disc(board, SKY);
  const now = disc(board, PAPER);
  const plank = bar(svg(picture, 'g', {}), INK);
  const lead = document.getElementById('change-lead');
  const count = document.getElementById('change-count');
  const note = document.getElementById('change-note');
  const labels = Array.from(document.querySelectorAll('.change-label'));
  let odometer;
  let radii = [LARGEST, LARGEST];
  let lean = 0;
  return {
    set({ savingsChangePercent: change }) {
      const sign = change > 0 ? '+' : change < 0 ? '−' : '';
      odometer = createOdometer(count, `${sign}${Math.abs(change)}%`, { width: 660, largest: 400, left: 0 });
      note.firstElementChild.textContent =
        change > 0 ? 'You put more aside.' : change < 0 ? 'You put less aside.' : 'Exactly level.';
      const ratio = Math.sqrt(1 + change / 100);
      radii = [LARGEST / Math.max(1, ratio), (LARGEST * ratio) / Math.max(1, ratio)].map((r) =>
        Math.max(14, Math.round(r)),
      );
      lean = STEEPEST * Math.tanh(change / 45);
    },
    draw(t) {
      const base = EASE.settle(span(t, 0, 0.6));
      place(ground, { x: PIVOT.x - PIVOT.x * base, width: WIDTH * base });
      pose(fulcrum, { x: PIVOT.x, y: 940 + 110 * (1 - base) });
      const landed = [0.6, 0.9];
      // Down on the left when last year lands, then over to where both of them leave it.
      const alone = -STEEPEST * (1 - swing(t - landed[0], 11, 7));
      const both = mix(alone, lean, 1 - swing(t - landed[1], 8.5, 4.2));
      const turn = t < landed[1] ? alone : both;
      // It grows across the frame first, then turns as it thickens.
      const across = EASE.camera(span(t, length - 0.55, 0.4));
      const wipe = EASE.leave(span(t, length - 0.42, 0.42));
      pose(board, { x: PIVOT.x, y: PIVOT.y, turn });
      pose(plank.parentNode, { x: PIVOT.x, y: PIVOT.y, turn: mix(turn, -24, wipe) });
      const half = mix(ARM + 60, 2300, across) * EASE.settle(span(t, 0.12, 0.6));
      const thick = mix(THICK, 2900, wipe);
      place(plank, { x: -half, width: 2 * half, y: -thick / 2, height: thick });
      [last, now].forEach((element, i) => {
        const drop = EASE.fall(span(t, landed[i] - 0.4, 0.4));
        place(element, {
          cx: i === 0 ? -ARM + radii[0] * 0.4 : ARM - radii[1] * 0.4,
          cy: -THICK / 2 - radii[i] - 1100 * (1 - drop),
          r: radii[i],
        });
      });
      labels.forEach((label, i) => {
        rise(label, t, landed[i] + 0.05);
      });
      rise(lead, t, 0.15);
      odometer.turn(t - 0.55, 0.75);
      rise(note, t, 1.05);
    },
  };
}
