/** Decimal numbers that keep their digits on the way from a database to JSON. */

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A number when JavaScript holds exactly this decimal text, else the text: `"19.90"` → 19.9, 2^53 + 1 stays text. */
export function exactNumber(text: string): number | string {
  const value = Number(text);
  // Scientific notation, and zeros at either end, are another spelling of the same number.
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return text;
  if (String(value) === plain) return value;
  return plain === '-0' ? 0 : text;
}

/** The text of a finite number, given as a number or as text; null when it is none. Zero has no sign. */
export function decimalText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value === 0 ? 0 : value) : null;
  if (typeof value !== 'string' || !DECIMAL.test(value.trim())) return null;
  return Number(value) === 0 ? '0' : value.trim();
}
