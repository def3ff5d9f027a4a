/** Reports in a real bucket, opened as a person opens them: in a browser, over HTTP, without credentials. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { findTools } from '../../src/config/tools.ts';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';
import { planOf } from './night.ts';

export interface View {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
}

export interface OpenReport {
  readonly page: Page;
  /** Everything that was asked of the network. */
  readonly requests: readonly string[];
  /** What the console and the page complained about. */
  readonly complaints: readonly string[];
}

export class ReportPages implements AsyncDisposable {
  readonly store: ObjectStore;
  /** Where the bucket is read. */
  readonly base: string;
  readonly #server: TestS3;
  readonly #browser: Browser;

  private constructor(server: TestS3, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
    this.store = server.store();
    this.base = server.publicBaseUrl;
  }

  static async start(): Promise<ReportPages> {
    const { chromium } = findTools();
    const args = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'];
    const [server, browser] = await Promise.all([
      TestS3.start(),
      puppeteer.launch({ executablePath: chromium, pipe: true, args }),
    ]);
    return new ReportPages(server, browser);
  }

  /** Puts the page where a batch has it. */
  async open(text: string, { width = 1_400, scheme = 'light' }: View = {}): Promise<OpenReport> {
    const key = objectKeys.reportHtml(planOf().batch);
    await this.store.put(key, text, { contentType: 'text/html; charset=utf-8' });
    const page = await this.#browser.newPage();
    const [requests, complaints]: [string[], string[]] = [[], []];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setViewport({ width, height: 900 });
    await page.goto(this.store.url(key), { waitUntil: 'load' });
    return { page, requests, complaints };
  }

  /** Stores one and the same short film under each key, with its poster. */
  async storeFilms(keys: readonly VariantKey[]): Promise<void> {
    const picture = ['-f', 'lavfi', '-i', 'testsrc=s=320x180:r=30:d=2'];
    const film = await ffmpeg([
      ...picture,
      '-pix_fmt',
      'yuv420p',
      '-movflags',
      'frag_keyframe+empty_moov',
      '-f',
      'mp4',
    ]);
    const poster = await ffmpeg([...picture, '-frames:v', '1', '-f', 'mjpeg']);
    for (const key of keys) {
      await this.store.putImmutable(objectKeys.video(key), film, { contentType: 'video/mp4' });
      await this.store.putImmutable(objectKeys.poster(key), poster, { contentType: 'image/jpeg' });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.close();
    await Promise.all([this.#browser.close(), this.#server[Symbol.asyncDispose]()]);
  }
}

async function ffmpeg(args: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(findTools().ffmpeg ?? 'ffmpeg', ['-v', 'error', ...args, 'pipe:1'], {
    encoding: 'buffer',
    maxBuffer: 10_000_000,
  });
  return stdout;
}
