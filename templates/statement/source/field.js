// What lies behind the scenes, and what wipes from one to the next: paper, ground, one sun. It knows the time and nothing else.

/** Seconds at which the scenes begin, and the end. */
const CUTS = [0, 2.4, 5.4, 9, 12.6, 15.6, 18];
const WIDTH = 1080;
const HEIGHT = 1920;
const HORIZON = 960;
const COLUMN = 372;
const COLOUR = {
  paper: '#f4ecdd',
  ink: '#12261f',
  pine: '#17443a',
  sun: '#ee4d22',
  straw: '#f3b13d',
  sky: '#bcdcdf',
  rose: '#f0aa93',
};
const SVG = 'http://www.w3.org/2000/svg';

function svg(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  parent.append(element);
  return element;
}

const put = (element, attributes) => {
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
};

/** A drawing that is mirrored where the language runs from right to left. */
const mirrored = (id) => svg(document.getElementById(id), 'g', { class: 'mirrored' });

/** The brand's mark at the size of a poster: where its sun is, and how large one of the mark's 48 units. */
const MARK = { x: 540, y: 760, unit: 15 };

function createField() {
  const field = mirrored('field');
  const ground = svg(field, 'rect', { x: 0, width: WIDTH, height: HEIGHT, fill: COLOUR.pine });
  const sun = svg(field, 'circle', { cx: 760, r: 290, fill: COLOUR.sun });
  field.append(ground);
  const cover = svg(document.getElementById('cover'), 'rect', { x: 0, width: WIDTH, height: HEIGHT, fill: COLOUR.sky });
  const stage = document.getElementById('stage');
  const brand = document.getElementById('brand');
  const background = [COLOUR.paper, COLOUR.paper, COLOUR.paper, COLOUR.sky, COLOUR.sun, COLOUR.paper];
  return (t, scene) => {
    stage.style.background = background[scene];
    put(ground, {
      visibility: scene < 2 ? 'visible' : 'hidden',
      y: Math.round(
        track(
          [
            [0, HEIGHT],
            [0.75, 1190, EASE.settle],
            [1.95, 1190],
            [2.65, HORIZON, EASE.camera],
          ],
          t,
        ),
      ),
    });
    put(sun, {
      visibility: t < 2.7 ? 'visible' : 'hidden',
      cy: num(
        track(
          [
            [0.15, 1500],
            [1.5, 1168, EASE.settle],
            [1.85, 1160],
            [2.6, 1500, EASE.camera],
          ],
          t,
        ),
      ),
    });
    // The next page comes up from below and covers the last.
    put(cover, {
      visibility: t > 8.4 && t < 9 ? 'visible' : 'hidden',
      y: Math.round(HEIGHT * (1 - EASE.camera(span(t, 8.42, 0.56)))),
    });
    brand.style.opacity = num(EASE.gentle(span(t, 0.3, 0.5)) * (1 - EASE.gentle(span(t, 15.35, 0.3))));
  };
}
