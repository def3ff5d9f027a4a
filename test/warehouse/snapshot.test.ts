/** A source without times: read whole, compared with what everyone was shown. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { TestS3 } from '../support/s3.ts';
import { paperNights } from './paper-nights.ts';
import { temporaryFolder } from './support.ts';

const lines = (people: Readonly<Record<string, number>>): string =>
  ['id,n', ...Object.entries(people).map(([id, n]) => `${id},${n}`), ''].join('\n');
const sourceOf = (path: string) =>
  sourceSchema.parse({
    ...{ type: 'csv', path, columns: { recipientId: 'id' }, delta: { strategy: 'snapshot' } },
    params: { name: { text: 'Number {n}' }, referralCount: 'n', earnings: 'n' },
  });
const everyone = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, index % 5]));

test('only who is shown something else is planned, who is gone is withdrawn, and a broken load stops the night', async () => {
  await using s3 = await TestS3.start();
  await using folder = await temporaryFolder();
  const store = s3.store();
  const path = join(folder.path, 'people.csv');
  const source = sourceOf(path);
  const night = paperNights(store, 'whole', source);

  await writeFile(path, lines(everyone));
  const first = await night('2026-11-23', [0]);
  expect(first.counts).toMatchObject({ rows: 40, recipients: 40, variants: 5, unchanged: 0 });

  // The eight who shared the video that failed are owed theirs; one has changed, one is new, one is gone.
  const { p39: _, ...rest } = everyone;
  await writeFile(path, lines({ ...rest, p1: 9, new: 2 }));
  const second = await night('2026-11-24');
  const owed = Object.fromEntries(Object.entries(everyone).filter(([, n]) => n === 0));
  expect(second.people).toEqual({ ...owed, p1: 9, new: 2 });
  expect(second.counts).toMatchObject({ recipients: 10, unchanged: 30, withdrawn: 1, vanished: 1 });
  expect(second.withdrawn).toBe('{"recipientId":"p39"}\n');

  // An empty table, and one that lost a fifth of its people, are no farewells.
  for (const broken of [{}, Object.fromEntries(Object.entries(rest).slice(0, 30))]) {
    await writeFile(path, lines(broken));
    await expect(night('2026-11-25')).rejects.toMatchObject({
      failureClass: 'DataQuality',
      message: expect.stringContaining('no longer in the source'),
    });
  }
  await writeFile(path, lines({ ...rest, p1: 9, new: 3 }));
  const third = await night('2026-11-26');
  expect(third.people).toEqual({ new: 3 });
  expect(third.counts).toMatchObject({ unchanged: 39, withdrawn: 0 });
  store.close();
}, 60_000);

test('people of a night that never closed are looked at until one has, whatever the ledger says', async () => {
  await using s3 = await TestS3.start();
  await using folder = await temporaryFolder();
  const store = s3.store();
  const path = join(folder.path, 'people.csv');
  const source = sourceOf(path);
  const night = paperNights(store, 'cut', source);
  await writeFile(path, lines(everyone));
  await night('2026-11-23');

  // The ledger says 1 of p1, 2 of p2, and nothing of `new`; their pointers may say otherwise, or be gone.
  const { p2: _, ...rest } = everyone;
  await writeFile(path, lines({ ...rest, p1: 9, new: 3 }));
  const cut = await night('2026-11-24', [], false);
  expect(cut).toMatchObject({ people: { p1: 9, new: 3 }, withdrawn: '{"recipientId":"p2"}\n' });

  // All is as it was: those three, and nobody else, are looked at; another night that is cut changes nothing about it.
  await writeFile(path, lines(everyone));
  for (const day of ['2026-11-25', '2026-11-26']) {
    const next = await night(day, [], day.endsWith('26'));
    expect(next).toMatchObject({ people: { p1: 1, p2: 2 }, withdrawn: '{"recipientId":"new"}\n' });
  }
  const last = await night('2026-11-27');
  expect(last.counts).toMatchObject({ recipients: 0, withdrawn: 0, unchanged: 40 });
  store.close();
}, 60_000);
