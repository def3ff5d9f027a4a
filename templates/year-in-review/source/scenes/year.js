/**
 * The sun rises as the zero of the year, which is why `year` lies between 2000 and 2099. Then it comes close and is all there is.
 */
function createYear(length) {
  const FIGURE = 800;
  const RADIUS = 264;
  const ZERO = { x: 782, y: HORIZON - RADIUS };
  const LEFTS = [162, 1070, 1414];
  const picture = document.getElementById('year-picture');
  const line = bar(picture, INK, { y: HORIZON, height: 10 });
  const clip = bar(svg(svg(picture, 'defs', {}), 'clipPath', { id: 'year-above' }), INK, { width: WIDTH });
  const sun = disc(svg(picture, 'g', { 'clip-path': 'url(#year-above)' }), SUN);
  const figures = Array.from(document.querySelectorAll('#year-figures i'));
  const caption = document.getElementById('year-caption');
  figures.forEach((figure, i) => {
    figure.style.left = px(LEFTS[i]);
    figure.style.fontSize = px(FIGURE);
  });
  return {
    set({ year }) {
      const [first, , third, fourth] = String(year);
      [first, third, fourth].forEach((digit, i) => {
        figures[i].textContent = digit;
      });
    },
    draw(t) {
      const close = EASE.leave(span(t, length - 0.5, 0.5));
      const risen = EASE.settle(span(t, -0.25, 1.1));
      place(line, { x: 0, width: WIDTH * EASE.settle(span(t, -0.3, 0.9)) });
      place(clip, { height: close > 0 ? HEIGHT : HORIZON });
      place(sun, {
        cx: mix(ZERO.x, WIDTH / 2, close),
        cy: ZERO.y + 2 * RADIUS * (1 - risen),
        r: mix(RADIUS, 1250, close),
      });
      figures.forEach((figure, i) => {
        const up = EASE.spring(span(t, 0.06 + 0.09 * i, 0.75));
        figure.style.transform = `translateY(${px(Math.round((1 - up) * 640))})`;
      });
      rise(caption, t, 0.45);
    },
  };
}
