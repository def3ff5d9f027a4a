import { type Command, InvalidArgumentError } from 'commander';
import type { SelectionFlags } from '../checking/selection.ts';
import { EXIT } from '../contracts/exit-codes.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import { campaignId } from './arguments.ts';

export interface CheckFlags extends SelectionFlags {
  readonly rendition: RenditionId;
  readonly samples: number;
  readonly campaign?: CampaignId;
  readonly out?: string;
  readonly json?: boolean;
}

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('Say whether a template is fit for a night of ten thousand videos, and what is in the way')
    .argument('<template>', 'a name in templates/, a folder, or an .html file that is a HyperFrames composition')
    .option('--static', 'look at the files alone: no browser, a moment')
    .option('--only <ids>', 'these checks and no others, with commas between them', parseIds)
    .option('--skip <ids>', 'all checks but these', parseIds)
    .option(
      '--samples <n>',
      'of scenes: different params to try; made from the schema, or see --campaign',
      parseCount,
      3,
    )
    .option(
      '--campaign <id>',
      "of scenes: take tonight's rows of this campaign as samples, and say what its people share",
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
  nightreel check ./templates/referral --static                   while writing it: files alone
  nightreel check ./my-composition                                a HyperFrames composition without a template.json
  nightreel check referral --json | jq '.findings[] | select(.severity == "error")'
  nightreel check referral --only scenes --samples 5 --rendition web-1080p
  nightreel check referral --only scenes --campaign referral      with tonight's people: needs the bucket and the source
  nightreel check referral --skip hyperframes,scenes

Each finding has a rule, a file and a line, what it does to a night and what to do. Errors keep a template from being fit; warnings are
for somebody to look at. Ends with 0 when there is no error, else with ${EXIT.badInput}.
docs/check.md lists the checks and their rules, docs/scenes.md says how scenes are declared and proven.`,
    )
    .action(async (name: string, flags: CheckFlags, command: Command) => {
      const [{ checkTemplate }, { selectChecks }, { onInterrupt }] = await Promise.all([
        import('./check-template.ts'),
        import('../checking/selection.ts'),
        import('./interrupt.ts'),
      ]);
      const selection = selectChecks(flags);
      if (typeof selection === 'string') command.error(`error: ${selection}`);
      const isFit = await checkTemplate(name, flags, selection, onInterrupt('The check was stopped.'));
      if (!isFit) process.exitCode = EXIT.badInput;
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 99.');
  return Number(text);
}

const parseIds = (text: string): string[] =>
  text
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');

function parseRendition(text: string): RenditionId {
  if (!isRenditionId(text)) throw new InvalidArgumentError(`It must be one of ${RENDITION_IDS.join(', ')}.`);
  return text;
}
