import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { Params } from '../../src/contracts/video.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { type PageUnderTest, startPage, templateOf } from './page-support.ts';
import { fixture, gsapFixture, ROOT } from './support.ts';

let page: PageUnderTest;

beforeAll(async () => {
  page = await startPage();
}, 60_000);
afterAll(async () => {
  await page?.[Symbol.asyncDispose]();
});

/** Leaves whatever a page can leave, and says what it found of those before. */
const GREEDY = `
  const found = [];
  for (const storage of [localStorage, sessionStorage]) found.push(...Object.keys(storage));
  if (document.cookie) found.push(document.cookie);
  if (window.name) found.push(window.name);
  if (history.state) found.push(String(history.state));
  if (location.search || location.hash) found.push(location.search + location.hash);
  window.foundOfOthers = found;
  window.lasting = ['indexedDB', 'caches', 'cookieStore'].filter((name) => name in window);
  localStorage.setItem(who, 1);
  sessionStorage.setItem(who, 1);
  document.cookie = 'who=' + who;
  window.name = who;
  history.pushState(who, '', '?' + who);
  setTimeout(() => { document.body.append('late ' + who); }, 30);
`;
const aWhile =
  '__HF_VIRTUAL_TIME__.originalNow.length, new Promise((done) => __HF_VIRTUAL_TIME__.originalSetTimeout(done, 120))';

describe('what a page stores goes with its recipient', () => {
  test('in a warm page', async () => {
    const template = await templateOf(`<script>window.onParams = ({ name: who }) => { ${GREEDY} };</script>`);
    for (const name of ['Ada', 'Grace', 'Mary']) {
      await page.open(template, { name });
      expect(await page.evaluate('[...foundOfOthers, ...lasting].join()')).toBe('');
      await page.picture(5);
    }
  });

  test('in a stock composition, which is loaded anew', async () => {
    const html = `<script>const who = window.__hfVariables.name; ${GREEDY}</script>`;
    const template = await templateOf(html, {}, { contract: 'stock' });
    for (const name of ['Ada', 'Grace', 'Mary']) {
      await page.open(template, { name });
      expect(await page.evaluate('[...foundOfOthers, ...lasting].join()')).toBe('');
      expect(await page.evaluate('typeof window.left')).toBe('undefined');
      await page.evaluate('window.left = 1');
      await page.picture(5);
    }
  });

  test('a timer of one recipient never draws into the next one', async () => {
    const template = await templateOf(`<script>window.onParams = ({ name: who }) => { ${GREEDY} };</script>`);
    await page.open(template, { name: 'Ada' });
    const before = await page.picture(5);
    await page.open(template, { name: 'Grace' });
    await page.evaluate(aWhile);
    expect(await page.picture(5)).toBe(before);
    await page.open(template, { name: 'Mary' });
    await page.evaluate(aWhile);
    expect(await page.evaluate('document.body.innerText.includes("late")')).toBe(false);
  });

  test('a file of one template is not shown by another that has one of the same name', async () => {
    const logo = (background: string) =>
      sharp({ create: { width: 64, height: 64, channels: 3, background } })
        .png()
        .toBuffer();
    const html = '<img src="logo.png">';
    await page.open(await templateOf(html, { 'logo.png': await logo('#e02020') }));
    const red = await page.picture(0);
    await page.open(await templateOf(html, { 'logo.png': await logo('#2020e0') }));
    const blue = await page.picture(0);
    expect(blue).not.toBe(red);
    await using fresh = await startPage();
    await fresh.open(await templateOf(html, { 'logo.png': await logo('#2020e0') }));
    expect(await fresh.picture(0)).toBe(blue);
  });
});

test('a template that asks for the network until it is gone is blamed, and the one after it is not', async () => {
  const asking = await templateOf(`<script>
    const ask = () => {
      fetch('http://10.0.0.1/', { keepalive: true }).catch(() => undefined);
      navigator.sendBeacon('http://10.0.0.2/');
    };
    addEventListener('pagehide', ask);
    // More often, and Chromium is kept from all else on a slow machine: a renderer then takes another browser, which this test has not.
    __HF_VIRTUAL_TIME__.originalSetInterval(ask, 10);
  </script>`);
  const quiet = await templateOf('<p>quiet</p>');
  for (let turn = 0; turn < 5; turn++) {
    await expect(page.open(asking, { name: 'Ada' })).rejects.toMatchObject({ failureClass: 'NetworkForbidden' });
    await page.open(quiet, { name: 'Grace' });
    await page.picture(5);
  }
});

describe('a worker', () => {
  /** Runs code in a worker of the page; it says one thing. */
  const inWorker = (code: string): Promise<unknown> =>
    page.evaluate(`new Promise((done) => {
      const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(code)}])));
      worker.onmessage = ({ data }) => done(data);
    })`);
  const stock = (html: string, files: Record<string, string> = {}): Promise<Template> =>
    templateOf(html, files, { contract: 'stock' });

  test('keeps nothing for the next one', async () => {
    const keep = `(async () => {
      const opening = indexedDB.open('Ada');
      await new Promise((done) => (opening.onsuccess = done));
      opening.result.close();
      await caches.open('Ada');
      postMessage([(await indexedDB.databases()).length, (await caches.keys()).length].join());
    })()`;
    const look = `(async () => {
      postMessage([...(await indexedDB.databases()).map(({ name }) => name), ...(await caches.keys())].join());
    })()`;
    await page.open(await stock('<p>Ada</p>'), { name: 'Ada' });
    expect(await inWorker(keep)).toBe('1,1');
    await page.open(await stock('<p>Grace</p>'), { name: 'Grace' });
    expect(await inWorker(look)).toBe('');
  });

  test("gets its template's files, and is refused everything else", async () => {
    await page.open(await stock('<p>Ada</p>', { 'names.txt': 'Ada' }));
    const fetching = (address: string): string =>
      `fetch('${address}').then((answer) => answer.text()).then(postMessage, ({ name }) => postMessage(name))`;
    expect(await inWorker(fetching('https://template.invalid/names.txt'))).toBe('Ada');
    for (const address of ['https://elsewhere.example/names.txt', 'https://template.invalid/gone.txt']) {
      expect(await inWorker(fetching(address))).toBe('TypeError');
    }
  });
});

describe('a page that 200 recipients have been in draws as a fresh one does', () => {
  async function assertFresh(template: Template, people: readonly Params[], frames: readonly number[]): Promise<void> {
    const used = new Map<number, string[]>();
    const looks = async (which: PageUnderTest): Promise<string[]> => {
      const found: string[] = [];
      for (const frame of frames) found.push(await which.picture(frame));
      return found;
    };
    const looked = [0, 1, people.length - 2, people.length - 1];
    for (const [at, params] of people.entries()) {
      await page.open(template, params);
      if (looked.includes(at)) used.set(at, await looks(page));
      else for (const frame of frames.slice(0, 2)) await page.page.seek(frame);
    }
    expect(new Set([...used.values()].map((one) => one.join())).size).toBe(looked.length);
    for (const at of looked) {
      await using fresh = await startPage();
      await fresh.open(template, people[at]);
      expect({ at, frames: await looks(fresh) }).toEqual({ at, frames: used.get(at) });
    }
    expect(page.page.found).toEqual([]);
  }

  test('a small template', async () => {
    const people = Array.from({ length: 200 }, (_, i) => ({
      name: `Person ${i}`,
      colour: `#${(i * 0x010305).toString(16).padStart(6, '0')}`,
    }));
    await assertFresh(await fixture('tiny'), people, [0, 17, 40, 63]);
  }, 180_000);

  test('the referral story', async () => {
    const template = await loadTemplate(`${ROOT}/templates/referral`);
    const names = ['Ada', 'María-José Ñandú', '陈美玲', 'Олександр', 'अनन्या', '🌻 Sunny'];
    const people = Array.from({ length: 200 }, (_, i) => ({
      name: `${names[i % names.length]}`,
      referralCount: i * 7,
      earnings: i * 131,
      nextMilestone: i * 7 + 3,
      milestoneReward: (i % 4) * 25,
    }));
    await assertFresh(template, people, [30, 100, 190, 350]);
  }, 400_000);
});

test('two stock compositions with GSAP in one browser look as in a browser each', async () => {
  await using stock = await gsapFixture('stock');
  await page.open(stock.template, { name: 'Ada' });
  await page.picture(20);
  await page.open(stock.template, { name: 'Grace' });
  const second = [await page.picture(20), await page.picture(60)];
  await using fresh = await startPage();
  await fresh.open(stock.template, { name: 'Grace' });
  expect([await fresh.picture(20), await fresh.picture(60)]).toEqual(second);
}, 60_000);
