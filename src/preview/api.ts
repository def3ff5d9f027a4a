/** What the app asks the preview's server. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { RENDITION_IDS, RENDITIONS } from '../contracts/video.ts';
import { frameSizeOf } from '../rendering/geometry.ts';
import { FINDINGS } from '../rendering/page/findings.ts';
import type { Template } from '../templates/template.ts';
import type { Events } from './events.ts';
import type { LiveTemplate } from './live-template.ts';
import { ownSets, type People } from './param-sets.ts';
import { sendBytes, sendJson, sendProblem } from './send.ts';
import type { Studio } from './studio.ts';

export interface PreviewSources {
  readonly live: LiveTemplate;
  readonly studio: Studio;
  readonly events: Events;
  /** Where recipients come from, by the name that the app calls it. */
  readonly people: ReadonlyMap<string, People>;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
const FOUND_LIMIT = 50;
const SHEET_LIMIT = { sets: 12, frames: 12 } as const;

const params = z.record(z.string(), z.unknown());
const bodies = {
  check: z.strictObject({ params }),
  people: z.strictObject({ from: z.string(), text: z.string(), again: z.boolean().default(false) }),
  renders: z.strictObject({ params, renditions: z.tuple([z.enum(RENDITION_IDS)], z.enum(RENDITION_IDS)) }),
  sheets: z.strictObject({
    sets: z
      .array(z.strictObject({ label: z.string(), params }))
      .min(1)
      .max(SHEET_LIMIT.sets),
    frames: z.array(z.int().min(0)).min(1).max(SHEET_LIMIT.frames),
  }),
  sounds: z.strictObject({ params }),
  cancel: z.strictObject({ id: z.string() }),
};

/** Something that was asked in a way that cannot be answered. */
class BadRequest extends Error {}

export class AppApi {
  private readonly sources: PreviewSources;
  private readonly frameOrigin: string;

  constructor(sources: PreviewSources, frameOrigin: string) {
    this.sources = sources;
    this.frameOrigin = frameOrigin;
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { events, studio } = this.sources;
    try {
      if (request.method === 'GET') {
        if (path === 'state') return sendJson(response, this.state());
        if (path === 'events') return events.add(response);
        const [folder, id = '', name = '', ...more] = path.split('/');
        const made = folder === 'made' && more.length === 0 ? studio.file(id, name) : null;
        if (made === null) return sendProblem(response, 404, 'There is nothing of this name here.');
        return sendBytes(request, response, made);
      }
      if (request.method === 'POST') return sendJson(response, await this.post(request, response, path));
      sendProblem(response, 405, 'It can be read or asked, and nothing else.');
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      sendProblem(response, 400, error.message);
    }
  }

  private async post(request: IncomingMessage, response: ServerResponse, path: string): Promise<unknown> {
    const { studio } = this.sources;
    const asked = async <T>(schema: z.ZodType<T>): Promise<T> => parsed(schema, await bodyOf(request));
    switch (path) {
      case 'check': {
        const { params: given } = await asked(bodies.check);
        const check = this.template.validateParams(given);
        return check.ok ? { errors: [] } : { errors: check.errors };
      }
      case 'people':
        return await this.find(await asked(bodies.people), response);
      case 'renders': {
        const { params: given, renditions } = await asked(bodies.renders);
        return studio.render(this.template, this.checked(given), renditions);
      }
      case 'sheets': {
        const { sets, frames } = await asked(bodies.sheets);
        const last = this.template.frameCount - 1;
        for (const { label, params: set } of sets) this.checked(set, `The params of '${label}'`);
        return studio.sheet(this.template, sets, [...new Set(frames.map((frame) => Math.min(frame, last)))]);
      }
      case 'sounds':
        return studio.sound(this.template, this.checked((await asked(bodies.sounds)).params));
      case 'cancel':
        return { isThere: studio.cancel((await asked(bodies.cancel)).id) };
      default:
        throw new BadRequest('There is nothing of this name here to ask.');
    }
  }

  private async find({ from, text, again }: z.infer<typeof bodies.people>, response: ServerResponse): Promise<unknown> {
    const people = this.sources.people.get(from);
    if (people === undefined) throw new BadRequest('There are no people of this name.');
    if (again) await people.forget?.();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return await people.find(this.template, text, FOUND_LIMIT, gone.signal);
  }

  private get template(): Template {
    const { template } = this.sources.live.state;
    if (template === null) throw new BadRequest('The template cannot be read yet.');
    return template;
  }

  private checked(given: z.infer<typeof params>, whose = 'These params'): z.infer<typeof params> {
    const check = this.template.validateParams(given);
    if (check.ok) return check.params;
    throw new BadRequest(`${whose} do not fit the template: ${check.path} ${check.reason}.`);
  }

  private state(): unknown {
    const { live, people } = this.sources;
    const { template, problem, version } = live.state;
    return {
      version,
      problem,
      template: template === null ? null : describe(template),
      frame: template === null ? null : `${this.frameOrigin}/${encodeURI(template.entryPath)}`,
      frameOrigin: this.frameOrigin,
      sets: template === null ? [] : ownSets(template),
      people: [...people].map(([name, { label, forget }]) => ({ name, label, isKept: forget !== undefined })),
      findings: FINDINGS,
      limits: SHEET_LIMIT,
    };
  }
}

function describe(template: Template) {
  const { id, title, width, height, fps, durationMs, frameCount, contract, fonts, scenes, paramsSchema } = template;
  const renditions = RENDITION_IDS.map((rendition) => ({
    id: rendition,
    ...frameSizeOf(template, RENDITIONS[rendition]),
  }));
  return { id, title, width, height, fps, durationMs, frameCount, contract, fonts, scenes, paramsSchema, renditions };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > BODY_LIMIT_BYTES) throw new BadRequest('That is more than the preview takes.');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new BadRequest('That is not JSON.');
  }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new BadRequest(`Asked in a wrong way: ${issue?.path.join('.')} ${issue?.message}.`);
}
