import { describe, expect, test } from '@jest/globals';
import { compileMapping, type ParamsConfig, paramsSchema } from '../../src/warehouse/mapping.ts';
import { decimalText, exactNumber } from '../../src/warehouse/numbers.ts';

const mapped = (config: object, cells: Record<string, unknown>, more = {}) =>
  compileMapping(paramsSchema.parse(config) as ParamsConfig, more).map((column) => cells[column]);

describe('columns become parameters', () => {
  test('by name, with a default where the cell is empty', () => {
    const config = { name: 'first_name', level: { column: 'lvl', default: 'new' }, count: { column: 'n', default: 0 } };
    expect(mapped(config, { first_name: 'Zoë', lvl: '', n: null }).params).toEqual({
      name: 'Zoë',
      level: 'new',
      count: 0,
    });
    expect(mapped(config, { first_name: null, lvl: 'gold', n: 0 }).params).toEqual({
      name: null,
      level: 'gold',
      count: 0,
    });
    expect(mapped({ name: 'a' }, { a: null }, { emptyIsAbsent: true }).params).toEqual({});
  });

  test.each([
    [{ style: 'currency', currency: 'USD' }, 1234.5, '$1,234.50'],
    [{ style: 'currency', currency: 'EUR', locale: 'de-DE' }, '1234.5', '1.234,50\u00a0€'],
    [{ style: 'currency', currency: 'JPY', locale: 'en-US' }, 1234, '¥1,234'],
    [{ style: 'percent', maximumFractionDigits: 1 }, 0.1234, '12.3%'],
    [{ locale: 'ar-EG' }, 1234, '١٬٢٣٤'],
    [{ locale: 'en-IN' }, 1234567, '12,34,567'],
    [{}, '9007199254740993', '9,007,199,254,740,993'],
    [{}, -0, '0'],
    [{}, '-0.00', '0'],
  ])('a number is written as %j says: %j → %s', (format, value, text) => {
    expect(mapped({ x: { column: 'n', format } }, { n: value }).params).toEqual({ x: text });
  });

  test("language and currency may be each person's own", () => {
    const format = { style: 'currency', currencyColumn: 'cur', locale: 'en-US', localeColumn: 'lang' };
    const config = { x: { column: 'n', format } };
    expect(mapped(config, { n: 5, cur: 'EUR', lang: 'fr-FR' }).params).toEqual({ x: '5,00\u00a0€' });
    expect(mapped(config, { n: 5, cur: 'USD', lang: null }).params).toEqual({ x: '$5.00' });
    expect(mapped(config, { n: 5, cur: 'Dollars', lang: null }).problem).toEqual({
      path: '/x',
      reason: "column 'cur' holds no currency",
    });
    expect(mapped(config, { n: 5, cur: 'USD', lang: 'not a tag' }).problem?.reason).toBe(
      "column 'lang' holds no language tag",
    );
    expect(compileMapping(config as ParamsConfig).columns).toEqual(['n', 'cur', 'lang']);
  });

  test('text is made of columns, with words for an empty one', () => {
    const config = { 'a/b': { text: 'Hi {first name|there}, {n} friends' } };
    expect(mapped(config, { 'first name': '$& {n}', n: 3 }).params).toEqual({ 'a/b': 'Hi $& {n}, 3 friends' });
    expect(mapped(config, { 'first name': '', n: 0 }).params).toEqual({ 'a/b': 'Hi there, 0 friends' });
    expect(mapped(config, { n: null }).problem).toEqual({
      path: '/a~1b',
      reason: "the text needs column 'n', which is empty",
    });
  });

  test.each(['abc', Number.NaN, Number.POSITIVE_INFINITY, true, '1e', '0x10', ''])(
    '%j is no number to format',
    (value) => {
      const { params, problem } = mapped({ x: { column: 'n', format: {} } }, { n: value });
      // An empty cell has no number at all.
      if (value === '') expect(params).toEqual({ x: null });
      else expect(problem?.reason).toBe('is not a number, so it cannot be formatted as one');
    },
  );

  test.each([
    [{}],
    [{ x: { column: 'a', text: 'b' } }],
    [{ x: { text: 'Hi {' } }],
    [{ x: { text: 'Hi {}' } }],
    [{ x: { column: 'a', format: { style: 'currency' } } }],
    [{ x: { column: 'a', format: { style: 'percent', currency: 'USD' } } }],
    [{ x: { column: 'a', format: { locale: 'klingon language' } } }],
  ])('%j is refused', (config) => {
    expect(paramsSchema.safeParse(config).success).toBe(false);
  });
});

test.each([
  ['19.90', 19.9],
  ['120', 120],
  ['120.00', 120],
  ['-0', 0],
  ['-0.00', 0],
  ['9007199254740993', '9007199254740993'],
  ['1234567890123456.78', '1234567890123456.78'],
  ['0.1', 0.1],
  ['NaN', 'NaN'],
])('the decimal %s is kept as %j', (text, value) => {
  expect(exactNumber(text)).toBe(value);
});

test('a number as text is a finite decimal', () => {
  expect([' 12.50 ', '-3', '+1e3', '.5'].map(decimalText)).toEqual(['12.50', '-3', '+1e3', '.5']);
  expect(['', '1,5', 'Infinity', null, undefined, {}].map(decimalText)).toEqual([null, null, null, null, null, null]);
});
