import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import { campaignId } from './arguments.ts';

export interface CheckFlags {
  readonly rendition: RenditionId;
  readonly samples: number;
  readonly campaign?: CampaignId;
  readonly out?: string;
  readonly json?: boolean;
}

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description("Prove a template's scenes: none shows what another recipient's video must not")
    .argument('<template>', 'a name in templates/, or a folder with a template.json')
    .option('--samples <n>', 'different params to try; made from the schema, or see --campaign', parseCount, 3)
    .option(
      '--campaign <id>',
      "take tonight's rows of this campaign as samples, and say what its people share",
      campaignId,
    )
    .option('--rendition <id>', `of ${RENDITION_IDS.join(', ')}`, parseRendition, 'email-480p' as const)
    .option('--out <folder>', 'where pictures of findings go; default: check-<template>')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel check referral
  nightreel check ./templates/referral --samples 5 --rendition web-1080p
  nightreel check referral --campaign referral    with tonight's people: needs the bucket and the source
  nightreel check referral --json | jq .findings

Each scene is drawn with all of a recipient's params and with its own alone, and must come out the same to the last bit. A
finding says which param the scene shows without declaring it, with a picture. Ends with 0 when there is none, else with ${EXIT.badInput}.
docs/scenes.md says how scenes are declared.`,
    )
    .action(async (name: string, flags: CheckFlags) => {
      const [{ checkTemplate }, { onInterrupt }] = await Promise.all([
        import('./check-template.ts'),
        import('./interrupt.ts'),
      ]);
      const isProven = await checkTemplate(name, flags, onInterrupt('The check was stopped.'));
      if (!isProven) process.exitCode = EXIT.badInput;
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 99.');
  return Number(text);
}

function parseRendition(text: string): RenditionId {
  if (!isRenditionId(text)) throw new InvalidArgumentError(`It must be one of ${RENDITION_IDS.join(', ')}.`);
  return text;
}
