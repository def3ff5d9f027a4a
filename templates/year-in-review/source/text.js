// Text: number formats, and a name set as large as its box allows.

const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const dollars = (n) => `$${grouped(n)}`;

const graphemes = (text) =>
  Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text), (s) => s.segment);
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** Scripts whose letters keep their shape when they are set one by one. */
const DETACHED =
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Armenian}\p{Script=Georgian}\p{Script=Common}\p{Script=Inherited}]*$/u;
/** Scripts that may be set solid: nothing of them reaches far above or below. */
const TIGHT = /^[\p{Script=Latin}\p{Script=Han}\p{Script=Common}]*$/u;
const leadingOf = (text) => (TIGHT.test(text) ? 1.02 : 1.24);
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;

/** How a text is set: one line as long as it stays large, then two lines, then smaller, then an ellipsis. All in px but `tracking` (em). */
const NAME_FIT = { width: 1680, largest: 320, oneLine: 190, twoLines: 184, smallest: 72, height: 376 };
const TRACKING = -0.005;

/** Measures with the page's own layout, outside every transform. */
function createRuler(element) {
  element.dir = 'auto';
  return {
    style(fontSize, japanese) {
      element.className = japanese ? 'ja' : '';
      element.style.fontSize = px(fontSize);
      element.style.letterSpacing = `${TRACKING}em`;
    },
    width(text) {
      element.textContent = text;
      return element.getBoundingClientRect().width;
    },
    direction(text) {
      element.textContent = text;
      return getComputedStyle(element).direction;
    },
    /** Left edge of each piece of `text`, in CSS pixels from its start. */
    lefts(text, pieces) {
      element.textContent = text;
      const node = element.firstChild;
      const origin = element.getBoundingClientRect().left;
      const range = document.createRange();
      let at = 0;
      return pieces.map((piece) => {
        range.setStart(node, at);
        range.setEnd(node, at + piece.length);
        at += piece.length;
        return range.getBoundingClientRect().left - origin;
      });
    },
    clear() {
      element.textContent = '';
      element.removeAttribute('style');
      element.className = '';
    },
  };
}

const WORDS = new Intl.Segmenter('en', { granularity: 'word' });

/** Where a line may end, best first: at spaces, else between words (of scripts that set no spaces), else between letters. */
function breaksOf(text) {
  const inside = (at) => at > 0 && at < text.length;
  const starts = (segments) => Array.from(segments, ({ index }) => index).filter(inside);
  const letters = starts(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text));
  const words = starts(WORDS.segment(text.trim()));
  const spaces = letters.filter((at) => /\s$/u.test(text.slice(0, at)));
  return [spaces, words, letters].filter((cuts) => cuts.length > 0);
}

/** Splits into two lines whose wider one is as narrow as can be, at the best break that leaves them large enough. */
function balance(text, width, fit) {
  let best;
  for (const cuts of breaksOf(text)) {
    for (const cut of cuts) {
      const lines = [text.slice(0, cut).trimEnd(), text.slice(cut).trimStart()];
      const widest = Math.max(width(lines[0]), width(lines[1]));
      if (!best || widest < best.widest - 0.01) best = { lines, widest };
    }
    if ((fit.width / best.widest) * 100 >= fit.smallest) return best;
  }
  return best ?? { lines: [text], widest: width(text) };
}

/** Size, lines and direction of a text: shrink, then two lines, then an ellipsis. */
function fitText(text, ruler, fit) {
  const japanese = KANA.test(text);
  const leading = leadingOf(text);
  ruler.style(100, japanese);
  const direction = ruler.direction(text);
  const single = (fit.width / ruler.width(text)) * 100;
  if (fit.isSingle) {
    const size = Math.floor(Math.max(fit.smallest, Math.min(fit.largest, single)));
    ruler.style(size, japanese);
    return { japanese, direction, size, lines: [ellipsis(text, ruler, fit.width)] };
  }
  if (single >= fit.oneLine || graphemes(text).length === 1) {
    return {
      japanese,
      direction,
      size: Math.floor(Math.min(fit.largest, single, fit.height / leading)),
      lines: [text],
    };
  }
  const { lines, widest } = balance(text, ruler.width, fit);
  const size = Math.min(fit.twoLines, (fit.width / widest) * 100, fit.height / (2 * leading));
  if (size >= fit.smallest) return { japanese, direction, size: Math.floor(size * 4) / 4, lines };
  ruler.style(fit.smallest, japanese);
  return { japanese, direction, size: fit.smallest, lines: lines.map((line) => ellipsis(line, ruler, fit.width)) };
}

function ellipsis(line, ruler, width) {
  if (ruler.width(line) <= width) return line;
  const letters = graphemes(line);
  let low = 0;
  let high = letters.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ruler.width(`${letters.slice(0, middle).join('')}…`) <= width) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join('')}…`;
}

/**
 * Builds a text from scratch in `box` and returns its moving pieces (letters, or words where letters join) and its height in px.
 * A piece's place is for its transform: an element that turns must not also sit on a fraction of a pixel.
 */
function setText(box, given, ruler, fit) {
  const text = given.normalize('NFC');
  const { japanese, direction, size, lines } = fitText(text, ruler, fit);
  ruler.style(size, japanese);
  const lineHeight = Math.round(size * leadingOf(text));
  const units = [];
  const rows = lines.map((line) => {
    const row = document.createElement('span');
    row.className = 'line';
    row.style.height = px(lineHeight);
    const detached = DETACHED.test(line) && !RIGHT_TO_LEFT.test(line);
    const pieces = detached ? graphemes(line) : line.split(/(?<=\s)(?=\S)/u);
    const mixed = RIGHT_TO_LEFT.test(line) && /[\p{Script=Latin}\p{N}]/u.test(line);
    const parts = mixed ? [line] : pieces;
    const lefts = ruler.lefts(line, parts);
    parts.forEach((part, i) => {
      const unit = document.createElement('span');
      unit.className = 'unit';
      unit.dir = direction;
      unit.textContent = part;
      row.append(unit);
      units.push({ element: unit, left: lefts[i] });
    });
    return row;
  });
  ruler.clear();
  box.classList.toggle('ja', japanese);
  box.style.fontSize = px(size);
  box.style.lineHeight = px(lineHeight);
  box.style.height = px(lineHeight * lines.length);
  box.style.letterSpacing = `${TRACKING}em`;
  box.replaceChildren(...rows);
  return { units, direction, size, lines: lines.length, height: lineHeight * lines.length };
}

/** Sets `element`'s text at `size` px, or smaller so that its line is at most `width` px long. Returns the size. */
function fitWidth(element, size, width) {
  element.style.fontSize = px(size);
  const range = document.createRange();
  range.selectNodeContents(element);
  const natural = range.getBoundingClientRect().width;
  const fitting = natural > width ? Math.floor((size * width) / natural) : size;
  element.style.fontSize = px(fitting);
  return fitting;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const plural = (n, one, many) => `${grouped(n)} ${n === 1 ? one : many}`;

/** How often something happened `count` times in a year, in the unit that gives a small number. */
function rhythm(count) {
  const hours = 8760 / count;
  if (hours < 1.5) return `One every ${plural(Math.max(1, Math.round(hours * 60)), 'minute', 'minutes')}`;
  if (hours < 36) return `One every ${plural(Math.round(hours), 'hour', 'hours')}`;
  if (hours < 24 * 45) return `One every ${plural(Math.round(hours / 24), 'day', 'days')}`;
  return `One every ${plural(Math.round(hours / 730), 'month', 'months')}`;
}
