/** What an examination of this machine comes to. */

import type { EngineFingerprint } from '../../contracts/batch.ts';
import type { CaptureRoute } from '../../rendering/browser/flags.ts';

export interface Check {
  /** What is looked at; unique. */
  readonly name: string;
  /** `warning`: it works, but not as well as it could. */
  readonly status: 'ok' | 'warning' | 'failed';
  /** What was found. */
  readonly found: string;
  /** What to do; null when all is well. */
  readonly todo: string | null;
}

export const fine = (name: string, found: string): Check => ({ name, status: 'ok', found, todo: null });
export const poor = (name: string, found: string, todo: string): Check => ({ name, status: 'warning', found, todo });
export const bad = (name: string, found: string, todo: string): Check => ({ name, status: 'failed', found, todo });

/** One way of capturing frames, tried. */
export interface RouteResult {
  readonly route: CaptureRoute;
  /** The browser that it was tried with; null when there is none. */
  readonly executable: string | null;
  readonly works: boolean;
  /** Null when it works; else why not, and what to do. */
  readonly problem: string | null;
  /** What came up on the way. */
  readonly notes: readonly string[];
  readonly browser: string | null;
  /** Wall time of a frame of 1920x1080 on which something moves, without encoding: the median. */
  readonly msPerFrame: number | null;
  /** Digest of what it makes of the known page. */
  readonly pixels: string | null;
  /** Whether it draws that page as the chosen route does; null when one of them does not work. */
  readonly samePixels: boolean | null;
  /** Whether a renderer takes it. */
  readonly isChosen: boolean;
}

/** Several checks of one thing. */
export interface Examination {
  readonly checks: readonly Check[];
}

/** The object store, asked. */
export interface StoreExamination extends Examination {
  /** Null when none was found. */
  readonly bucket: string | null;
  readonly endpoint: string | null;
}

/** Temporal, asked. */
export interface TemporalExamination extends Examination {
  /** Null when none was found. */
  readonly address: string | null;
  readonly namespace: string | null;
}

/** What can be looked at by itself. */
export const GROUPS = ['machine', 'store', 'temporal', 'campaigns', 'telemetry', 'routes'] as const;
export type Group = (typeof GROUPS)[number];

/** What was not looked at is null, or empty. */
export interface Diagnosis {
  /** Whether nothing that was looked at failed. */
  readonly ok: boolean;
  /** Of this machine. */
  readonly checks: readonly Check[];
  readonly store: StoreExamination | null;
  readonly temporal: TemporalExamination | null;
  /** Campaign files, their templates and the sources that they name. */
  readonly campaigns: Examination | null;
  /** Where telemetry and digests go. */
  readonly telemetry: Examination | null;
  readonly routes: readonly RouteResult[];
  /** What `nightreel serve` would call its engine; null when it would have none. */
  readonly engine: EngineFingerprint | null;
}
