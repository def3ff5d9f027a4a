/** Where the programs are that a render needs. */

import { resolve } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import { findProgram, foldersOf, isProgram } from './programs.ts';

export interface Tools {
  /** chrome-headless-shell. */
  readonly headlessShell?: string;
  /** Any Chromium or Chrome. */
  readonly chromium?: string;
  /** An X server without a screen: with it and a Chromium, capture is fastest. */
  readonly xvfb?: string;
  readonly ffmpeg: string;
}

const SEARCHED = {
  headlessShell: { variable: 'NIGHTREEL_HEADLESS_SHELL', names: ['chromium-headless-shell', 'chrome-headless-shell'] },
  chromium: { variable: 'NIGHTREEL_CHROMIUM', names: ['chromium', 'chromium-browser', 'google-chrome', 'chrome'] },
  xvfb: { variable: 'NIGHTREEL_XVFB', names: ['Xvfb'] },
  ffmpeg: { variable: 'NIGHTREEL_FFMPEG', names: ['ffmpeg'] },
} as const;

export type ToolName = keyof typeof SEARCHED;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The tools named by NIGHTREEL_HEADLESS_SHELL, NIGHTREEL_CHROMIUM, NIGHTREEL_XVFB and NIGHTREEL_FFMPEG, else those on PATH. Failure
 * `ToolMissing` when a named one cannot be run, when there is no ffmpeg, or no Chromium of either kind.
 */
export function findTools(environment: Environment = process.env): Tools {
  const headlessShell = find('headlessShell', environment);
  const chromium = find('chromium', environment);
  const xvfb = find('xvfb', environment);
  const ffmpeg = find('ffmpeg', environment);
  if (headlessShell === undefined && chromium === undefined) {
    throw new Failure(
      'ToolMissing',
      'No Chromium was found on PATH. Install chromium-headless-shell (Debian: `apt-get install chromium-headless-shell`) or set NIGHTREEL_HEADLESS_SHELL.',
    );
  }
  if (ffmpeg === undefined) {
    throw new Failure(
      'ToolMissing',
      'No ffmpeg was found on PATH. Install it (Debian: `apt-get install ffmpeg`) or set NIGHTREEL_FFMPEG.',
    );
  }
  return { headlessShell, chromium, xvfb, ffmpeg };
}

/** The same for one tool; undefined when it is nowhere. Failure `ToolMissing` when the one that is named cannot be run. */
export const findTool = (tool: ToolName, environment: Environment = process.env): string | undefined =>
  find(tool, environment);

/**
 * The environment of a process that is to find the same tools, also from another folder, and keeps its temporary files in a folder
 * of its own.
 */
export const environmentWith = (
  tools: Tools,
  temporary: string,
  environment: Environment = process.env,
): Environment => ({
  ...environment,
  ...Object.fromEntries(
    (Object.keys(SEARCHED) as ToolName[]).flatMap((tool) => {
      const path = tools[tool];
      return path === undefined ? [] : [[SEARCHED[tool].variable, resolve(path)]];
    }),
  ),
  TMPDIR: temporary,
});

function find(tool: ToolName, environment: Environment): string | undefined {
  const { variable, names } = SEARCHED[tool];
  const named = environment[variable];
  if (named !== undefined && named !== '') {
    if (!isProgram(named)) throw new Failure('ToolMissing', `${variable} is ${named}, which is not a program.`);
    return named;
  }
  return findProgram(names, foldersOf(environment['PATH'] ?? ''));
}
