import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { Settings } from '../config/settings.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { campaignId } from './arguments.ts';

export function registerSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('When nights begin, and when it is looked whether they are done: Temporal Schedules of a campaign')
    .addHelpText(
      'after',
      `
Examples:
  nightreel schedule apply referral        create it, or bring it in line with campaigns/referral.yaml
  nightreel schedule list
  nightreel schedule trigger referral      one night now, as the schedule would start it
  nightreel schedule pause referral --note "bank holiday"
  nightreel schedule pause --all --note "the warehouse is wrong"
  nightreel schedule resume referral`,
    );

  schedule
    .command('apply')
    .description('Create the schedule from the campaign file, or update it')
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .action((id: CampaignId) =>
      withClient(async (client, settings) => {
        const { loadCampaign } = await import('../config/campaign.ts');
        const { applySchedule, watchTime } = await import('../client/schedules.ts');
        const campaign = await loadCampaign(settings.root, id);
        const { days, at, timeZone, catchupHours } = campaign.schedule;
        const [hour = 0, minute = 0] = at.split(':').map(Number);
        const deadline = campaign.deadline?.at ?? null;
        const schedule = { campaign: id, days, hour, minute, timeZone, deadline, catchupHours };
        const done = await applySchedule(client, schedule);
        print(`Schedule of '${id}' ${done}: ${days.join(', ')} at ${at} ${timeZone}.`);
        print(watchSentence(watchTime(schedule)));
      }),
    );

  schedule
    .command('list')
    .description('Schedules with their next and last runs')
    .option('--json', 'one JSON array')
    .action((options: { json?: boolean }) =>
      withClient(async (client) => {
        const { listSchedules } = await import('../client/schedules.ts');
        const lines = await listSchedules(client);
        if (options.json === true) return print(JSON.stringify(lines));
        if (lines.length === 0) print('No schedules. Create one with `nightreel schedule apply CAMPAIGN`.');
        for (const { campaign, paused, note, nextRuns, lastRuns, nextWatch } of lines) {
          print(`${campaign}${paused ? ` (paused${note === null ? '' : `: ${note}`})` : ''}`);
          print(`  next  ${nextRuns.join('  ') || 'none'}`);
          print(`  last  ${lastRuns.map(({ dueAt }) => dueAt).join('  ') || 'none yet'}`);
          const none = `never: create it with \`nightreel schedule apply ${campaign}\``;
          print(`  watch ${paused ? 'not while it is paused' : (nextWatch ?? none)}`);
        }
      }),
    );

  command(schedule, ['trigger', '<campaign>'], 'Start one night now', async (handle, id) => {
    await handle.trigger();
    print(`Triggered '${id}'. Follow it with \`nightreel run ${id}\` or in the Temporal Web UI.`);
  });
  command(schedule, ['pause', '[campaign]'], 'Start no night until resumed', async (handle, id, note) => {
    await handle.pause(note ?? 'Paused with nightreel');
    print(`Paused '${id}'.`);
  })
    .option('--note <text>', 'why, shown in the Temporal Web UI')
    .option(...ALL);
  command(schedule, ['resume', '[campaign]'], 'Start nights again', async (handle, id, note) => {
    await handle.unpause(note ?? 'Resumed with nightreel');
    print(`Resumed '${id}'.`);
  })
    .option('--note <text>', 'why, shown in the Temporal Web UI')
    .option(...ALL);
  schedule
    .command('delete')
    .description('Remove the schedule; batches that run go on')
    .argument('<campaign>', 'the campaign whose schedule it is', campaignId)
    .action((id: CampaignId) =>
      withClient(async (client) => {
        const { deleteSchedule } = await import('../client/schedules.ts');
        await deleteSchedule(client, id);
        print(`Deleted the schedule of '${id}'.`);
      }),
    );
}

/** When it is told that a night has not closed. */
export function watchSentence({ at, dayShift }: { readonly at: string; readonly dayShift: number }): string {
  const day = ['', ' the next day', ' two days later'][dayShift] ?? '';
  return `A night that has not closed is told at ${at}${day}.`;
}

const ALL = ['--all', 'every campaign that has a schedule'] as const;

type Handle = ReturnType<Client['schedule']['getHandle']>;

/** @param usage the name, and whether the campaign is `<required>` or may be all of them. */
const command = (
  schedule: Command,
  usage: readonly [name: string, argument: '<campaign>' | '[campaign]'],
  description: string,
  act: (handle: Handle, campaign: CampaignId, note: string | undefined) => Promise<void>,
): Command =>
  schedule
    .command(usage[0])
    .description(description)
    .argument(usage[1], 'the campaign whose schedule it is', campaignId)
    .action((id: CampaignId | undefined, { note, all }: { note?: string; all?: boolean }, asked: Command) => {
      if ((id === undefined) !== (all === true)) asked.error('error: name one campaign, or all of them with --all.');
      return withClient(async (client) => {
        const { scheduledCampaigns, withSchedule } = await import('../client/schedules.ts');
        const campaigns = id === undefined ? await scheduledCampaigns(client) : [id];
        if (campaigns.length === 0) print('No campaign has a schedule.');
        for (const campaign of campaigns) await withSchedule(client, campaign, (handle) => act(handle, campaign, note));
      });
    });

async function withClient(act: (client: Client, settings: Settings) => Promise<void>): Promise<void> {
  const { loadSettings } = await import('../config/settings.ts');
  const { connectClient } = await import('../client/connect.ts');
  const settings = await loadSettings();
  const client = await connectClient(settings.temporal);
  try {
    await act(client, settings);
  } finally {
    await client.connection.close();
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
