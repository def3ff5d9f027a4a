/** Tonight's recipients of a campaign, for the preview: read from its source when somebody first asks for them, and kept. */

import type { CampaignId } from '../contracts/ids.ts';
import { type Found, matches, type People, type Person } from '../preview/param-sets.ts';
import type { Template } from '../templates/template.ts';
import type { Tonight } from './tonight.ts';

export class TonightPeople implements People, AsyncDisposable {
  readonly label = 'Tonight';
  private readonly campaign: CampaignId;
  private readonly lifetime = new AbortController();
  private reading: Promise<Tonight> | null = null;

  constructor(campaign: CampaignId) {
    this.campaign = campaign;
  }

  async find(template: Template, text: string, limit: number): Promise<Found> {
    this.reading ??= this.read(template);
    const { reading } = this;
    const { delta } = await reading.catch((error: unknown) => {
      // The stack may be started meanwhile.
      if (this.reading === reading) this.reading = null;
      throw error;
    });
    const people: Person[] = [];
    for (const { params, recipients } of delta.variants) {
      const check = template.validateParams(params);
      const problem = check.ok ? null : `${check.path} ${check.reason}`;
      for (const recipientId of recipients) {
        if (!matches(recipientId, params, text)) continue;
        if (people.length === limit) return { people, hasMore: true };
        people.push({ recipientId, params, problem });
      }
    }
    return { people, hasMore: false };
  }

  async forget(): Promise<void> {
    const { reading } = this;
    this.reading = null;
    const tonight = await reading?.catch(() => null);
    // Whoever waited for it before has looked through it by now.
    tonight?.delta[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort();
    await this.forget();
  }

  private async read(template: Template): Promise<Tonight> {
    // Most of what a preview would otherwise take long to start with.
    const [{ loadSettings }, { ObjectStore }, { readTonight }] = await Promise.all([
      import('../config/settings.ts'),
      import('../storage/object-store.ts'),
      import('./tonight.ts'),
    ]);
    const settings = await loadSettings();
    using store = new ObjectStore(settings.s3);
    await store.checkBucket();
    const asked = { engineDigest: 'preview' };
    return await readTonight({ settings, store }, this.campaign, async () => template, asked, this.lifetime.signal);
  }
}
