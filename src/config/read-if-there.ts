import { readFile } from 'node:fs/promises';
import { isNativeError } from 'node:util/types';
import { Failure } from '../contracts/failures.ts';

/** The text of a file of the project; null: there is none. Failure `CampaignInvalid` when it cannot be read. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNativeError(error) && 'code' in error && error.code === 'ENOENT') return null;
    throw new Failure('CampaignInvalid', `${path} cannot be read: ${String(error)}`, { cause: error });
  }
}
