/** A night of people whose names and IDs would like to be something else: markup, SQL, a path, a template, a terminal's commands. */

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';

const MINUTE = 60_000;
/** ID and name of people who get a video. */
const PEOPLE: readonly (readonly [string, string])[] = [
  ['../../state/card', '<img src=x onerror=alert(1)>'],
  ['..', '</script><script>alert(1)</script>'],
  ['%2e%2e%2fvideos', "Robert'); DROP TABLE people;--"],
  ["' OR '1'='1", '\x24{jndi:ldap://x/a}{{constructor}}'],
  ['=cmd|calc!A1', '=HYPERLINK("http://x")'],
  ['{campaign}/{recipientId}', '*_~<@U123|x> <!channel>'],
  ['\u202ekcab', '\u202egnp.exe\u2069'],
  ['caf\u00e9', '\u{1f469}\u200d\u{1f680}\u{1f1e6}'],
  // The same to a reader, another person to a computer.
  ['cafe\u0301', 'Zo\u0308e'],
  ['x'.repeat(512), 'Long'],
  ['users/r-1.json', '\\u003cscript\\u003e &lt;b&gt;'],
  ['__proto__', '__proto__'],
];
/** IDs that nobody can have. */
const REFUSED = ['x'.repeat(1025), 'bell\u0007', 'esc\u001b[2Jape', '  '];

let home: TestHome;
let probe: NightProbe;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
}, MINUTE);

afterAll(async () => {
  await probe?.close();
  await home?.end();
}, MINUTE);

const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

test(
  'everybody gets a video and a pointer of their own, and nothing lies where it should not',
  async () => {
    const before = new Set(await probe.keys(''));
    const csv = join(home.folder, 'people.csv');
    const rows = [...PEOPLE, ...REFUSED.map((id) => [id, 'Nobody'] as const)].map(
      ([id, name], at) => `${cell(id)},${cell(name)},${at},${at * 10}`,
    );
    await writeFile(csv, ['recipient_id,name,referralCount,earnings', ...rows, ''].join('\n'));
    const serving = home.start(['serve', '--workers', '2']);
    serving.stdout?.resume();
    serving.stderr?.resume();
    let batchId: string;
    try {
      const night = await home.run(['run', 'card', '--csv', csv, '--json']);
      const summary = lastJson(night.stdout);
      expect(summary).toMatchObject({ rendered: PEOPLE.length, failed: 0, rejected: REFUSED.length });
      batchId = String(summary['batchId']);
    } finally {
      serving.kill('SIGTERM');
      await once(serving, 'close');
    }

    const pointers = await probe.pointers();
    expect(pointers.map(({ recipientId }) => recipientId).sort()).toEqual(PEOPLE.map(([id]) => id).sort());
    const names = new Map((await probe.manifestOf(batchId)).map(({ key, params }) => [key, params['name']]));
    for (const { recipientId, variantKey } of pointers) {
      expect(names.get(variantKey)).toBe(PEOPLE.find(([id]) => id === recipientId)?.[1].normalize('NFC'));
    }
    const added = (await probe.keys('')).filter((key) => !before.has(key));
    for (const key of added) {
      expect(key).toMatch(
        /^(users|videos|scenes|batches|state|inputs|templates|results|withdrawn|health)\/[\w./%~-]+$/,
      );
      expect(key.split('/')).not.toContain('..');
    }
    expect(added.filter((key) => key.startsWith('users/'))).toHaveLength(PEOPLE.length);

    const report = await probe.text(`batches/${batchId}/report.html`);
    for (const [, name] of PEOPLE.filter(([, text]) => text.startsWith('<'))) expect(report).not.toContain(name);

    for (const [id] of PEOPLE) {
      const { code, stdout } = await home.run(['recipient', 'card', '--', id]);
      expect({ id, code }).toEqual({ id, code: 0 });
      expect(stdout).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
    }
  },
  4 * MINUTE,
);
