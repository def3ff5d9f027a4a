// Text: broken into lines as large as its box allows.

const graphemes = (text) =>
  Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text), (s) => s.segment);
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** Scripts that write no space between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** What fits between tight lines: no stacked vowels, no deep tails. */
const COMPACT =
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Common}\p{Script=Inherited}]*$/u;

/** Measures with the page's own layout, outside every transform; widths are remembered until `clear`. */
const ruler = {
  element: document.getElementById('measure'),
  widths: new Map(),
  /** Width of `text` at 100 px, in the style of `like`. */
  width(text, like) {
    const key = `${like}\n${text}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      this.element.className = like;
      this.element.textContent = text;
      width = this.element.offsetWidth + 1;
      this.widths.set(key, width);
    }
    return width;
  },
  direction(text) {
    this.element.dir = 'auto';
    this.element.textContent = text;
    const { direction } = getComputedStyle(this.element);
    this.element.removeAttribute('dir');
    return direction;
  },
  clear() {
    this.widths.clear();
    this.element.className = '';
    this.element.textContent = '';
  },
};

/** The pieces between which a line may end. Spaces and hyphens stay at the end of theirs. */
function breakable(text) {
  return text.split(/(?<=\s)(?=\S)|(?<=[^\s\p{Pd}/][\p{Pd}/])(?=[^\s\p{Pd}/])/u).flatMap((word) => {
    if (!UNSPACED.test(word)) return [word];
    return Array.from(new Intl.Segmenter('ja', { granularity: 'word' }).segment(word), ({ segment }) => segment);
  });
}

/** Fills lines of `width` (at 100 px) one after the other. `split` allows a line to end within a word. */
function fill(pieces, width, like, split) {
  const lines = [''];
  const fits = (line) => ruler.width(line.trimEnd(), like) <= width;
  for (const piece of pieces) {
    const line = lines[lines.length - 1];
    if (fits(line + piece)) lines[lines.length - 1] += piece;
    else if (fits(piece)) lines.push(piece);
    else if (!split) return null;
    else {
      if (line !== '') lines.push('');
      for (const letter of graphemes(piece)) {
        const last = lines[lines.length - 1];
        if (last === '' || fits(last + letter)) lines[lines.length - 1] += letter;
        else lines.push(letter);
      }
    }
  }
  return lines.filter((line) => line !== '').map((line) => line.trimEnd());
}

/**
 * Breaks `text` into lines and finds the largest size at which they fit the box; then makes the lines as even as can be. Within a
 * word a line ends only where the text would otherwise be smaller than `whole` px.
 */
function fitLines(text, { width, height, largest, smallest, whole, tight, like }) {
  const pieces = breakable(text.trim() === '' ? text : text.trim());
  const leading = COMPACT.test(text) ? tight : Math.max(tight, 1.42);
  const at = (size, split) => {
    const lines = fill(pieces, (width / size) * 100, like, split);
    return lines && lines.length * Math.round(size * leading) <= height ? lines : null;
  };
  const search = (split, floor) => {
    for (let size = largest; size >= floor; size -= size > 80 ? 4 : 2) {
      const lines = at(size, split);
      if (lines) return { size, lines, split };
    }
    return null;
  };
  const found = search(false, whole) ??
    search(true, smallest) ?? {
      size: smallest,
      lines: fill(pieces, (width / smallest) * 100, like, true),
      split: true,
    };
  let { lines } = found;
  if (!found.split && lines.length > 1) {
    let low = 0.3;
    let high = 1;
    for (let i = 0; i < 7; i++) {
      const middle = (low + high) / 2;
      const narrower = fill(pieces, ((width * middle) / found.size) * 100, like, false);
      if (narrower && narrower.length === lines.length) {
        high = middle;
        lines = narrower;
      } else low = middle;
    }
  }
  return { size: found.size, lineHeight: Math.round(found.size * leading), lines };
}

/** Sets `text` into `box`, a line in an element each. Returns how it lies: size, direction, height, and the width of its widest line. */
function setLines(box, text, options) {
  const like = KANA.test(text) ? `${options.like} ja` : options.like;
  const { size, lineHeight, lines } = fitLines(text, { ...options, like });
  const direction = ruler.direction(text);
  const widest = Math.max(...lines.map((line) => ruler.width(line, like)));
  box.className = `${box.className.replace(/ ?\b(display|plain|ja)\b/g, '')} ${like}`;
  box.dir = direction;
  box.style.fontSize = px(size);
  box.style.lineHeight = px(lineHeight);
  box.replaceChildren(
    ...lines.map((content) => {
      const line = document.createElement('span');
      line.className = 'line';
      line.textContent = content;
      return line;
    }),
  );
  return { size, direction, height: lineHeight * lines.length, width: Math.ceil((widest * size) / 100) };
}
