import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { PACKAGE_TEMPLATES } from '../config/package.ts';
import { TEMPLATE_ID } from '../templates/template-id.ts';

interface InitFlags {
  readonly from: string;
}

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('Start a template of your own from one that comes with Nightreel')
    .argument('<name>', 'lower-case letters, digits and dashes; becomes a folder in templates/', templateName)
    .option('--from <template>', 'which one', 'referral')
    .addHelpText(
      'after',
      () => `
Templates to start from: ${shippedTemplates().join(', ')}

Examples:
  nightreel init welcome
  nightreel init welcome --from referral && nightreel render welcome --out welcome.mp4

Copies all files of the template, sources and fonts included, into templates/ of the project (NIGHTREEL_PROJECT), and gives it the
new ID. A folder that is there already is never touched.`,
    )
    .action(async (name: string, { from }: InitFlags) => {
      const { initTemplate } = await import('./run-init.ts');
      await initTemplate(name, from, shippedTemplates());
    });
}

/** Names of those that come with the package, wherever the project lies. */
const shippedTemplates = (): string[] =>
  readdirSync(PACKAGE_TEMPLATES)
    .filter((name) => existsSync(join(PACKAGE_TEMPLATES, name, 'template.json')))
    .sort();

function templateName(text: string): string {
  if (!TEMPLATE_ID.test(text)) {
    throw new InvalidArgumentError('A template is named by lower-case letters, digits and dashes, 63 at most.');
  }
  return text;
}
