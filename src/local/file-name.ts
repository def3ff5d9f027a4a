/** The name of a row's file. It depends on the row's ID alone: whatever else is in the list, a row's video lies where it lay. */

import { createHash } from 'node:crypto';

/** Lower case only: on a disk that does not tell `Ada` from `ada`, two IDs must not share a file. */
const PLAIN = /^[a-z0-9][a-z0-9._@+-]{0,99}$/;
/** What Windows takes for a device, with whatever ending, and drops from the end of a name. */
const UNFIT = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|\.$/;
const KEPT_OF_OTHERS = 40;

/**
 * `<id>.mp4` for an ID that is a safe name everywhere; of any other what is plain of it, and a digest: `USR-7` becomes
 * `USR-7~c1c2b9f0d5f3a1b4.mp4`. No plain ID has a `~`, so no two IDs have names that differ in case alone, or not at all.
 */
export function videoFileName(id: string): string {
  if (PLAIN.test(id) && !UNFIT.test(id)) return `${id}.mp4`;
  const readable = id
    .slice(0, KEPT_OF_OTHERS)
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return `${readable}~${createHash('sha256').update(id).digest('hex').slice(0, 16)}.mp4`;
}
