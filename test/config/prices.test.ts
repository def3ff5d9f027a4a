import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadPrices } from '../../src/config/prices.ts';
import { DEFAULT_PRICES, pricesSchema } from '../../src/reporting/prices.ts';
import { temporaryFolder } from '../warehouse/support.ts';

async function load(text: string | null) {
  await using folder = await temporaryFolder();
  if (text !== null) await writeFile(join(folder.path, 'prices.yaml'), text);
  return await loadPrices(folder.path);
}

test('without prices.yaml the list prices count, which fit their own schema', async () => {
  expect(await load(null)).toEqual(DEFAULT_PRICES);
  expect(pricesSchema.parse(DEFAULT_PRICES)).toEqual(DEFAULT_PRICES);
  expect(await load('')).toMatchObject({ vcpuHour: DEFAULT_PRICES.vcpuHour });
});

test('a price that is given takes the place of one, and the report says where it is from', async () => {
  const prices = await load('vcpuHour: 0.02\nrequests: { put: 0.01 }\n');
  expect(prices).toEqual({
    ...DEFAULT_PRICES,
    ...{ source: 'prices.yaml', vcpuHour: 0.02 },
    requests: { ...DEFAULT_PRICES.requests, put: 0.01 },
  });
});

test.each([
  ['vcpuHour: cheap', /prices\.yaml: vcpuHour: .*expected number/],
  ['vcpuHour: -1', /prices\.yaml: vcpuHour: /],
  ['cpu: 1', /prices\.yaml: Unrecognized key: "cpu"/],
  ['requests: { post: 1 }', /prices\.yaml: requests: Unrecognized key: "post"/],
  ['currency: euros', /prices\.yaml: currency: must be three capital letters/],
  [
    'currency: EUR\nvcpuHour: 0.04',
    /with EUR all prices must be given.*missing: region, source, gbMonth, requests, egressGb/,
  ],
  [
    'currency: EUR\nregion: here\nsource: a bill\nvcpuHour: 1\ngbMonth: 1\negressGb: 1\nrequests: { put: 1, list: 1 }',
    /with EUR all prices must be given.*missing: requests\.get, requests\.head\.$/,
  ],
  ['vcpuHour: [', /prices\.yaml: /],
])('%j is refused in one sentence', async (text, message) => {
  await expect(load(text)).rejects.toMatchObject({
    failureClass: 'CampaignInvalid',
    message: expect.stringMatching(message),
  });
});
