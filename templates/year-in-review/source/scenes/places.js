/** The sun where `favourite` leaves it and this scene takes it up. */
const ORBITING = { r: 40 };

/** Places on the edge of a globe: the sun goes round and each has its morning. */
function createPlaces(length) {
  const GLOBE = { x: 350, y: 540, r: 570 };
  const MERIDIANS = 7;
  /** Half of the arc on which names stand, in degrees, and their size in px, by how many there are. */
  const ARC = [0, 0, 15, 24, 32, 38, 43, 46, 48];
  const SIZE = [190, 230, 190, 170, 150, 130, 112, 100, 88];
  const picture = document.getElementById('places-picture');
  const globe = svg(picture, 'g', {});
  disc(globe, SKY, { r: GLOBE.r });
  const net = svg(globe, 'g', { fill: 'none', stroke: INK, 'stroke-opacity': 0.3, 'stroke-width': 3 });
  const meridians = Array.from({ length: MERIDIANS }, () => svg(net, 'ellipse', { ry: GLOBE.r }));
  for (const latitude of [-60, -30, 0, 30, 60]) {
    const angle = (latitude * Math.PI) / 180;
    const [x, y] = [num(GLOBE.r * Math.cos(angle)), num(GLOBE.r * Math.sin(angle))];
    svg(net, 'path', { d: `M${-x} ${y}H${x}` });
  }
  const stops = Array.from({ length: 8 }, () => disc(picture, SUN));
  const sun = disc(document.getElementById('places-sun'), SUN);
  const count = document.getElementById('places-count');
  const caption = document.getElementById('places-caption');
  const list = document.getElementById('places');
  const ruler = createRuler(document.getElementById('measure'));
  let marks = [];

  const onLimb = (degrees, radius = GLOBE.r) => {
    const angle = (degrees * Math.PI) / 180;
    return { x: GLOBE.x + radius * Math.cos(angle), y: GLOBE.y + radius * Math.sin(angle) };
  };
  /** The sun's way round, in degrees: down over the edge between 0.55 s and 1.75 s. */
  const SWEEP = { from: -68, to: 68, start: 0.55, length: 1.2 };
  const passing = (degrees) => SWEEP.start + (SWEEP.length * (degrees - SWEEP.from)) / (SWEEP.to - SWEEP.from);

  return {
    set({ places }) {
      const names = places.length === 0 ? ['Home, all year'] : places;
      count.firstElementChild.textContent = String(places.length);
      caption.firstElementChild.textContent =
        places.length === 0 ? 'trips this year' : places.length === 1 ? 'place, one card' : 'places, one card';
      marks = names.map((text, i) => {
        const degrees = names.length === 1 ? 0 : mix(-ARC[names.length], ARC[names.length], i / (names.length - 1));
        const { x, y } = onLimb(degrees);
        const label = document.createElement('p');
        label.className = 'place';
        const left = Math.round(x + 62);
        const largest = SIZE[names.length];
        const fit = { width: 1800 - left, largest, smallest: 40, isSingle: true };
        if (names.length < 3)
          Object.assign(fit, { isSingle: false, oneLine: 120, twoLines: 130, smallest: 60, height: 320 });
        const inner = document.createElement('span');
        const set = setText(inner, text, ruler, fit);
        set.units.forEach(({ element, left: at }) => {
          element.style.transform = `translateX(${px(at)})`;
        });
        inner.dir = set.direction;
        label.style.left = px(left);
        label.style.top = px(Math.round(y - set.height / 2));
        label.style.height = px(set.height);
        label.append(inner);
        return { label, degrees, at: passing(degrees), x, y };
      });
      list.replaceChildren(...marks.map(({ label }) => label));
      stops.forEach((stop, i) => {
        stop.setAttribute('visibility', i < marks.length ? 'inherit' : 'hidden');
      });
    },
    draw(t) {
      const come = EASE.settle(span(t, 0, 0.9));
      pose(globe, { x: mix(-GLOBE.r - 60, GLOBE.x, come), y: GLOBE.y });
      meridians.forEach((meridian, i) => {
        const turn = (i / MERIDIANS) * Math.PI + 0.32 * t;
        place(meridian, { rx: Math.abs(GLOBE.r * Math.cos(turn)) });
      });
      const flown = EASE.camera(span(t, 0, SWEEP.start));
      const home = onLimb(SWEEP.from);
      const degrees = mix(SWEEP.from, SWEEP.to, span(t, SWEEP.start, SWEEP.length));
      const fill = EASE.leave(span(t, length - 0.6, 0.6));
      const spot =
        t < SWEEP.start
          ? {
              x: mix(RISEN_BALL.x, home.x, flown),
              y: mix(RISEN_BALL.y, home.y, flown) - 160 * Math.sin(Math.PI * flown),
            }
          : onLimb(degrees + 14 * EASE.rise(span(t, SWEEP.start + SWEEP.length, 0.5)));
      place(sun, {
        cx: mix(spot.x, WIDTH / 2, fill),
        cy: mix(spot.y, HEIGHT / 2, fill),
        r: mix(ORBITING.r, 1250, fill),
      });
      marks.forEach(({ label, at, x, y }, i) => {
        const shown = EASE.settle(span(t, at, 0.55));
        label.style.clipPath = `inset(-30% ${num(100 - 104 * shown)}% -30% -2%)`;
        label.style.transform = `translateX(${px(Math.round(-46 * (1 - shown)))})`;
        place(stops[i], { cx: x, cy: y, r: 17 * EASE.spring(span(t, at - 0.02, 0.4)) });
      });
      rise(count, t, 0.35);
      rise(caption, t, 0.5);
    },
  };
}
