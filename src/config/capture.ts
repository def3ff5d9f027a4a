/** Which way of capturing frames the environment asks for. */

import { Failure } from '../contracts/failures.ts';
import { CAPTURE_ROUTES, type CaptureRoute } from '../rendering/browser/flags.ts';
import type { Variables } from './environment.ts';

/** `auto`: the fastest that works. */
export const CAPTURE_NAMES: readonly ('auto' | CaptureRoute)[] = ['auto', ...CAPTURE_ROUTES];
export type CaptureName = (typeof CAPTURE_NAMES)[number];

export const isCaptureName = (text: string): text is CaptureName => CAPTURE_NAMES.some((name) => name === text);

/** NIGHTREEL_CAPTURE, else `auto`. `Failure('EnvironmentInvalid')` when it is none of the names. */
export function readCapture(variables: Variables = process.env): CaptureName {
  const name = variables['NIGHTREEL_CAPTURE'] || 'auto';
  if (isCaptureName(name)) return name;
  throw new Failure('EnvironmentInvalid', `NIGHTREEL_CAPTURE must be one of ${CAPTURE_NAMES.join(', ')}.`);
}
