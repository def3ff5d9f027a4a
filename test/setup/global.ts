/** Once before all test files: the workflow code is bundled, which every stack of a test would do for itself else. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export default async function setUp(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../scripts/build-workflows.ts')]);
}
