/** Where the coin of `saved` and the ball of this scene are at the cut between them, on GROUND. */
const PASSED_BALL = { x: 560, r: 46 };
/** Where the ball of this scene has flown at its end. */
const RISEN_BALL = { x: 1370, y: 540, r: 150 };

/** Twelve months as a keyboard: the ball plays one on every sixteenth. */
function createMonths(length) {
  const GROUND = 930;
  const TALLEST = 440;
  const STUB = 10;
  const SLOT = 140;
  const BAR = 108;
  const FIRST = 0.6;
  const BEAT = 0.15;
  const picture = document.getElementById('months-picture');
  const before = bar(picture, INK, { width: WIDTH, height: HEIGHT });
  const rule = bar(picture, PAPER, { y: GROUND, width: WIDTH, height: 6 });
  const canvas = svg(picture, 'g', {});
  bar(canvas, INK, { x: 0, y: GROUND, width: 2 * WIDTH, height: 6 });
  const bars = MONTHS.map((_, i) => bar(canvas, INK, { x: MARGIN + SLOT * i + (SLOT - BAR) / 2, width: BAR }));
  const ball = disc(picture, SUN);
  const content = document.getElementById('months');
  const best = document.getElementById('months-best');
  const lead = document.getElementById('months-lead');
  const note = document.getElementById('months-note');
  const letters = MONTHS.map((month, i) => {
    const letter = document.createElement('i');
    letter.textContent = month[0];
    letter.style.left = px(MARGIN + SLOT * i);
    content.append(letter);
    return letter;
  });
  const landing = (i) => FIRST + BEAT * i;
  let heights = [];
  let peak = 0;
  let isEmpty = false;

  /** Height of a bar: it grows just ahead of the ball, and gives way under it. */
  const heightAt = (i, t) => {
    const grown = EASE.spring(span(t, landing(i) - 0.32, 0.3));
    const since = t - landing(i);
    const dip = since > 0 ? 16 * Math.exp(-9 * since) * Math.sin(22 * since) : 0;
    return Math.max(STUB, mix(STUB, heights[i], grown) - dip);
  };
  const centre = (i) => MARGIN + SLOT * (i + 0.5);
  const topOf = (i, t) => GROUND - heightAt(i, t) - PASSED_BALL.r;

  const ballAt = (t) => {
    if (t < landing(0)) {
      const k = span(t, 0.2, landing(0) - 0.2);
      const from = { x: PASSED_BALL.x, y: GROUND - PASSED_BALL.r };
      return hop(from, { x: centre(0), y: topOf(0, landing(0)) }, k, 130);
    }
    const last = MONTHS.length - 1;
    if (t >= landing(last)) {
      const leap = EASE.camera(span(t, length - 0.85, 0.85));
      const from = { x: centre(last), y: topOf(last, t) };
      return { ...hop(from, RISEN_BALL, leap, 120), r: mix(PASSED_BALL.r, RISEN_BALL.r, leap) };
    }
    const i = Math.floor((t - FIRST) / BEAT + 1e-6);
    const k = (t - landing(i)) / BEAT;
    const to = { x: centre(i + 1), y: topOf(i + 1, landing(i + 1)) };
    return hop({ x: centre(i), y: topOf(i, t) }, to, k, 46);
  };

  return {
    set({ monthlySpending }) {
      const most = Math.max(...monthlySpending);
      isEmpty = most === 0;
      peak = monthlySpending.indexOf(most);
      heights = monthlySpending.map((value) => (most === 0 ? STUB : STUB + (TALLEST - STUB) * (value / most)));
      lead.firstElementChild.textContent = isEmpty ? 'Twelve months, and' : 'You spent most in';
      best.firstElementChild.textContent = isEmpty ? 'Not a dollar spent' : MONTHS[peak];
      note.firstElementChild.textContent = isEmpty ? '' : dollars(most);
    },
    draw(t) {
      const pan = Math.round(WIDTH * (1 - arriving(t)));
      const tilt = Math.round(HEIGHT * departing(t, length));
      place(before, { x: pan - WIDTH });
      place(rule, { x: pan - WIDTH });
      pose(canvas, { x: pan, y: tilt });
      content.style.transform = `translate(${px(pan)}, ${px(tilt)})`;
      const told = isEmpty ? landing(0) : landing(peak);
      bars.forEach((element, i) => {
        const height = heightAt(i, t);
        const isBest = !isEmpty && i === peak && t >= told - 1e-6;
        place(element, { y: GROUND - height, height, fill: isBest ? SUN : INK });
      });
      const { x, y, r = PASSED_BALL.r } = ballAt(t);
      place(ball, { cx: x, cy: y, r });
      rise(lead, t, 0.4);
      rise(best, t, told);
      rise(note, t, told + 0.1);
    },
  };
}

/** A thrown ball's way from one point to another, `lift` px above the straight line in the middle. */
function hop(from, to, k, lift) {
  return { x: mix(from.x, to.x, k), y: mix(from.y, to.y, k) - lift * 4 * k * (1 - k) };
}
