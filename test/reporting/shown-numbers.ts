/** Numbers as a person reads them off a page, made without what writes them there. */

export interface ReadNumber {
  readonly number: number;
  /** Of the last digit that is shown. */
  readonly step: number;
}

/** In the unit of the field, by its name: `…Ms` and stages milliseconds, `…Seconds` seconds, rates and shares of 1, bytes. */
export function readNumber(text: string, field: string): ReadNumber {
  const plain = text.replaceAll('\u202f', ' ').replaceAll(',', '').trim();
  const compound = [...plain.matchAll(/(\d+) (h|min|s)\b/g)];
  if (compound.length > 1 || /^\d+ (h|min)$/.test(plain)) {
    const seconds = { h: 3_600, min: 60, s: 1 } as const;
    const unitOf = (unit: string | undefined) => seconds[unit as keyof typeof seconds];
    const number = compound.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitOf(unit), 0);
    // Minutes are cut off, not rounded.
    return { number, step: 2 * unitOf(compound.at(-1)?.[2]) };
  }
  const [, mantissa = 'none', unit = ''] = /(\d+(?:\.\d+)?) ?(ms|s\b|%|bytes|KB|MB|GB|TB)?/.exec(plain) ?? [];
  const [, decimals = ''] = mantissa.split('.');
  const factor = factorOf(unit, /(Ms|ms[A-Z]\w*)$|\.stages\.[a-z]+$|renderMs|^figures\.1\./.test(field));
  if (plain.startsWith('<')) return { number: 0, step: Number(mantissa) * factor * 2 };
  return { number: Number(mantissa) * factor, step: 10 ** -decimals.length * factor };
}

const FACTORS: Readonly<Record<string, number>> = {
  ...{ '': 1, '%': 0.01, bytes: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 },
};

function factorOf(unit: string, isMilliseconds: boolean): number {
  if (unit === 'ms') return isMilliseconds ? 1 : 0.001;
  if (unit === 's') return isMilliseconds ? 1_000 : 1;
  return FACTORS[unit] ?? Number.NaN;
}

/** The value at `summary.variants` or `nights.3.failureRate`; throws when there is none. */
export function valueAt(json: unknown, field: string): number | null {
  let value = json;
  for (const name of field.split('.')) value = (value as Record<string, unknown> | null)?.[name];
  if (value === null || typeof value === 'number') return value;
  throw new Error(`report.json has no number at ${field}`);
}
