/** Manifests as Kubernetes would be given them: what kustomize makes of a folder. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

export const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata?.name}`;

/** Throws with kustomize's own words where a folder does not build. */
export async function build(folder: string): Promise<Manifest[]> {
  const [program, ...args] = kustomize();
  const { stdout } = await promisify(execFile)(program, [...args, folder], { maxBuffer: 16 * 1024 * 1024 });
  return manifestsIn(stdout);
}

export const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as Manifest;
  });

/** What `npm test` installs where PATH has no kubectl that is new enough (scripts/setup-tests.sh). */
function kustomize(): readonly [string, ...string[]] {
  const own = join(import.meta.dirname, '../../.tools/kustomize/kustomize');
  return existsSync(own) ? [own, 'build'] : ['kubectl', 'kustomize'];
}
