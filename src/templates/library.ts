import { join } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import { loadTemplate, type Template } from './template.ts';

/** The templates of one folder, each kept in memory for as long as its files stay the same. */
export class TemplateLibrary {
  private readonly folder: string;
  private readonly kept = new Map<string, Template>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The template as it lies on disk now. Failure `TemplateInvalid` when there is none or it is broken. */
  async read(id: string): Promise<Template> {
    const template = await loadTemplate(join(this.folder, id));
    const known = this.kept.get(id);
    if (known?.digest === template.digest) return known;
    this.kept.set(id, template);
    return template;
  }

  /** The template with exactly this digest. Failure `TemplateChanged` when the folder holds another version of it. */
  async load(id: string, digest: string): Promise<Template> {
    const known = this.kept.get(id);
    if (known?.digest === digest) return known;
    const template = await this.read(id);
    if (template.digest === digest) return template;
    throw new Failure(
      'TemplateChanged',
      `Template '${id}' was planned as ${digest.slice(0, 12)} and is ${template.digest.slice(0, 12)} on this worker. Deploy one version everywhere, or run the night again.`,
    );
  }
}
