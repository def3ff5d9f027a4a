import { type SteeredOfAll, type SteerRequest, steerAll, steerBatch } from '../client/steering.ts';
import { connectTraced } from '../client/traced.ts';
import { loadCampaign } from '../config/campaign.ts';
import { loadSettings } from '../config/settings.ts';
import type { Steering } from '../contracts/steering.ts';

type Request = Omit<SteerRequest, 'input'> & {
  readonly input: object | undefined;
  readonly json: boolean;
};

/** Steers and returns what to print. */
export async function runSteer({ input, json, ...request }: Request): Promise<string> {
  const settings = await loadSettings();
  await loadCampaign(settings.root, request.campaign);
  await using connected = await connectTraced(settings);
  const done = await steerBatch(connected.client, { ...request, ...(input !== undefined && { input }) });
  return json ? `${JSON.stringify(done)}\n` : `${done.workflowId}: ${steeringText(done.steering)}\n`;
}

/** Steers every batch that runs and returns what to print: a line for each. That none runs is no failure. */
export async function runSteerAll({
  input,
  json,
  update,
}: Pick<Request, 'update' | 'input' | 'json'>): Promise<string> {
  await using connected = await connectTraced(await loadSettings());
  const all = await steerAll(connected.client, { update, ...(input !== undefined && { input }) });
  if (json) return `${JSON.stringify(all)}\n`;
  if (all.length === 0) return 'No batch is running.\n';
  return all.map((one) => `${one.workflowId}: ${answerText(one)}\n`).join('');
}

const answerText = (one: SteeredOfAll): string => ('steering' in one ? steeringText(one.steering) : one.refused);

/** In words, what holds for a batch now. */
export function steeringText({ paused, window, stopped }: Steering): string {
  const pace = window === null ? '' : `, ${window} variants in flight per lane`;
  if (stopped !== null) {
    return `stopped; what runs is ${stopped.running === 'finish' ? 'finished' : 'cancelled'}, then the batch closes`;
  }
  return paused === null ? `goes on${pace}` : `paused by the ${paused.by}${pace}: ${paused.reason}`;
}
