/** Sets of params to look at a template with: its own, some made from its schema, and people's. */

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Params } from '../contracts/video.ts';
import { listLayout } from '../local/layout.ts';
import { extremesOf } from '../templates/extremes.ts';
import type { Template } from '../templates/template.ts';
import { openCsvWarehouse } from '../warehouse/csv.ts';

export interface ParamSet {
  readonly label: string;
  readonly params: Params;
}

/** What the template says of itself, and what strains it. */
export const ownSets = (template: Template): ParamSet[] => [
  { label: 'Example', params: template.example },
  { label: 'Placeholder', params: template.placeholder },
  ...extremesOf(template).map(({ label, params }) => ({ label: capitalized(label), params })),
];

const capitalized = (label: string): string => `${label.charAt(0).toUpperCase()}${label.slice(1)}`;

export interface Person {
  readonly recipientId: string;
  readonly params: Params;
  /** Why there is no video of these; null: there can be one. */
  readonly problem: string | null;
}

export interface Found {
  readonly people: readonly Person[];
  /** More than were asked for. */
  readonly hasMore: boolean;
}

/** Recipients of somewhere. */
export interface People {
  /** `people.csv`, `Tonight`. */
  readonly label: string;
  /** Those whose ID or texts have `text` in them, in the order of their source. */
  find(template: Template, text: string, limit: number, signal: AbortSignal): Promise<Found>;
  /** Of a source that is read once: it is read anew when somebody is looked for next. */
  forget?(): Promise<void>;
}

/** Rows of a file, read anew for each question: it may be edited meanwhile, and be large. `idColumn`: as for `readList`. */
export const csvPeople = (path: string, label: string, idColumn?: string): People => ({
  label,
  async find(template, text, limit, signal) {
    const open = async () => {
      const stream = createReadStream(path);
      await once(stream, 'open');
      return stream;
    };
    const { paramsSchema, validateParams } = template;
    await using reader = openCsvWarehouse({
      ...{ name: label, open, paramsSchema },
      layout: (header) => listLayout(header, template, { name: label, idColumn }),
    });
    const people: Person[] = [];
    for await (const { recipientId, params, line, problem } of reader.readAll(signal)) {
      const id = recipientId ?? `line ${line}`;
      if (!matches(id, params, text)) continue;
      if (people.length === limit) return { people, hasMore: true };
      const check = validateParams(params);
      people.push({ recipientId: id, params, problem: problem ?? (check.ok ? null : `${check.path} ${check.reason}`) });
    }
    return { people, hasMore: false };
  },
});

/** Whether somebody is meant by a text that was typed: in any case of letters; nothing typed means everybody. */
export function matches(recipientId: string, params: Params, text: string): boolean {
  const wanted = text.trim().toLocaleLowerCase('en');
  if (wanted === '') return true;
  const texts = Object.values(params).filter((value) => typeof value === 'string');
  return [recipientId, ...texts].some((one) => one.toLocaleLowerCase('en').includes(wanted));
}
