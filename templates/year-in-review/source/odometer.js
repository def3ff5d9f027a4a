// A count as a row of wheels that turn like a meter's: what they show on the way is always a number that was passed.

/** Cell widths in em; a raised dollar sign is set at 0.6 of the size. */
const DIGIT_WIDTH = 0.432;
const CELL_WIDTH = { 1: 0.34, ',': 0.16, $: 0.27, '%': 0.76, '+': 0.37, '−': 0.37 };
const CURRENCY_SCALE = 0.6;

const ODOMETER_HEIGHT = 480;

/** Lays `text` ("$1,284") out in `box` from `left`, no wider than `width`, at most `largest` px tall. Returns how to turn it to a moment. */
function createOdometer(box, text, { width, largest, left: start }) {
  const characters = Array.from(text);
  const digits = characters.filter((c) => c >= '0' && c <= '9').join('');
  const ems = characters.reduce((sum, c) => sum + (CELL_WIDTH[c] ?? DIGIT_WIDTH), 0);
  const size = Math.min(largest, width / ems);
  const cells = [];
  const left = start;
  let place = digits.length;
  box.style.fontSize = px(size);
  box.replaceChildren();
  const glyph = (cellWidth, content) => {
    const element = document.createElement('i');
    element.style.width = px(cellWidth);
    element.style.top = px(Math.round((ODOMETER_HEIGHT - size) / 2));
    element.textContent = content;
    box.append(element);
    return element;
  };
  for (const character of characters) {
    const cellWidth = (CELL_WIDTH[character] ?? DIGIT_WIDTH) * size;
    if (character >= '0' && character <= '9') {
      place--;
      cells.push({ place, width: cellWidth, faces: [glyph(cellWidth, ''), glyph(cellWidth, '')] });
    } else {
      const mark = glyph(cellWidth, character);
      if (character === '$') {
        mark.className = 'currency';
        mark.style.fontSize = px(size * CURRENCY_SCALE);
        mark.style.marginTop = px(Math.round(size * 0.068));
      }
      cells.push({
        place,
        isLead: place === digits.length,
        width: cellWidth,
        mark: character,
        faces: [mark],
      });
    }
  }
  const total = Number(digits);
  return {
    size,
    /** Shows the count `t` seconds after it began; it takes `length` seconds. */
    turn(t, length) {
      const value = total * EASE.count(span(t, 0, length));
      const perFrame = total * (EASE.count(span(t + 1 / 60, 0, length)) - EASE.count(span(t - 1 / 60, 0, length)));
      // Wheels that have not come into play take no room: the count begins at its left edge while it grows.
      const played = cells.map((cell) =>
        cell.place === 0 || cell.isLead ? 1 : opened(value / 10 ** cell.place, perFrame / 10 ** cell.place),
      );
      let x = left;
      cells.forEach((cell, i) => {
        const at = x - (1 - played[i]) * cell.width;
        x = at + cell.width;
        const shown = EASE.settle(span(t, 0.035 * i, 0.5));
        const sink = (1 - shown) * 0.35;
        const unit = 10 ** cell.place;
        if (cell.mark !== undefined) {
          face(cell.faces[0], cell.mark, at, sink, shown * played[i], size);
          return;
        }
        // A wheel turns while the wheels below it pass from 9 to 0; one that spins too fast to read only changes its digit.
        const digit = Math.floor(value / unit);
        const carry = Math.max(0, value - (digit + 1) * unit + 1);
        const slow = clamp01(1.4 - (2.8 * perFrame) / unit);
        // A large figure that changes from frame to frame would flash: it is a shade until it can be followed.
        const solid = shown * mix(0.28, 1, clamp01(1.15 - (6 * perFrame) / unit));
        const roll = EASE.detent(carry) * (cell.place === 0 || carry > 0 ? slow : 0);
        const name = (n) => (n === 0 && cell.place > 0 ? '' : String(n % 10));
        face(cell.faces[0], name(digit), at, sink - roll, solid, size);
        face(cell.faces[1], roll > 0 ? name(digit + 1) : '', at, sink + 1 - roll, solid, size);
      });
    },
  };
}

/** How far a wheel has come into play: it makes room in the few frames before its first digit. */
function opened(turned, perFrame) {
  const lead = Math.min(0.12, Math.max(0.01, 7 * perFrame));
  return EASE.gentle(span(turned, 1 - lead, lead));
}

/** One face of a wheel: `away` digits from the window; it fades and flattens as it turns off. */
function face(element, content, x, away, shown, size) {
  const distance = Math.min(1, Math.abs(away));
  const visible = shown * (1 - distance) ** 1.6;
  if (element.textContent !== content) element.textContent = content;
  element.style.visibility = visible > 0.004 && content !== '' ? 'inherit' : 'hidden';
  element.style.opacity = num(visible);
  element.style.transform = `translate(${px(x)}, ${px(away * size * 0.8)}) scaleY(${num(1 - 0.4 * distance)})`;
}
