import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';

/** What this code writes and reads. A document that does not say its version is of this one: docs/versions.md. */
const VERSION = 1;

const versioned = z.object({ version: z.number() });

/** Fields that a document has more are passed over; one whose fields mean something else says another version, and is refused. */
export function refuseLater(document: unknown, name: string): void {
  const said = versioned.safeParse(document);
  if (!said.success || said.data.version === VERSION) return;
  throw new Failure(
    'Internal',
    `${name} is of format ${said.data.version}, and this version of Nightreel reads format ${VERSION}: a later one wrote it. Deploy that one here, too.`,
  );
}
