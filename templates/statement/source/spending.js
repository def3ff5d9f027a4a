// Scene 3: a core sample. The month's spending as layers in one column, each as thick as its share; a line leads to its name.

const LAYERS = [COLOUR.sun, COLOUR.straw, COLOUR.pine, COLOUR.sky, COLOUR.rose, COLOUR.ink];
const ROWS = { top: 640, bottom: 1830, left: 470, width: 526 };

function createSpending() {
  const $ = (id) => document.getElementById(id);
  const drawing = mirrored('strata');
  const column = svg(drawing, 'rect', { x: 0, y: 0, height: HEIGHT, fill: COLOUR.sun });
  const layers = LAYERS.slice(1).map((fill) => svg(drawing, 'rect', { x: 0, width: COLUMN, height: HEIGHT, fill }));
  const leaders = LAYERS.map(() =>
    svg(drawing, 'polyline', { fill: 'none', stroke: COLOUR.ink, 'stroke-width': 3, 'stroke-linejoin': 'round' }),
  );
  const dots = LAYERS.map(() => svg(drawing, 'circle', { r: 8, fill: COLOUR.ink }));
  let rows = [];
  let title;
  let nothing = false;
  return {
    set({ language, currency, categories }) {
      const words = LANGUAGES[language];
      const { money, moneyParts, share } = formatsOf(language, currency);
      const sorted = categories.toSorted((a, b) => b.amount - a.amount);
      const total = sorted.reduce((sum, { amount }) => sum + amount, 0);
      nothing = total === 0;
      title = setLines($('spending-title'), words.spending, {
        width: ROWS.width,
        height: 250,
        largest: 112,
        smallest: 60,
        whole: 60,
        like: 'display',
      });
      $('spending-total').textContent = nothing ? words.noSpending : words.total.replace('{x}', money(total));
      $('spending-total').style.fontSize = px(
        Math.min(40, Math.floor((4000 * ROWS.width) / (40 * ruler.width($('spending-total').textContent, 'label')))),
      );
      let above = 0;
      rows = sorted.map(({ name, amount }) => {
        const from = total === 0 ? 0 : (above / total) * HEIGHT;
        above += amount;
        const to = total === 0 ? 0 : (above / total) * HEIGHT;
        const row = createRow(name, total === 0 ? '' : share(amount / total));
        $('rows').append(row.element);
        setAmount(row.amount, [amount], moneyParts, { width: ROWS.width, largest: 72 })(amount);
        return { ...row, edge: Math.round(from), centre: (from + to) / 2 };
      });
      if (nothing) {
        for (const [i, row] of rows.entries()) row.centre = ((i + 0.5) / rows.length) * HEIGHT;
      }
      $('rows').replaceChildren(...rows.map(({ element }) => element));
      placeRows(rows, nothing ? 1 : 0.35);
    },
    draw(t) {
      const back = EASE.camera(span(t, 0, 0.55));
      put(column, { width: Math.round(mix(WIDTH, COLUMN, back)), fill: nothing && t > 0.5 ? COLOUR.rose : COLOUR.sun });
      const tops = layers.map((_, i) => {
        const row = rows[i + 1];
        const k = EASE.settle(span(t, 0.42 + 0.09 * i, 0.95));
        return row && !nothing ? Math.round(mix(HEIGHT, row.edge, k)) : HEIGHT;
      });
      // Each ends just under the next: two that share an edge at a fraction of a pixel would both show there.
      const endOf = (i) => Math.min(HEIGHT, (tops[i + 1] ?? HEIGHT) + 2);
      put(column, { height: endOf(-1) });
      layers.forEach((layer, i) => {
        const y = tops[i];
        put(layer, { y, height: Math.max(0, endOf(i) - y), visibility: y < HEIGHT ? 'inherit' : 'hidden' });
      });
      title.show(t - 0.4);
      slide($('spending-total'), EASE.settle(span(t, 0.62, 0.8)));
      leaders.forEach((leader, i) => {
        const row = rows[i];
        const shown = row && !nothing ? EASE.settle(span(t, 0.75 + 0.1 * i, 0.6)) : 0;
        leader.setAttribute('visibility', shown > 0 ? 'inherit' : 'hidden');
        dots[i].setAttribute('visibility', shown > 0 ? 'inherit' : 'hidden');
        if (shown === 0) return;
        // Through the bend and on to the row, as far as it has come.
        const bend = COLUMN + 56;
        const reach = ROWS.left - 22;
        const x = mix(COLUMN, reach, shown);
        const y = x < bend ? mix(row.centre, row.anchor, (x - COLUMN) / (bend - COLUMN)) : row.anchor;
        const points = [[COLUMN, row.centre], ...(x > bend ? [[bend, row.anchor]] : []), [x, y]];
        leader.setAttribute('points', points.map(([px, py]) => `${num(px)},${num(py)}`).join(' '));
        put(dots[i], { cx: COLUMN, cy: num(row.centre) });
      });
      rows.forEach(({ element }, i) => {
        const k = span(t, 0.85 + 0.1 * i, 0.7);
        element.style.visibility = k > 0 ? 'inherit' : 'hidden';
        element.style.opacity = num(EASE.gentle(clamp01(k * 2)));
        element.style.transform = `translateY(${Math.round(34 * (1 - EASE.settle(k)))}px)`;
      });
    },
  };
}

function createRow(name, share) {
  const element = document.createElement('div');
  element.className = 'row';
  const heading = document.createElement('p');
  heading.className = 'row-name';
  const fitted = fitLines(name, {
    width: ROWS.width - 100,
    height: 92,
    largest: 40,
    smallest: 28,
    whole: 34,
    tight: 1.15,
    like: 'label',
  });
  heading.style.fontSize = px(fitted.size);
  heading.style.lineHeight = px(fitted.lineHeight);
  heading.append(
    ...fitted.lines.map((text) => {
      const line = document.createElement('span');
      line.className = 'line';
      line.dir = ruler.direction(name);
      line.textContent = text;
      return line;
    }),
  );
  const part = document.createElement('span');
  part.className = 'row-share';
  part.textContent = share;
  const amount = document.createElement('p');
  amount.className = 'amount';
  element.append(heading, part, amount);
  return { element, amount, height: fitted.lineHeight * fitted.lines.length + 84, first: fitted.lineHeight / 2 };
}

/** Each row as near to its layer as the others allow, or as far from the others as can be: `evenness` 0..1 is between these. */
function placeRows(rows, evenness) {
  const gap = 26;
  let y = ROWS.top;
  const room = ROWS.bottom - ROWS.top;
  const needed = rows.reduce((sum, { height }) => sum + height, 0) + gap * (rows.length - 1);
  const loose = Math.max(0, room - needed);
  const ideal = rows.map(({ centre, height }) => centre - height / 2);
  rows.forEach((row, i) => {
    // What is left of the room for those below bounds how far down this one may go.
    const below = rows.slice(i + 1).reduce((sum, { height }) => sum + height + gap, 0);
    const lowest = Math.max(y, ROWS.bottom - below - row.height);
    const even =
      ROWS.top +
      (loose * i) / Math.max(1, rows.length - 1) +
      rows.slice(0, i).reduce((s, { height }) => s + height + gap, 0);
    row.top = Math.round(Math.min(lowest, Math.max(y, mix(ideal[i], even, evenness))));
    row.anchor = Math.round(row.top + row.first);
    row.element.style.top = px(row.top);
    y = row.top + row.height + gap;
  });
}
