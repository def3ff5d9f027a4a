/** A query of the user's own with `:since`, `:until` and `:after_id`: found outside texts, comments and casts. Pure. */

import { Failure } from '../../contracts/failures.ts';

/** What a query may ask for: the start (exclusive) and the end (inclusive) of the night, and the last ID read at its start. */
export const QUERY_PARAMETERS = ['since', 'until', 'after_id'] as const;
export type NamedParameter = (typeof QUERY_PARAMETERS)[number];

export interface ParsedSql {
  /** The query with every parameter replaced. */
  fill(placeholder: (name: NamedParameter) => string): string;
}

/** What a colon means nothing in: texts, quoted names, dollar quotes, comments, casts. Then a parameter. */
const TOKEN = new RegExp(
  [
    `(?<text>'(?:[^']|'')*')`,
    `(?<name>"(?:[^"]|"")*")`,
    String.raw`(?<dollar>\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$)`,
    String.raw`(?<comment>--[^\n]*|/\*[\s\S]*?\*/)`,
    '(?<cast>::)',
    String.raw`(?<!\w):(?<parameter>[A-Za-z_]\w*)`,
    '(?<end>;)',
  ].join('|'),
  'g',
);

/**
 * Parses a query. Throws `Failure('CampaignInvalid')` for an unknown parameter, for a second statement, and for a file
 * with no statement. `name` is how messages name the file.
 */
export function parseSql(text: string, name: string): ParsedSql {
  const pieces: (string | { readonly parameter: NamedParameter })[] = [];
  let end: number | null = null;
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    const { parameter, comment, end: semicolon } = match.groups ?? {};
    if (end !== null && comment === undefined && semicolon === undefined) refuseSecond(name);
    if (semicolon !== undefined) end ??= match.index;
    if (parameter === undefined) continue;
    const known = QUERY_PARAMETERS.find((one) => one === parameter);
    if (known === undefined) {
      const line = text.slice(0, match.index).split('\n').length;
      const there = QUERY_PARAMETERS.map((one) => `:${one}`).join(', ');
      throw new Failure(
        'CampaignInvalid',
        `${name} line ${line}: there is no parameter :${parameter}; there are ${there}`,
      );
    }
    pieces.push(text.slice(from, match.index), { parameter: known });
    from = match.index + match[0].length;
  }
  if (end !== null && stripComments(text.slice(end)).replaceAll(/[;\s]/g, '') !== '') refuseSecond(name);
  pieces.push(text.slice(from, end ?? undefined));
  if (stripComments(text.slice(0, end ?? undefined)).trim() === '') {
    throw new Failure('CampaignInvalid', `${name} holds no query`);
  }
  return {
    fill: (placeholder) =>
      pieces.map((piece) => (typeof piece === 'string' ? piece : placeholder(piece.parameter))).join(''),
  };
}

const stripComments = (text: string): string => text.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, '');

function refuseSecond(name: string): never {
  throw new Failure('CampaignInvalid', `${name} holds more than one statement; a delta is one SELECT`);
}
