import { readFile } from 'node:fs/promises';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from '../machine/system-error.ts';

/** The text of a file of the project; null: there is none. Failure `CampaignInvalid` when it cannot be read. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new Failure('CampaignInvalid', `${path} cannot be read: ${String(error)}`, { cause: error });
  }
}
