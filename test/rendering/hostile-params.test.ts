/** Params are data, never markup: the templates that come with Nightreel show whatever somebody is called as that text. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Params } from '../../src/contracts/video.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { type PageUnderTest, startPage } from './page-support.ts';

/** None longer than a name may be; shorter texts get the beginning. */
const HOSTILE = [
  `<img src=x onerror=top.ran=1>');--{{constructor}}\x24{jndi:x}`,
  '</script><script>top.ran=1//"><svg/onload=top.ran=1>',
  '&lt;b&gt;&amp;*_~<@U123|x>`<style>*{color:red}</style>',
  '\u202eevil\u2066\u200f <!-- \u{1f469}\u200d\u{1f680}',
];
const MOMENTS = 4;
/** Everything that was ever shown, of nested pages too; and what text alone cannot have made. */
const LOOK = `(() => {
  const rooms = (room) => [room, ...[...room.querySelectorAll('iframe')].flatMap((frame) => frame.contentDocument ? rooms(frame.contentDocument) : [])];
  const all = rooms(document);
  const count = (selector) => all.reduce((sum, room) => sum + room.querySelectorAll(selector).length, 0);
  return { text: all.map((room) => room.documentElement.textContent).join(' '), ran: String(top.ran), foreign: count('img[src=x], svg[onload], script:not([src]):empty'), elements: count('script, style') };
})()`;

interface Look {
  readonly text: string;
  readonly ran: string;
  readonly foreign: number;
  readonly elements: number;
}

let page: PageUnderTest;
beforeAll(async () => {
  page = await startPage();
}, 60_000);
afterAll(async () => await page?.[Symbol.asyncDispose](), 30_000);

interface TextSchema {
  readonly type?: string;
  readonly enum?: unknown;
  readonly pattern?: unknown;
  readonly format?: unknown;
  readonly maxLength?: number;
  readonly items?: TextSchema;
  readonly properties?: Readonly<Record<string, TextSchema>>;
}

/** The value with every free text in it replaced. */
function poisoned(value: unknown, schema: TextSchema, text: string): unknown {
  if (Array.isArray(value)) return value.map((item) => poisoned(item, schema.items ?? {}, text));
  if (value !== null && typeof value === 'object') {
    const properties = schema.properties ?? {};
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, poisoned(inner, properties[name] ?? {}, text)]),
    );
  }
  const isFree =
    schema.type === 'string' && [schema.enum, schema.pattern, schema.format].every((one) => one === undefined);
  return isFree ? text.slice(0, schema.maxLength) : value;
}

async function lookAt(template: Template, params: Params): Promise<Look[]> {
  await page.open(template, params);
  const looks: Look[] = [];
  for (let moment = 0; moment < MOMENTS; moment += 1) {
    await page.picture(Math.floor(((moment + 0.5) * template.frameCount) / MOMENTS));
    looks.push((await page.evaluate(LOOK)) as Look);
  }
  return looks;
}

const bare = (text: string): string => text.replaceAll(/\s+/g, '');

test.each(['referral', 'statement', 'announcement', 'year-in-review'])(
  'whoever has markup for a name is called that in %s, and nothing of it runs',
  async (id) => {
    const template = await loadTemplate(join(import.meta.dirname, '../../templates', id));
    const usual = await lookAt(template, template.example);
    const schema = template.paramsSchema as TextSchema;
    for (const text of HOSTILE) {
      const params = poisoned(template.example, schema, text) as Params;
      const looks = await lookAt(template, params);
      expect({ text, said: looks.some((look) => bare(look.text).includes(bare(text))) }).toEqual({ text, said: true });
      for (const [at, { ran, foreign, elements }] of looks.entries()) {
        expect({ text, ran, foreign, elements }).toEqual({
          ...{ text, ran: 'undefined', foreign: 0 },
          elements: usual[at]?.elements,
        });
      }
    }
  },
  120_000,
);

test('the same look sees a template that takes a name for markup', async () => {
  const template = await loadTemplate(join(import.meta.dirname, '../../templates/referral'));
  await page.open(template, template.example);
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="top.ran=1">')`);
  expect(await page.evaluate(LOOK)).toMatchObject({ foreign: 1 });
});
