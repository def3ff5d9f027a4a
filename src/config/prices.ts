/** `prices.yaml` of the project: what its machines and its bucket really cost. */

import { join } from 'node:path';
import { isNativeError } from 'node:util/types';
import { parse } from 'yaml';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { DEFAULT_PRICES, type Prices, pricesSchema } from '../reporting/prices.ts';
import { readIfThere } from './read-if-there.ts';

const FILE = 'prices.yaml';

/** docs/reference/prices.md is written from it. */
export const pricesFileSchema = z.strictObject({
  ...pricesSchema.partial().shape,
  requests: z
    .strictObject(pricesSchema.shape.requests.partial().shape)
    .optional()
    .describe('What the bucket takes for requests.'),
});

/** The prices in `<root>/prices.yaml`; what that leaves out, or all when it is not there, are list prices of AWS. */
export async function loadPrices(root: string): Promise<Prices> {
  const text = await readIfThere(join(root, FILE));
  if (text === null) return DEFAULT_PRICES;
  const parsed = pricesFileSchema.safeParse(parsedYaml(text) ?? {});
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(({ path, message }) =>
      [path.join('.'), message].filter(Boolean).join(': '),
    );
    throw new Failure('CampaignInvalid', `${FILE}: ${sentences.join('; ')}. docs/configuration.md has an example.`);
  }
  const given = parsed.data;
  // Of another currency, a price that is left out would be wrong.
  const missing = [
    ...Object.keys(pricesSchema.shape).filter((name) => !Object.hasOwn(given, name)),
    ...Object.keys(pricesSchema.shape.requests.shape).flatMap((name) =>
      given.requests === undefined || Object.hasOwn(given.requests, name) ? [] : [`requests.${name}`],
    ),
  ];
  if (given.currency !== undefined && given.currency !== DEFAULT_PRICES.currency && missing.length > 0) {
    throw new Failure(
      'CampaignInvalid',
      `${FILE}: with ${given.currency} all prices must be given, as the others are in ${DEFAULT_PRICES.currency}; missing: ${missing.join(', ')}.`,
    );
  }
  return { ...DEFAULT_PRICES, source: FILE, ...given, requests: { ...DEFAULT_PRICES.requests, ...given.requests } };
}

function parsedYaml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new Failure('CampaignInvalid', `${FILE}: ${isNativeError(error) ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
