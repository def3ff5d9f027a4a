// What every picture here is made of: discs, half discs and bars on one horizon.

const INK = '#0f2b33';
const PAPER = '#f5efe3';
const SUN = '#ff5a33';
const SKY = '#bfe0e2';

const WIDTH = 1920;
const HEIGHT = 1080;
/** Left edge of text and the line that things stand on, in px. */
const MARGIN = 120;
const HORIZON = 760;

/** Appends an SVG element to `parent`. */
function svg(parent, tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  place(element, attributes);
  parent?.append(element);
  return element;
}

function place(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === 'number' ? num(value) : value);
  }
}

const disc = (parent, fill, attributes = {}) => svg(parent, 'circle', { cx: 0, cy: 0, r: 0, fill, ...attributes });
const bar = (parent, fill, attributes = {}) =>
  svg(parent, 'rect', { x: 0, y: 0, width: 0, height: 0, fill, ...attributes });

/** Moves and scales a group; turns are in degrees. */
function pose(group, { x = 0, y = 0, scale = 1, turn = 0 }) {
  group.setAttribute('transform', `translate(${num(x)} ${num(y)}) rotate(${num(turn)}) scale(${num(scale)})`);
}

/** Half a disc of radius `r` that stands on y = 0. */
const halfDisc = (r) => `M${num(-r)} 0A${num(r)} ${num(r)} 0 0 1 ${num(r)} 0Z`;

/**
 * A line of text that rises out of its own lower edge at `from` and, unless `to` is left out, leaves over the upper one before `to`.
 * `element` is a `.rise`: a box that clips, with the text in its only child.
 */
function rise(element, t, from, to = Number.POSITIVE_INFINITY, length = 0.7) {
  const shift = 112 * (1 - EASE.settle(span(t, from, length))) - 112 * EASE.leave(span(t, to - 0.32, 0.32));
  element.firstElementChild.style.transform = `translateY(${num(shift)}%)`;
  element.style.visibility = Math.abs(shift) >= 111.9 ? 'hidden' : 'inherit';
}
