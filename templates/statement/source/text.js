// Text: broken into lines as large as its box allows, and amounts whose figures are large and whose signs are small.

const graphemes = (text) =>
  Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text), (s) => s.segment);
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** Scripts that write no space between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** What fits between tight lines: no stacked vowels, no deep tails. */
const COMPACT =
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Common}\p{Script=Inherited}]*$/u;
const FIGURES = /[\p{Sc}\p{N}][\p{Sc}\p{N}.,٫٬’' \u00a0\u202f]*[\p{Sc}\p{N}%٪]?(?:[ \u00a0\u202f]?[%٪\p{Sc}])?/gu;

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

/** The pieces between which a line may end. Spaces and hyphens stay at the end of theirs, a number with what it counts. */
function breakable(text) {
  return text.split(/(?<=\s)(?=\S)|(?<=[^\s\p{Pd}/][\p{Pd}/])(?=[^\s\p{Pd}/])/u).flatMap((word) => {
    if (!UNSPACED.test(word)) return [word];
    const pieces = [];
    for (const { segment, isWordLike } of new Intl.Segmenter('ja', { granularity: 'word' }).segment(word)) {
      const last = pieces[pieces.length - 1];
      if (last === undefined || (isWordLike && !/\p{N}$/u.test(last))) pieces.push(segment);
      else pieces[pieces.length - 1] += segment;
    }
    return pieces;
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
function fitLines(text, { width, height, largest, smallest, whole, tight = 1.02, like }) {
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

/**
 * Sets lines into `box`, each in a box of its own that it slides out of. `marked`: figures are set apart. Returns how to show them:
 * `t` seconds after the first began, each `step` seconds after the one before.
 */
function setLines(box, text, options, marked = false) {
  const fitted = fitLines(text, options);
  const direction = ruler.direction(text);
  const lines = fitted.lines.map((content) => {
    const clip = document.createElement('div');
    const line = document.createElement('span');
    clip.className = 'clip';
    line.className = 'line';
    line.dir = direction;
    if (marked) line.append(...withFigures(content));
    else line.textContent = content;
    clip.append(line);
    return { clip, line };
  });
  box.style.fontSize = px(fitted.size);
  box.style.lineHeight = px(fitted.lineHeight);
  box.replaceChildren(...lines.map(({ clip }) => clip));
  return {
    height: fitted.lineHeight * lines.length,
    size: fitted.size,
    show(t, step = 0.09) {
      lines.forEach(({ line }, i) => {
        slide(line, EASE.settle(span(t, i * step, 0.85)));
      });
    },
  };
}

function withFigures(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(FIGURES)) {
    const figure = match[0].trimEnd();
    const mark = document.createElement('b');
    mark.textContent = figure;
    if (match.index > at) nodes.push(text.slice(at, match.index));
    nodes.push(mark);
    at = match.index + figure.length;
  }
  return at < text.length ? [...nodes, text.slice(at)] : nodes;
}

/** Out of its clip from below: 0 is hidden, 1 is in place. */
function slide(element, k) {
  element.style.visibility = k > 0 ? 'inherit' : 'hidden';
  element.style.transform = k < 1 ? `translateY(${num(118 * (1 - k))}%)` : 'none';
}

/** Parts of a formatted amount as runs of one look: its figures, its fraction, and signs by their own names. */
function runsOf(parts) {
  const runs = [];
  for (const { type, value } of parts) {
    const kind = type === 'integer' || type === 'group' ? 'figures' : type === 'decimal' ? 'fraction' : type;
    const last = runs[runs.length - 1];
    if (last?.kind === kind) last.text += value;
    else runs.push({ kind, text: value });
  }
  return runs;
}

/** An amount in `element`, as large as the widest of `values` allows. Returns how to show another value. */
function setAmount(element, values, parts, { width, largest }) {
  let shown = null;
  let kinds = '';
  const show = (minor) => {
    const rounded = Math.round(minor);
    if (rounded === shown) return;
    shown = rounded;
    const runs = runsOf(parts(rounded));
    const now = runs.map(({ kind }) => kind).join(' ');
    if (now !== kinds) {
      kinds = now;
      element.replaceChildren(
        ...runs.map(({ kind }) => {
          const run = document.createElement('span');
          run.className = kind;
          run.append('');
          return run;
        }),
      );
    }
    runs.forEach(({ text }, i) => {
      element.children[i].firstChild.data = text;
    });
  };
  const length = (minor) =>
    parts(minor)
      .map(({ value }) => value)
      .join('').length;
  const longest = Math.max(...values.map(length));
  element.style.fontSize = '100px';
  let widest = 1;
  for (const value of new Set(values.filter((v) => length(v) === longest))) {
    show(value);
    // On its way an amount has other digits, which are not as wide everywhere: each is tried in all places.
    const zero = /\p{Nd}/u.exec(element.textContent)[0] <= '9' ? 0x30 : 0x660;
    const said = Array.from(element.children, ({ textContent }) => textContent);
    for (let digit = 0; digit <= (zero === 0x30 ? 0 : 9); digit++) {
      said.forEach((text, i) => {
        element.children[i].firstChild.data = text.replace(/\p{Nd}/gu, String.fromCharCode(zero + digit));
      });
      widest = Math.max(widest, element.offsetWidth + 2);
    }
  }
  shown = null;
  element.style.fontSize = px(Math.min(largest, Math.floor((100 * width) / widest)));
  return show;
}
