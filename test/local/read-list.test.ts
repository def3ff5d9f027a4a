/** What is read of a list: which column is what, who gets which video, and which rows are set aside. */

import { Readable } from 'node:stream';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { listLayout } from '../../src/local/layout.ts';
import { type ListOptions, readList, rejectedRow } from '../../src/local/read-list.ts';
import type { Template } from '../../src/templates/template.ts';
import { fixture } from '../rendering/support.ts';

let template: Template;
beforeAll(async () => {
  template = await fixture('tiny');
});

async function read(text: string | Buffer, over: Partial<ListOptions> = {}) {
  const open = async () => Readable.from([Buffer.from(text)], { objectMode: false });
  const options = { name: 'users.csv', open, template, rendition: 'email-480p' as const, ...over };
  using plan = await readList(options, new AbortController().signal);
  const videos = [...plan.variants].map(({ params, recipients }) => ({ params, ids: [...recipients] }));
  return { videos, rejects: plan.rejects.map(rejectedRow), counts: plan.counts };
}

describe('the columns', () => {
  const schema = (more: object) => ({ id: 't', paramsSchema: { type: 'object', ...more } });
  const named = { name: 'users.csv' };

  test.each(['recipient_id', 'recipientId', 'id'])('%s tells rows apart by itself', (column) => {
    const layout = listLayout(['name', column], template, named);
    expect(layout).toEqual({ columns: { recipientId: column }, params: { name: 'name' }, ignored: [] });
  });

  test('another one does when it is named, and may be a param as well', () => {
    const layout = listLayout(['name', 'id', 'updated_at'], template, { ...named, idColumn: 'name' });
    expect(layout).toEqual({
      columns: { recipientId: 'name', updatedAt: 'updated_at' },
      ...{ params: { name: 'name' }, ignored: ['id'] },
    });
  });

  test('a template that has a param updated_at gets it', () => {
    const own = schema({ properties: { updated_at: {} } });
    expect(listLayout(['id', 'updated_at'], own, named)).toEqual({
      ...{ columns: { recipientId: 'id' }, params: { updated_at: 'updated_at' }, ignored: [] },
    });
  });

  test('a schema that lists no params takes all columns', () => {
    expect(listLayout(['id', 'anything'], schema({}), named)).toEqual({ columns: { recipientId: 'id' }, ignored: [] });
  });

  test.each([
    [['name', 'who'], undefined, /none of recipient_id, recipientId, id.*--id-column/],
    [['name', 'who'], 'mail', /no column 'mail'.*--id-column/],
    [['id', 'colour'], undefined, /does not name 'name', which template 'tiny' requires/],
  ])('%j with the ID in %s is refused', (header, idColumn, message) => {
    expect(() => listLayout(header, template, { ...named, idColumn })).toThrow(message);
  });
});

test('rows with equal params share a video, and what no param is called is told', async () => {
  const ignored: string[][] = [];
  const list = 'id,name,colour,note\r\na,Ada,,1\r\nb,Bo,#112233,2\r\nc,Ada,,3\r\n';
  const { videos, rejects } = await read(`\uFEFF${list}`, { onIgnored: (columns) => ignored.push([...columns]) });
  expect({ videos, rejects, ignored }).toEqual({
    videos: [
      { params: { name: 'Ada' }, ids: ['a', 'c'] },
      { params: { name: 'Bo', colour: '#112233' }, ids: ['b'] },
    ],
    ...{ rejects: [], ignored: [['note']] },
  });
});

test('a bad row is named by its line, its column and what is wrong, and the others are taken', async () => {
  const lines = [
    'id,name,colour',
    'a,Ada,red',
    'b,,',
    ',Cy,',
    'd,Di,,',
    'e,Ed,',
    `${'x'.repeat(1025)},Fay,`,
    '"g"h,Gil,',
  ];
  const { videos, rejects } = await read(lines.join('\n'));
  expect(videos.map(({ ids }) => ids)).toEqual([['e']]);
  expect(rejects).toEqual([
    { line: 2, id: 'a', column: 'colour', reason: 'must match pattern "^#[0-9a-f]{6}$"' },
    { line: 3, id: 'b', column: 'name', reason: 'is empty' },
    { line: 4, id: null, column: null, reason: 'the recipient ID is empty' },
    { line: 5, id: null, column: null, reason: 'the line has more or fewer cells than the header' },
    { line: 7, id: null, column: null, reason: 'the recipient ID is longer than 512 bytes' },
    { line: 8, id: null, column: null, reason: expect.stringMatching(/quote/) },
  ]);
});

test('cells become what the schema asks for', async () => {
  const { videos, rejects } = await read(
    'id,name,referralCount,earnings,nextMilestone,milestoneReward\na,Ada,3,75,5,many',
    {
      template: await referral(),
    },
  );
  expect({ videos, rejects }).toEqual({
    videos: [],
    rejects: [{ line: 2, id: 'a', column: 'milestoneReward', reason: 'must be integer' }],
  });
  const good = await read('id,name,referralCount,earnings,nextMilestone,milestoneReward\na,7,3,75,5,50', {
    template: await referral(),
  });
  const params = { name: '7', referralCount: 3, earnings: 75, nextMilestone: 5, milestoneReward: 50 };
  expect(good.videos).toEqual([{ params, ids: ['a'] }]);
});

test('of two rows with one ID the last counts, or the newer where they say when they changed', async () => {
  const { videos, counts } = await read('id,name\na,Old\nb,Bo\na,New');
  expect(videos.map(({ params }) => params['name'])).toEqual(['Bo', 'New']);
  expect(counts).toMatchObject({ rows: 3, duplicates: 1, recipients: 2 });
  const stamped = await read('id,name,updated_at\na,New,2026-11-24T00:00:00Z\na,Old,2026-11-23T00:00:00Z');
  expect(stamped.videos.map(({ params }) => params['name'])).toEqual(['New']);
});

test('a limit takes so many people from the top, and reads no further', async () => {
  const { counts } = await read('id,name\na,Ada\nb,Bo\nc,Cy\nd,Di\n', { limit: 2 });
  expect(counts).toMatchObject({ rows: 2, recipients: 2 });
});

test('a header alone is a list of nobody; nothing at all is no list', async () => {
  expect((await read('id,name\n')).counts).toMatchObject({ rows: 0, recipients: 0, variants: 0 });
  await expect(read('')).rejects.toThrow(/users\.csv cannot be read: it is empty/);
});

async function referral(): Promise<Template> {
  const { loadTemplate } = await import('../../src/templates/template.ts');
  return await loadTemplate(`${import.meta.dirname}/../../templates/referral`);
}
