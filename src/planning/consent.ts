/** Whether people still want their video at the moment when it is published: the source is asked again, a page at a time. */

import { type BatchRef, batchIdOf, type CampaignId } from '../contracts/ids.ts';
import type { TemplateLibrary } from '../templates/library.ts';
import type { ManifestReader } from './manifest-reader.ts';
import type { PlannedCampaign } from './read-night.ts';

/** An answer is good for so long: the variants of a page are published within minutes of each other. */
const GOOD_FOR_MS = 60_000;
/** Whatever stamp a row has, it says what is wanted now. */
const END_OF_TIME = '9999-12-31T23:59:59Z';

export interface ConsentDeps {
  readonly manifests: ManifestReader;
  readonly templates: TemplateLibrary;
  readonly loadCampaign: (id: CampaignId) => Promise<PlannedCampaign>;
}

export class Consent {
  readonly #deps: ConsentDeps;
  readonly #asked = new Map<string, { readonly at: number; readonly answer: Promise<ReadonlySet<string>> }>();

  constructor(deps: ConsentDeps) {
    this.#deps = deps;
  }

  /**
   * Of these people, all of one page, those who are gone or unwilling by now; nobody for a campaign whose source cannot say it.
   * @param page its name within the batch: what was asked a moment ago is not asked again.
   */
  async withdrawnOf(
    batch: BatchRef,
    page: string,
    people: () => Promise<readonly string[]>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const plan = await this.#deps.manifests.plan(batch);
    if (!plan.asksConsent) return new Set();
    const key = `${batchIdOf(batch)}/${page}`;
    const known = this.#asked.get(key);
    if (known !== undefined && Date.now() - known.at < GOOD_FOR_MS) return await known.answer;
    for (const [other, { at }] of this.#asked) if (Date.now() - at >= GOOD_FOR_MS) this.#asked.delete(other);
    const answer = this.#ask(batch, people, signal);
    this.#asked.set(key, { at: Date.now(), answer });
    answer.catch(() => this.#asked.delete(key));
    return await answer;
  }

  async #ask(
    batch: BatchRef,
    people: () => Promise<readonly string[]>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const { templates, loadCampaign } = this.#deps;
    const campaign = await loadCampaign(batch.campaign);
    await using source = campaign.openSource(await templates.read(campaign.template), null, batchIdOf(batch));
    const withdrawn = new Set<string>();
    for await (const row of source.readRecipients(await people(), END_OF_TIME, signal)) {
      if (row.recipientId === null) continue;
      // Of several rows the newest comes last, and decides.
      if (row.withdrawn === true) withdrawn.add(row.recipientId);
      else withdrawn.delete(row.recipientId);
    }
    return withdrawn;
  }
}
