import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the embedded stack keeps what: everything lies in one folder, `.nightreel/` unless NIGHTREEL_HOME says otherwise. */
export interface StackHome {
  readonly folder: string;
  readonly stateFile: string;
  readonly logs: string;
  readonly temporalDatabase: string;
  readonly objectStoreData: string;
  readonly objectStoreConfig: string;
  readonly warehouse: string;
}

export const stackHome = (folder: string): StackHome => ({
  folder,
  stateFile: join(folder, 'stack.json'),
  logs: join(folder, 'logs'),
  temporalDatabase: join(folder, 'temporal.db'),
  objectStoreData: join(folder, 'seaweedfs'),
  objectStoreConfig: join(folder, 'seaweedfs.json'),
  warehouse: join(folder, 'warehouse.duckdb'),
});

/** Names in the home folder that belong to the stack: all that `down --wipe` may remove. */
export const OWN_ENTRIES =
  /^(stack\.json|logs|temporal\.db(-wal|-shm|-journal)?|seaweedfs(\.json)?|warehouse\.duckdb(\.wal)?)$/;

/**
 * Makes the folder where it is missing and resolves links in its path: the stack's processes are known by the paths in their
 * arguments, so there must be one way to write them. Readable by its owner only, as it holds credentials.
 */
export async function openHome(folder: string): Promise<StackHome> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const home = stackHome(await realpath(folder));
  await mkdir(home.logs, { recursive: true });
  await mkdir(home.objectStoreData, { recursive: true });
  return home;
}
