/** `nightreel render --csv`: a folder of videos from a list, however often it is stopped. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { manifestLineSchema } from '../../src/local/row-manifest.ts';
import { lockOutput } from '../../src/stack/lock.ts';
import { nightreel, ROOT } from '../rendering/support.ts';
import { finished, lastJson, until } from '../support/nightreel.ts';

let folder: string;
/** Six frames of the fixture `tiny`; whoever is called Boom makes it throw. */
let short: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-csv-'));
  short = join(folder, 'short');
  await cp(join(ROOT, 'test/fixtures/templates/tiny'), short, { recursive: true });
  const edit = async (name: string, from: string, to: string): Promise<void> => {
    const text = await readFile(join(short, name), 'utf8');
    expect(text).toContain(from);
    await writeFile(join(short, name), text.replace(from, to));
  };
  await edit('template.json', '"durationMs": 2000', '"durationMs": 250');
  await edit('template.json', '"fps": 32', '"fps": 24');
  await edit('index.html', 'duration: 2,', 'duration: 0.25,');
  await edit('index.html', 'const apply = (params) => {', "$& if (params.name === 'Boom') throw new Error('boom');");
});
afterAll(() => rm(folder, { recursive: true }));

const argumentsFor = (csv: string, out: string): string[] => {
  return ['render', short, '--csv', csv, '--out', out, '--rendition', 'email-480p', '--json'];
};

/** Whole lines of a folder's manifest. */
async function manifestOf(out: string) {
  const text = await readFile(join(out, 'manifest.jsonl'), 'utf8').catch(() => '');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => manifestLineSchema.parse(JSON.parse(line)));
}

/** Which file each row has: the same inode and time mean that nobody wrote it since. Each is what the manifest says. */
async function filesOf(out: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { id, file, sha256 } of await manifestOf(out)) {
    const bytes = await readFile(join(out, file));
    expect([file, createHash('sha256').update(bytes).digest('hex')]).toEqual([file, sha256]);
    const { ino, mtimeNs } = await stat(join(out, file), { bigint: true });
    files.set(id, `${ino} ${mtimeNs}`);
  }
  return files;
}

const jsonLines = async (path: string): Promise<unknown[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a list that is stopped by Ctrl-C, then killed, then run to its end', () => {
  /** A thousand take some minutes: docs/local.md. */
  const ROWS = Number(process.env['NIGHTREEL_TEST_ROWS'] ?? 40);
  const STEP = Math.round(ROWS * 0.15);
  let csv: string;
  let out: string;

  async function stopAt(rows: number, signal: NodeJS.Signals) {
    const child: ChildProcess = spawn(join(ROOT, 'bin/nightreel'), argumentsFor(csv, out), { stdio: 'pipe' });
    const ending = finished(child);
    await until(
      async () => ((await manifestOf(out)).length >= rows ? true : null),
      `${rows} rows`,
      120_000 + ROWS * 1_000,
    );
    child.kill(signal);
    return await ending;
  }

  beforeAll(async () => {
    [csv, out] = [join(folder, 'forty.csv'), join(folder, 'forty')];
    const rows = Array.from({ length: ROWS }, (_, at) => `user-${at},Person ${at}`);
    await writeFile(csv, ['recipient_id,name', ...rows].join('\n'));
  });

  test(
    'renders each row once, and has no part of a video under a row’s name at any time',
    async () => {
      const stopped = await stopAt(STEP, 'SIGINT');
      expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining('run the same command again') });
      const first = await filesOf(out);
      expect(lastJson(stopped.stdout)).toMatchObject({ interrupted: true, wanted: ROWS, there: 0, given: first.size });

      expect((await stopAt(first.size + STEP, 'SIGKILL')).code).toBeNull();
      const second = await filesOf(out);
      expect([...second].filter(([id]) => first.has(id))).toEqual([...first]);
      const named = (await readdir(out)).filter((name) => name.endsWith('.mp4'));
      // One may have its name and not yet its line.
      for (const name of named) expect((await readFile(join(out, name))).subarray(4, 8).toString()).toBe('ftyp');

      const last = await nightreel(argumentsFor(csv, out));
      expect(last.code).toBe(0);
      const [there, given] = [second.size, ROWS - second.size];
      expect(lastJson(last.stdout)).toMatchObject({
        interrupted: false,
        rows: ROWS,
        there,
        given,
        failed: 0,
        rejected: 0,
        videos: { rendered: given },
      });
      const whole = await filesOf(out);
      expect([...whole].filter(([id]) => second.has(id))).toEqual([...second]);
      expect((await manifestOf(out)).map(({ id }) => id).sort()).toEqual([...whole.keys()].sort());
      expect(whole.size).toBe(ROWS);
      expect((await readdir(out)).filter((name) => !name.endsWith('.mp4'))).toEqual(['manifest.jsonl']);
    },
    300_000 + ROWS * 2_000,
  );
});

test('rows that are bad or fail are named and do not stop the others; the same list again renders what changed', async () => {
  const [csv, out] = [join(folder, 'mixed.csv'), join(folder, 'mixed')];
  const rows = ['a,Ada,', '../b,Ada,', 'c,Cy,red', 'd,Boom,', 'e,Old,', 'e,Ed,'];
  await writeFile(csv, `\uFEFF${['id,name,colour', ...rows].join('\r\n')}\r\n`);
  const { code, stdout } = await nightreel(argumentsFor(csv, out));
  expect(code).toBe(4);
  expect(lastJson(stdout)).toMatchObject({
    ...{ template: 'tiny', out, rows: 6, duplicates: 1, rejected: 1, wanted: 4, there: 0, given: 3, failed: 1 },
    ...{ failures: { TemplateCrashed: 1 }, videos: { distinct: 3, rendered: 2 }, interrupted: false },
  });
  expect(stdout).toContain("line 4: column 'colour' must match pattern");
  expect(stdout).toContain('1 row failed, see failures.jsonl: TemplateCrashed 1');
  expect(await jsonLines(join(out, 'rejects.jsonl'))).toEqual([
    { line: 4, id: 'c', column: 'colour', reason: expect.stringContaining('must match pattern') },
  ]);
  expect(await jsonLines(join(out, 'failures.jsonl'))).toEqual([
    expect.objectContaining({ id: 'd', class: 'TemplateCrashed', message: expect.any(String) }),
  ]);
  expect(await readdir(out)).toEqual(
    expect.arrayContaining(['a.mp4', expect.stringMatching(/^b~[0-9a-f]{16}\.mp4$/), 'e.mp4']),
  );

  const before = await filesOf(out);
  const child = spawn(join(ROOT, 'bin/nightreel'), argumentsFor('-', out), { stdio: 'pipe' });
  child.stdin.end('id,name\na,Ada\n../b,Bea\nd,Di\ne,Ed\n');
  const again = await finished(child);
  expect(again.code).toBe(0);
  expect(lastJson(again.stdout)).toMatchObject({ there: 2, given: 2, failed: 0, videos: { distinct: 4, rendered: 2 } });
  const after = await filesOf(out);
  expect(['a', '../b', 'd', 'e'].map((id) => after.get(id) === before.get(id))).toEqual([true, false, false, true]);
  expect((await readdir(out)).filter((name) => /rejects|failures/.test(name))).toEqual([]);
}, 120_000);

describe('what is refused before a browser starts', () => {
  beforeAll(async () => {
    await writeFile(join(folder, 'good.csv'), 'id,name\na,Ada\n');
    await writeFile(join(folder, 'empty.csv'), '');
    await writeFile(join(folder, 'lacking.csv'), 'id,colour\na,#112233\n');
  });

  test.each([
    [['--csv', 'good.csv'], 2, /required option '--out <folder>'/],
    [['--csv', 'good.csv', '--out', 'x', '--rendition', 'email-480p,web-1080p'], 2, /in one rendition/],
    [['--csv', 'good.csv', '--out', 'x', '--params', '{}'], 2, /--csv excludes --params/],
    [['--csv', 'good.csv', '--out', 'x', '--limit', '0'], 2, /whole number from 1 up/],
    [['--out', 'x.mp4', '--limit', '3'], 2, /--limit and --slots go with --csv/],
    [['--csv', 'good.csv', '--out', 'x', '--id-column', 'mail'], 2, /no column 'mail'/],
    [['--csv', 'lacking.csv', '--out', 'x'], 2, /does not name 'name', which template 'tiny' requires/],
    [['--csv', 'empty.csv', '--out', 'x'], 3, /empty\.csv cannot be read: it is empty/],
    [['--csv', 'no.csv', '--out', 'x'], 3, /no\.csv cannot be opened/],
    [['--csv', 'good.csv', '--out', 'good.csv'], 3, /good\.csv cannot be written: something that is not a folder/],
  ])('%j ends with %d', async (args, exitCode, sentence) => {
    const { code, stderr } = await nightreel(['render', short, ...args], folder);
    expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringMatching(sentence) });
    expect(stderr).not.toMatch(/^ +at |Starting/m);
    expect(await readdir(folder)).not.toContain('x');
  });

  test('a folder that another command renders into', async () => {
    const out = join(folder, 'locked');
    await mkdir(out);
    await using _lock = await lockOutput(out);
    const { code, stderr } = await nightreel(argumentsFor(join(folder, 'good.csv'), out));
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/Another command is rendering into/) });
    expect(await readdir(out)).toEqual([]);
  });
});

test('a list of nobody is done at once, without a browser', async () => {
  const csv = join(folder, 'nobody.csv');
  await writeFile(csv, 'id,name\n');
  const { code, stdout, stderr } = await nightreel(argumentsFor(csv, join(folder, 'nobody')));
  expect(code).toBe(0);
  expect(lastJson(stdout)).toMatchObject({ rows: 0, wanted: 0, given: 0, engine: null });
  expect(stderr).not.toContain('Starting');
});
