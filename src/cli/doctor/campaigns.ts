/** Whether the campaigns of this project could run: their files, their templates, and the sources that they name. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Campaign, listCampaigns, loadCampaign } from '../../config/campaign.ts';
import { loadPrices } from '../../config/prices.ts';
import { asFailure, describeFailure } from '../../contracts/failures.ts';
import { loadTemplate, type Template } from '../../templates/template.ts';
import { type SourcePlace, sourceOpener } from '../../workers/planned-campaign.ts';
import { bad, type Check, type Examination, fine } from './check.ts';
import { withinLimit } from './limit.ts';

/** A warehouse that has gone to sleep takes a while to wake. */
const ANSWER_WITHIN_MS = 20_000;
const TITLES = { duckdb: 'DuckDB', csv: 'the file', postgres: 'PostgreSQL', snowflake: 'Snowflake' } as const;

export async function examineCampaigns(place: SourcePlace, signal: AbortSignal): Promise<Examination> {
  const { root } = place;
  try {
    await loadPrices(root);
    const ids = await listCampaigns(root);
    if (ids.length === 0) return { checks: [fine('campaigns', `none in ${join(root, 'campaigns')}`)] };
    const checks = await Promise.all(ids.map((id) => checkCampaign(id, place, signal)));
    return { checks: checks.flat() };
  } catch (error) {
    return { checks: [failed('campaigns', error, signal)] };
  }
}

async function checkCampaign(id: string, place: SourcePlace, signal: AbortSignal): Promise<Check[]> {
  try {
    const campaign = await loadCampaign(place.root, id);
    const template = await loadTemplate(join(place.root, 'templates', campaign.template));
    const { days, at, timeZone } = campaign.schedule;
    const found = `template ${campaign.template}, ${days.join(' ')} at ${at} ${timeZone}`;
    return [fine(id, found), await checkSource(campaign, template, place, signal)];
  } catch (error) {
    return [failed(id, error, signal)];
  }
}

/** Connects, and asks for the columns; no row is read. */
async function checkSource(
  { id, source }: Campaign,
  { paramsSchema }: Template,
  place: SourcePlace,
  signal: AbortSignal,
): Promise<Check> {
  const name = `${id}: source`;
  const title = TITLES[source.type];
  if (source.type === 'duckdb' && !source.files && !source.path && !existsSync(place.warehousePath)) {
    return fine(name, `${title}: the generated warehouse is not there yet (\`nightreel demo\` makes it)`);
  }
  try {
    const open = await sourceOpener(place, source);
    const limit = { ms: ANSWER_WITHIN_MS, who: `The source (${title})`, failureClass: 'WarehouseUnavailable' } as const;
    const { columnsSeen } = await withinLimit(limit, signal, async (limited) => {
      await using reader = open(paramsSchema, { campaign: id });
      return await reader.probe(limited);
    });
    return fine(name, `${title}: ${columnsSeen ? 'it answers, and has the columns' : 'the file is there'}`);
  } catch (error) {
    return failed(name, error, signal);
  }
}

function failed(name: string, error: unknown, signal: AbortSignal): Check {
  signal.throwIfAborted();
  const { message, failureClass } = asFailure(error);
  return bad(name, message, `${describeFailure(failureClass).sentence} (${failureClass})`);
}
