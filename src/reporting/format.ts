/** Numbers, dates and people's parts as reports and digests write them, the same on every machine. */

import type { FailureActor } from '../contracts/failures.ts';

const COUNT = new Intl.NumberFormat('en-US');
const LONG_DATE = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});
/** Between a number and its unit: no line ends there. */
const NARROW = '\u202f';

export const count = (value: number): string => COUNT.format(value);

/** `4.2 s`, `950 ms`; a dash for none. */
export function seconds(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 1_000) return `${Math.round(ms)}${NARROW}ms`;
  const value = ms / 1_000;
  return `${value < 100 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)}${NARROW}s`;
}

/** `42 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(wallSeconds: number): string {
  const whole = Math.round(wallSeconds);
  if (whole < 60) return `${whole}${NARROW}s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3_600) return `${Math.floor(whole / 60)}${NARROW}min ${two(whole % 60)}${NARROW}s`;
  return `${Math.floor(whole / 3_600)}${NARROW}h ${two(Math.floor((whole % 3_600) / 60))}${NARROW}min`;
}

/** `42 seconds`, `38 minutes`, `2 hours 5 minutes`: within a sentence. */
export function durationInWords(wallSeconds: number): string {
  const of = (value: number, unit: string): string => `${count(value)} ${unit}${value === 1 ? '' : 's'}`;
  const whole = Math.round(wallSeconds);
  if (whole < 60) return of(whole, 'second');
  const minutes = Math.round(wallSeconds / 60);
  if (minutes < 60) return of(minutes, 'minute');
  const hours = of(Math.floor(minutes / 60), 'hour');
  return minutes % 60 === 0 ? hours : `${hours} ${of(minutes % 60, 'minute')}`;
}

/** `0 %`, `0.31 %`, `12.4 %`, and never 0 or 100 when it is not. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value}${NARROW}%`;
  if (value < 0.01) return `<${NARROW}0.01${NARROW}%`;
  if (value > 99.9) return `>${NARROW}99.9${NARROW}%`;
  return `${value < 1 ? value.toFixed(2) : value.toFixed(1)}${NARROW}%`;
}

/** `0.4`, `12`, `1,204`: at most one digit behind the point, and two of less than 1. */
export const decimal = (value: number): string =>
  new Intl.NumberFormat('en-US', { maximumFractionDigits: value < 1 ? 2 : value < 100 ? 1 : 0 }).format(value);

/** `$23.40`, `$0.0041`: two digits at the least, of amounts however small. */
export function money(amount: number, currency: string): string {
  const digits = amount > 0 && amount < 0.1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
  return new Intl.NumberFormat('en-US', { style: 'currency', currency, ...digits }).format(amount);
}

/** `$0.0446`: what one of something costs, with all its digits. */
export const price = (amount: number, currency: string): string =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency, maximumFractionDigits: 8 }).format(amount);

const SIZES = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const;

/** `812 KB`, `1.4 GB`; of 1,024 each. */
export function sizeText(bytes: number): string {
  const power = Math.min(SIZES.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${decimal(bytes / 1_024 ** power)}${NARROW}${SIZES[power]}`;
}

/** `Monday 23 November 2026`; some versions of Node.js put a comma behind the weekday. */
export const longDate = (businessDate: string): string =>
  LONG_DATE.format(new Date(`${businessDate}T00:00:00Z`)).replace(',', '');

/** `2026-11-24 04:12 UTC`. */
export const utc = (instant: string): string => `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** The first digits of a digest, enough to tell it from others. */
export const shortKey = (digest: string): string => digest.slice(0, 12);

/** Who has to do something about a failure. */
export const WHO_ACTS: Readonly<Record<FailureActor, string>> = {
  author: 'The template’s author acts',
  data: 'Whoever owns the data acts',
  operator: 'The operator acts',
  nobody: 'Passes when tried again',
};
