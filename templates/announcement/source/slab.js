// The card as a thing in space: a plate that is seen from the front, from its edge, and all that lies between, without perspective.

const CARD = { width: 880, height: 555, corner: 36 };

/** A clear border keeps the smoothed edge inside the box that Chromium repaints when the shape moves. */
const CLEAR = 2;

/** Where the card is: middle in px, scale, tilt in degrees (90: on edge), thickness in px. [seconds, value, ease into it] */
const SLAB = {
  x: [
    [5.6, 540],
    [6.26, 822, EASE.camera],
    [8.5, 822],
    [9.1, 540, EASE.camera],
  ],
  y: [
    [0, 299],
    [0.8, 341, EASE.gentle],
    [1.45, 700, EASE.camera],
    [3.24, 700],
    [4.3, 432, EASE.grow],
    [5.6, 432],
    [6.26, 1086, EASE.camera],
    [8.5, 1086],
    [9.1, 640, EASE.camera],
    [9.2, 640],
    [9.95, 474, EASE.camera],
  ],
  scale: [
    [0, 2.85],
    [0.8, 2.7, EASE.gentle],
    [1.45, 1, EASE.camera],
    [5.6, 1],
    [6.26, 1.75, EASE.camera],
    [8.5, 1.75],
    [9.1, 1, EASE.camera],
    [9.2, 1],
    [9.95, 0.3125, EASE.camera],
  ],
  tilt: [
    [0.8, 0],
    [1.45, 90, EASE.camera],
    [3.24, 90],
    [4.3, 0, EASE.grow],
    [8.5, 0],
    [9.1, 90, EASE.camera],
  ],
  thickness: [
    [9.2, 16],
    [9.95, 25, EASE.camera],
  ],
};

function createSlab() {
  const [shadow, rim, face] = ['shadow', 'rim', 'face'].map((id) => document.getElementById(id));
  const place = (element, left, top, width, height, across, along) => {
    element.style.transform = `translate(${px(left - CLEAR)}, ${px(top - CLEAR)})`;
    element.style.width = px(width + 2 * CLEAR);
    element.style.height = px(height + 2 * CLEAR);
    element.style.borderRadius = `${px(across + CLEAR)} / ${px(along + CLEAR)}`;
  };
  return (t) => {
    const [x, y, scale, tilt, thickness] = Object.keys(SLAB).map((name) => track(SLAB[name], t));
    const angle = (tilt * Math.PI) / 180;
    // Not exactly nothing on edge, where a face of no height at all would be no box.
    const [flat, upright] = [Math.max(0.0001, Math.cos(angle)), Math.sin(angle)];
    const edge = Math.round(thickness * upright);
    const [width, height] = [2 * Math.round((CARD.width * scale) / 2), Math.round(CARD.height * scale * flat)];
    const left = Math.round(x - width / 2);
    const top = Math.round(y - (height + edge) / 2);
    // On edge there are no corners to be seen; the last of them go when it is nearly there.
    const across = mix(edge / 2, CARD.corner * scale, clamp01(flat / 0.12));
    const along = Math.max(CARD.corner * scale * flat, (edge / 2) * upright);
    // A rounded rectangle that is drawn out downwards is one that is higher, with the same corners.
    place(rim, left, top, width, height + edge, across, along);
    place(shadow, left + Math.round(14 * scale * flat), top + Math.round(22 * scale * flat), width, height + edge, across, along);
    face.style.visibility = height > 1 ? 'inherit' : 'hidden';
    face.style.transform = `translate(${px(left)}, ${px(top)}) scale(${width / CARD.width}, ${Math.max(1, height) / CARD.height})`;
  };
}
