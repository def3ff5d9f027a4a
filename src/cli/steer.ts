import { type Command, Option } from 'commander';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { RUNNING_CHOICES, type RunningChoice, UPDATES } from '../contracts/steering.ts';
import { businessDate, campaignId, positiveInteger } from './arguments.ts';

interface Flags {
  readonly date?: BusinessDate;
  readonly json?: boolean;
}

/** `pause`, `resume`, `window` and `stop`: the same updates that the Temporal Web UI and `temporal workflow update` send. */
export function registerSteer(program: Command): void {
  const add = (name: string, description: string, update: keyof typeof UPDATES, examples: readonly string[]): Command =>
    program
      .command(name)
      .description(description)
      .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
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
  ])
    .option('--reason <text>', 'shown in the Web UI')
    .action(async (campaign: CampaignId, { reason, ...flags }: Flags & { readonly reason?: string }) =>
      steer(campaign, 'pause', flags, reason === undefined ? {} : { reason }),
    );

  add('resume', 'Let a paused batch go on, whether a person or the breaker paused it', 'resume', ['referral']).action(
    async (campaign: CampaignId, flags: Flags) => steer(campaign, 'resume', flags),
  );

  add('window', 'Change how many variants each lane of a running batch keeps in flight', 'setWindow', [
    'referral 16',
    'referral 2 --date 2026-11-23',
  ])
    .argument('<variants>', 'per lane, from 1 to 500', positiveInteger)
    .action(async (campaign: CampaignId, window: number, flags: Flags) =>
      steer(campaign, 'setWindow', flags, { window }),
    );

  add('stop', 'Start nothing more of a running batch and close it with what there is', 'cancelRemaining', [
    'referral',
    'referral --running abort',
  ])
    .addOption(new Option('--running <what>', 'what is being made now').choices([...RUNNING_CHOICES]).default('finish'))
    .action(async (campaign: CampaignId, { running, ...flags }: Flags & { readonly running: RunningChoice }) =>
      steer(campaign, 'cancelRemaining', flags, { running }),
    );
}

async function steer(
  campaign: CampaignId,
  update: keyof typeof UPDATES,
  { date, json }: Flags,
  input?: object,
): Promise<void> {
  const { runSteer } = await import('./run-steer.ts');
  process.stdout.write(await runSteer({ campaign, businessDate: date, update, input, json: json === true }));
}
