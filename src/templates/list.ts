import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMPOSITION_FILE, TEMPLATE_FILE } from './template-file.ts';

/** Names of the folders under `root` that hold a template, sorted; none when there is no such root. */
export async function listTemplates(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  const isTemplate = await Promise.all(
    names.map((name) =>
      access(join(root, name, TEMPLATE_FILE)).then(
        () => true,
        () => hasComposition(join(root, name)),
      ),
    ),
  );
  return names.filter((_, index) => isTemplate[index]).sort();
}

const hasComposition = (folder: string): Promise<boolean> =>
  readFile(join(folder, COMPOSITION_FILE), 'utf8').then(
    (html) => html.includes('data-composition-id'),
    () => false,
  );
