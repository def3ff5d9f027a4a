/** At which stage a video of scenes fails, where the store is what fails. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Attempt } from '../../src/activities/attempt.ts';
import { renderAndJoin } from '../../src/activities/joined-video.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { SceneStore } from '../../src/storage/scene-store.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import type { Template } from '../../src/templates/template.ts';
import { failureOf, fixture, startRenderer } from '../rendering/support.ts';
import { TestS3 } from '../support/s3.ts';
import { S3Proxy } from '../support/s3-proxy.ts';

let server: TestS3;
let proxy: S3Proxy;
let store: ObjectStore;
let template: Template;
let renderer: Renderer;
/** Which of the requests that may be refused is, counted from 1. */
let refused = { method: 'PUT', number: 1 };
let seen = 0;

beforeAll(async () => {
  server = await TestS3.start();
  proxy = await S3Proxy.start(server, ({ method }, answer) => {
    if (method !== refused.method) return false;
    seen += 1;
    if (seen !== refused.number) return false;
    answer.writeHead(403).end();
    return true;
  });
  store = new ObjectStore({
    clientConfig: { ...server.clientConfig(), endpoint: proxy.endpoint },
    bucket: server.bucket,
  });
  template = {
    ...(await fixture('tiny')),
    scenes: [
      { id: 'one', start: 0, end: 10, params: ['name'] },
      { id: 'two', start: 10, end: 64, params: ['colour'] },
    ],
  };
  renderer = await startRenderer(template);
}, 120_000);
afterAll(async () => {
  await renderer?.[Symbol.asyncDispose]();
  store?.close();
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

test.each([
  ['a scene cannot be stored', 'PUT', 1, 'upload'],
  ['the one after it cannot be read', 'GET', 2, 'join'],
] as const)(
  'where %s, that is what is told',
  async (name, method, number, stage) => {
    [refused, seen] = [{ method, number }, 0];
    const log = { warn: () => undefined } as unknown as Logger;
    const scenes = new SceneStore({ store, memoryBytes: 1024, check: () => undefined, log });
    const attempt = new Attempt();
    attempt.stage = 'join';
    const { onFailure, onMade, onThere } = attempt;
    const variant = { template, engineDigest: 'e', rendition: 'email-480p', params: { name } } as const;
    const options = { signal: new AbortController().signal, onFailure, onMade, onThere };
    const { failureClass } = await failureOf(renderAndJoin({ renderer, scenes }, variant, options));
    expect({ failureClass, stage: attempt.stage }).toEqual({ failureClass: 'StorageDenied', stage });
  },
  60_000,
);
