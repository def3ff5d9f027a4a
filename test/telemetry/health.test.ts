import { describe, expect, test } from '@jest/globals';
import { readAddress } from '../../src/config/variables.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { PortChooser } from '../../src/stack/ports.ts';
import { Health } from '../../src/telemetry/health.ts';

const chooser = new PortChooser();
const host = '127.0.0.1';

test('a process is live from the start, and ready only while it takes tasks', async () => {
  const port = await chooser.choose();
  await using health = await Health.start({ host, port });
  const asked = async (path: string): Promise<string> => {
    const answer = await fetch(`http://${host}:${port}${path}`);
    return `${answer.status} ${(await answer.text()).trim()}`;
  };
  expect([await asked('/live'), await asked('/ready')]).toEqual(['200 starting', '503 starting']);
  health.state = 'ready';
  expect([await asked('/live'), await asked('/ready')]).toEqual(['200 ready', '200 ready']);
  health.state = 'draining';
  expect([await asked('/live'), await asked('/ready')]).toEqual(['200 draining', '503 draining']);
  expect(await asked('/metrics')).toBe('404 Ask for /live or /ready.');
  expect((await fetch(`http://${host}:${port}/ready`, { method: 'POST' })).status).toBe(404);
});

test('it answers nobody any more once it has ended', async () => {
  const port = await chooser.choose();
  const health = await Health.start({ host, port });
  await fetch(`http://${host}:${port}/live`);
  await health[Symbol.asyncDispose]();
  await expect(fetch(`http://${host}:${port}/live`)).rejects.toThrow();
});

test('a port that is taken is told with what to do', async () => {
  const port = await chooser.choose();
  await using _ = await Health.start({ host, port });
  const failure = await Health.start({ host, port }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Failure);
  expect((failure as Failure).failureClass).toBe('EnvironmentInvalid');
  expect((failure as Failure).message).toContain(`nothing can listen on 127.0.0.1:${port} (the port is taken)`);
});

describe('an address', () => {
  test.each([
    ['8080', '127.0.0.1', 8080],
    ['0.0.0.0:8080', '0.0.0.0', 8080],
    ['[::]:80', '::', 80],
    ['localhost:65535', 'localhost', 65_535],
  ])('%s is %s and %i', (text, on, port) => expect(readAddress(text)).toEqual({ host: on, port }));

  test.each(['', '0', '65536', ':8080', 'localhost', 'a b:80', '::80', 'http://localhost:80', '0.0.0.0:'])(
    '%s is none',
    (text) => expect(readAddress(text)).toBeNull(),
  );
});
