/** `nightreel init`. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IS_PACKAGED, PACKAGE_ROOT, PACKAGE_TEMPLATES } from '../config/package.ts';
import { ownTemplates } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import { notWritten } from '../local/not-written.ts';
import { startTemplate } from '../templates/start-template.ts';

/** Failure `TemplateInvalid` when there is no such template to start from, or one of that name already. */
export async function initTemplate(name: string, from: string, shipped: readonly string[]): Promise<void> {
  if (!shipped.includes(from)) {
    throw new Failure('TemplateInvalid', `No template '${from}' comes with Nightreel: there is ${shipped.join(', ')}.`);
  }
  const folder = join(ownTemplates(), name);
  await startTemplate(join(PACKAGE_TEMPLATES, from), folder).catch((error: unknown) => {
    throw notWritten(folder, error);
  });
  process.stdout.write(`${folder}\n${nextSteps(name, folder).join('\n')}\n`);
}

function nextSteps(name: string, folder: string): string[] {
  const program = IS_PACKAGED
    ? ['node', join(PACKAGE_ROOT, 'dist/lib/scripts/embed-template.js')]
    : ['scripts/node.sh', 'scripts/embed-template.ts'].map((path) => join(PACKAGE_ROOT, path));
  const embed = program.join(' ');
  const steps = [
    `nightreel render ${name} --out ${name}.mp4          the example of its template.json`,
    `nightreel check ${name}                             after every change of its scenes`,
    `nightreel render ${name} --csv people.csv --out ${name}-videos`,
  ];
  const embeds = existsSync(join(folder, 'source'));
  return [
    'Next:',
    `  Edit template.json: title, params with their schema, example, placeholder.`,
    embeds
      ? `  Edit source/, then write index.html from it: ${embed} ${folder}`
      : '  Edit index.html: docs/templates.md says what a template may rely on.',
    ...steps.map((step) => `  ${step}`),
  ];
}
