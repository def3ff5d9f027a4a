// A count as a row of wheels. Each wheel's travel ends on its digit; a wheel that would spin too fast to read takes fewer turns.

const MOST_TURNS = 3;
const DIGIT_WIDTH = 0.63;
const MARK_WIDTH = { ',': 0.29, $: 0.62 };

/** Lays `text` ("$1,284") out in `box`, no wider than `width`, at most `largest` px tall. Returns how to turn it to a moment. */
function createOdometer(box, text, { width, largest, centre }) {
  const characters = Array.from(text);
  const digits = characters.filter((c) => c >= '0' && c <= '9').join('');
  const ems = characters.reduce((sum, c) => sum + (MARK_WIDTH[c] ?? DIGIT_WIDTH), 0);
  const size = Math.min(largest, width / ems);
  const cells = [];
  let x = centre - (ems * size) / 2;
  let place = digits.length;
  box.style.fontSize = px(size);
  box.replaceChildren();
  const glyph = (left, cellWidth, content) => {
    const element = document.createElement('i');
    element.style.left = px(left);
    element.style.width = px(cellWidth);
    element.style.top = px((360 - size) / 2);
    element.textContent = content;
    box.append(element);
    return element;
  };
  for (const character of characters) {
    const cellWidth = (MARK_WIDTH[character] ?? DIGIT_WIDTH) * size;
    if (character >= '0' && character <= '9') {
      place--;
      const upTo = Number(digits.slice(0, digits.length - place));
      const turns = Math.min(Math.floor(upTo / 10), MOST_TURNS);
      cells.push({ place, leading: digits.length > 1 && turns === 0, travel: turns * 10 + Number(character), faces: [glyph(x, cellWidth, ''), glyph(x, cellWidth, '')] });
    } else {
      cells.push({ place: character === '$' ? digits.length : place, mark: character, faces: [glyph(x, cellWidth, character)] });
    }
    x += cellWidth;
  }
  const count = digits.length;
  return {
    /** `t`: seconds since the count began. */
    turn(t, length) {
      for (const cell of cells) {
        const order = (count - 1 - Math.min(cell.place, count - 1)) / Math.max(count - 1, 1);
        if (cell.mark !== undefined) {
          const k = EASE.settle(span(t, cell.mark === '$' ? 0 : 0.08 + 0.3 * order, 0.5));
          place1(cell.faces[0], cell.mark, mix(0.3, 0, k), k, size);
          continue;
        }
        const k = EASE.count(span(t, 0.05 * order * count, length - 0.22 + 0.22 * order - 0.05 * order * count));
        const position = cell.travel * k;
        const low = Math.floor(position);
        const offset = position - low;
        const shown = EASE.settle(span(t, 0.06 * order * Math.min(count, 5), 0.45));
        const name = (n) => (cell.leading && n === 0 ? '' : String(n % 10));
        place1(cell.faces[0], name(low), -offset + (1 - shown) * 0.35, shown, size);
        place1(cell.faces[1], offset > 0 ? name(low + 1) : '', 1 - offset + (1 - shown) * 0.35, shown, size);
      }
    },
  };
}

/** One face of a wheel: `away` digits from the window; it fades and flattens as it turns off. */
function place1(element, content, away, shown, size) {
  const distance = Math.min(1, Math.abs(away));
  const opacity = num(shown * (1 - distance) ** 1.25);
  if (element.textContent !== content) element.textContent = content;
  element.style.visibility = opacity > 0.004 && content !== '' ? 'inherit' : 'hidden';
  element.style.opacity = opacity;
  element.style.transform = `translateY(${px(away * size * 0.62)}) scaleY(${num(1 - 0.34 * distance * distance)})`;
}
