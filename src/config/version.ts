import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from './package.ts';

const packageSchema = z.object({ version: z.string() });

/** Nightreel's own version, from package.json. */
export const packageVersion = (): string =>
  packageSchema.parse(JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'))).version;
