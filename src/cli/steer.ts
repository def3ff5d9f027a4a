import { type Command, Option } from 'commander';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { RUNNING_CHOICES, type RunningChoice, UPDATES } from '../contracts/steering.ts';
import { businessDate, campaignId, positiveInteger } from './arguments.ts';

interface Flags {
  readonly all?: boolean;
  readonly date?: BusinessDate;
  readonly json?: boolean;
}

/** `pause`, `resume`, `window` and `stop`: the same updates that the Temporal Web UI and `temporal workflow update` send. */
export function registerSteer(program: Command): void {
  const add = (name: string, description: string, update: keyof typeof UPDATES, examples: readonly string[]): Command =>
    program
      .command(name)
      .description(description)
      .argument(name === 'window' ? '<campaign>' : '[campaign]', 'a file in campaigns/, without .yaml', campaignId)
      .option('--date <YYYY-MM-DD>', 'business date of the batch; default: the one that runs', businessDate)
      .option('--json', 'print what holds now as one JSON object')
      .addHelpText(
        'after',
        `
Examples:
${examples.map((line) => `  nightreel ${name} ${line}`).join('\n')}

The batch takes it as the update ${UPDATES[update]}; docs/operations.md has the same for temporal and the Web UI.`,
      );

  add('pause', 'Start no more variants of a running batch until it is resumed; those in flight end', 'pause', [
    'referral',
    'referral --reason "the logo is wrong"',
    '--all --reason "the warehouse is wrong"',
  ])
    .option(...ALL)
    .option('--reason <text>', 'shown in the Web UI')
    .action(
      async (
        campaign: CampaignId | undefined,
        { reason, ...flags }: Flags & { readonly reason?: string },
        command: Command,
      ) => steer(command, campaign, 'pause', flags, reason === undefined ? {} : { reason }),
    );

  add('resume', 'Let a paused batch go on, whether a person or the breaker paused it', 'resume', ['referral', '--all'])
    .option(...ALL)
    .action(async (campaign: CampaignId | undefined, flags: Flags, command: Command) =>
      steer(command, campaign, 'resume', flags),
    );

  add('window', 'Change how many variants each lane of a running batch keeps in flight', 'setWindow', [
    'referral 16',
    'referral 2 --date 2026-11-23',
  ])
    .argument('<variants>', 'per lane, from 1 to 500', positiveInteger)
    .action(async (campaign: CampaignId, window: number, flags: Flags, command: Command) =>
      steer(command, campaign, 'setWindow', flags, { window }),
    );

  add('stop', 'Start nothing more of a running batch and close it with what there is', 'cancelRemaining', [
    'referral',
    'referral --running abort',
    '--all',
  ])
    .option(...ALL)
    .addOption(new Option('--running <what>', 'what is being made now').choices([...RUNNING_CHOICES]).default('finish'))
    .action(
      async (
        campaign: CampaignId | undefined,
        { running, ...flags }: Flags & { readonly running: RunningChoice },
        command: Command,
      ) => steer(command, campaign, 'cancelRemaining', flags, { running }),
    );
}

const ALL = ['--all', 'every batch that runs, of all campaigns'] as const;

async function steer(
  command: Command,
  campaign: CampaignId | undefined,
  update: keyof typeof UPDATES,
  { all, date, json }: Flags,
  input?: object,
): Promise<void> {
  const { runSteer, runSteerAll } = await import('./run-steer.ts');
  if (all === true) {
    if ((campaign ?? date) !== undefined) command.error('error: --all goes without a campaign and a date.');
    process.stdout.write(await runSteerAll({ update, input, json: json === true }));
    return;
  }
  if (campaign === undefined) return command.error('error: name a campaign, or all of them with --all.');
  process.stdout.write(await runSteer({ campaign, businessDate: date, update, input, json: json === true }));
}
