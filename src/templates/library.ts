import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { Failure } from '../contracts/failures.ts';
import { loadTemplate, type Template } from './template.ts';

/** Templates of batches that are still at work while the folder has moved on. */
const KEPT_PINNED = 4;

/** The templates of one folder, each kept in memory for as long as its files stay the same. */
export class TemplateLibrary {
  private readonly folder: string;
  private readonly kept = new Map<string, Template>();
  /** By digest. Many renders may ask for one at once: it is fetched once. */
  private readonly pinned: LRUCache<string, Template>;

  /** `pinned` finds a template as it was when a batch was planned; null when it was not kept. */
  constructor(folder: string, pinned: (digest: string) => Promise<Template | null> = async () => null) {
    this.folder = folder;
    this.pinned = new LRUCache({
      max: KEPT_PINNED,
      fetchMethod: async (digest) => (await pinned(digest)) ?? undefined,
    });
  }

  /** The template as it lies on disk now. Failure `TemplateInvalid` when there is none or it is broken. */
  async read(id: string): Promise<Template> {
    const template = await loadTemplate(join(this.folder, id));
    const known = this.kept.get(id);
    if (known?.digest === template.digest) return known;
    this.kept.set(id, template);
    return template;
  }

  /**
   * The template with exactly this digest: from the folder or, when that holds another version of it, as it was pinned.
   * Failure `TemplateChanged` when neither has it; `TemplateInvalid` when the folder is broken besides.
   */
  async load(id: string, digest: string): Promise<Template> {
    const known = this.kept.get(id);
    if (known?.digest === digest) return known;
    const fetched = this.pinned.get(digest);
    if (fetched !== undefined) return fetched;
    const template = await this.read(id).catch(asBroken);
    if (!(template instanceof Failure) && template.digest === digest) return template;
    const pinned = await this.pinned.fetch(digest);
    if (pinned !== undefined) return pinned;
    if (template instanceof Failure) throw template;
    throw new Failure(
      'TemplateChanged',
      `Template '${id}' was planned as ${digest.slice(0, 12)} and is ${template.digest.slice(0, 12)} on this worker. Deploy one version everywhere, or run the night again.`,
    );
  }
}

/** A folder that is gone or half-deployed holds another version too: what was pinned may still be had. */
function asBroken(error: unknown): Failure {
  if (error instanceof Failure && error.failureClass === 'TemplateInvalid') return error;
  throw error;
}
