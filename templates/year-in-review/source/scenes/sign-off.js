/** The sun sets into the brand's mark. */
function createSignOff() {
  const MEDAL = { x: 520, y: 540, r: 350 };
  const MARK = { x: 960, y: 420, r: 190 };
  const picture = document.getElementById('sign-off-picture');
  const paper = disc(picture, PAPER, { cx: MEDAL.x, cy: MEDAL.y });
  const clip = bar(svg(svg(picture, 'defs', {}), 'clipPath', { id: 'mark-above' }), INK, { width: WIDTH });
  const sun = disc(svg(picture, 'g', { 'clip-path': 'url(#mark-above)' }), SUN);
  const lines = [
    [48, 522, 0.35],
    [144, 286, 0.45],
  ].map(([y, width, at]) => ({ width, at, element: bar(picture, INK, { y: MARK.y + y, height: 48, rx: 24 }) }));
  const words = document.getElementById('sign-off-words');
  const link = document.getElementById('sign-off-link');
  return {
    draw(t) {
      place(paper, { r: 1650 * EASE.camera(span(t, -0.1, 0.75)) });
      const over = EASE.camera(span(t, 0.05, 0.75));
      const down = EASE.camera(span(t, 0.45, 0.75));
      const y = mix(MEDAL.y, MARK.y - MARK.r - 10, over);
      place(sun, { cx: mix(MEDAL.x, MARK.x, over), cy: mix(y, MARK.y, down), r: mix(MEDAL.r, MARK.r, over) });
      place(clip, { height: over < 1 ? HEIGHT : MARK.y });
      for (const { width, at, element } of lines) {
        const k = EASE.settle(span(t, at + 0.3, 0.7));
        place(element, { x: MARK.x - (width / 2) * k, width: width * k });
      }
      rise(words, t, 0.75);
      rise(link, t, 0.95);
    },
  };
}
