/** Which way of capturing frames the environment asks for. */

import { Failure } from '../contracts/failures.ts';
import { CAPTURE_ROUTES } from '../rendering/browser/flags.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import type { Variables } from './environment.ts';

export const CAPTURE_NAMES = ['auto', ...CAPTURE_ROUTES] as const satisfies readonly CaptureChoice[];

export const isCaptureName = (text: string): text is CaptureChoice => CAPTURE_NAMES.some((name) => name === text);

/** NIGHTREEL_CAPTURE, else `auto`. `Failure('EnvironmentInvalid')` when it is none of the names. */
export function readCapture(variables: Variables = process.env): CaptureChoice {
  const name = variables['NIGHTREEL_CAPTURE'] || 'auto';
  if (isCaptureName(name)) return name;
  throw new Failure('EnvironmentInvalid', `NIGHTREEL_CAPTURE must be one of ${CAPTURE_NAMES.join(', ')}.`);
}
