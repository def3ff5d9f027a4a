import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPLATE_FILE } from './template-file.ts';

/** Names of the folders under `root` that hold a template, sorted; none when there is no such root. */
export async function listTemplates(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  const hasFile = await Promise.all(
    names.map((name) =>
      access(join(root, name, TEMPLATE_FILE)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return names.filter((_, index) => hasFile[index]).sort();
}
