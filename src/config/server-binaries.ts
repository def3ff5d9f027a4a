import { join } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import type { Variables } from './environment.ts';
import { PACKAGE_ROOT } from './package.ts';
import { findProgram, foldersOf } from './programs.ts';

export interface ServerBinaries {
  readonly temporal: string;
  readonly weed: string;
}

/** The embedded servers' programs: those that setup put into .tools/bin because PATH had none that fits, else those on PATH. */
export function findServerBinaries({ PATH = '' }: Variables = process.env): ServerBinaries {
  const folders = [join(PACKAGE_ROOT, '.tools/bin'), ...foldersOf(PATH)];
  const find = (name: string): string => {
    const found = findProgram([name], folders);
    if (found === undefined) throw new Failure('ToolMissing', `\`${name}\` is missing. Run \`nightreel setup\` once.`);
    return found;
  };
  return { temporal: find('temporal'), weed: find('weed') };
}
