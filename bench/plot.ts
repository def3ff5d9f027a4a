/** A small line chart as SVG, readable on light and dark ground. */

export interface Plot {
  readonly title: string;
  /** Names of the axes. */
  readonly x: string;
  readonly y: string;
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

const [WIDTH, HEIGHT] = [720, 300];
const MARGIN = { left: 56, right: 16, top: 36, bottom: 40 };
const COLOURS = ['#2f81f7', '#d29922', '#3fb950', '#db61a2'];
const GREY = '#8b949e';
const TICKS = 5;

export function plotSvg({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const maxX = niceCeiling(Math.max(1, ...points.map(([at]) => at)));
  const maxY = niceCeiling(Math.max(1, ...points.map(([, value]) => value)));
  const xOf = (at: number): number => MARGIN.left + (at / maxX) * (WIDTH - MARGIN.left - MARGIN.right);
  const yOf = (value: number): number =>
    HEIGHT - MARGIN.bottom - (value / maxY) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => index / TICKS);
  const escaped = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const text = (at: string, words: string | number, more = `fill="${GREY}"`): string =>
    `<text ${at} ${more}>${escaped(String(words))}</text>`;
  const fixed = (value: number): string => value.toFixed(1);
  const grid = ticks.flatMap((share) => [
    `<path d="M${xOf(0)} ${fixed(yOf(share * maxY))}H${WIDTH - MARGIN.right}" stroke="${GREY}" stroke-opacity="0.25"/>`,
    text(`x="${MARGIN.left - 8}" y="${fixed(yOf(share * maxY) + 4)}" text-anchor="end"`, Math.round(share * maxY)),
    text(`x="${fixed(xOf(share * maxX))}" y="${HEIGHT - 22}" text-anchor="middle"`, Math.round(share * maxX)),
  ]);
  const curves = lines.flatMap(({ name, points: own }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = own.map(([at, value]) => `${fixed(xOf(at))},${fixed(yOf(value))}`).join(' ');
    const legendX = WIDTH - MARGIN.right - 130 * (lines.length - index - 1);
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      text(`x="${legendX}" y="20" text-anchor="end"`, name, `fill="${colour}"`),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    text(`x="${MARGIN.left}" y="20" font-weight="bold"`, title),
    ...grid,
    text(`x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end"`, x),
    text(`x="8" y="${MARGIN.top - 8}"`, y),
    ...curves,
    '</svg>\n',
  ].join('\n');
}

/** The next of 1, 2, 2.5, 5, 10, 20 and so on. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
