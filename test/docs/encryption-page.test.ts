/** What docs/encryption.md shows can be used as it stands. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadClientConfigFromToml, toClientOptions } from '@temporalio/envconfig';
import { Command } from 'commander';
import { registerCodec } from '../../src/cli/codec.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/encryption.md'), 'utf8');

const blocksOf = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

test('its profiles of Temporal Cloud are profiles', () => {
  const [toml = ''] = blocksOf('toml');
  const { profiles } = loadClientConfigFromToml(Buffer.from(toml), { strict: true });
  expect(Object.keys(profiles)).toEqual(['cloud', 'cloud-key']);
  for (const { namespace, address } of Object.values(profiles)) expect([namespace, address]).not.toContain(undefined);
  const key = { ...profiles['cloud-key'], apiKey: 'key' };
  expect(toClientOptions(key).connectionOptions).toMatchObject({ tls: true, apiKey: 'key' });
});

test('its policy is a policy', () => {
  const [json = ''] = blocksOf('json');
  const { Statement } = JSON.parse(json) as { Statement: { Effect: string; Condition: object }[] };
  expect(Statement.map(({ Effect }) => Effect)).toEqual(['Deny', 'Deny', 'Deny']);
  for (const { Condition } of Statement) expect(Condition).toBeTruthy();
});

test('its commands are commands, with options that there are', () => {
  const program = new Command();
  registerCodec(program);
  const [codec] = program.commands;
  const shown = blocksOf('sh').flatMap((text) => [...text.matchAll(/nightreel codec ([a-z-]+)([^#\n]*)/g)]);
  expect(shown.length).toBeGreaterThan(5);
  for (const [, name, rest = ''] of shown) {
    const command = codec?.commands.find((one) => one.name() === name);
    const known = command?.options.map(({ long }) => long);
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(known).toContain(option);
    expect(command?.name()).toBe(name);
  }
});
