/** What deploy/terraform must say; and that a broken copy does not pass. What its policies allow is tried in pods.test.ts. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { TERRAFORM, terraformFaults } from '../support/terraform.ts';

test('bucket, lifecycle, roles and the stack of the CDN are as they should be', async () => {
  expect(await terraformFaults(TERRAFORM)).toEqual([]);
});

test.each([
  [
    'a bucket that may be public',
    'bucket.tf',
    'block_public_policy     = true',
    'block_public_policy = false',
    'Set block_public_policy = true.',
  ],
  [
    'uploads that stay',
    'bucket.tf',
    'abort_incomplete_multipart_upload',
    'abort_uploads',
    'No lifecycle rule aborts uploads that nobody completes.',
  ],
  ['videos that end', 'bucket.tf', 'prefix = "inputs/"', 'prefix = "videos/"', 'A lifecycle rule ends objects under'],
  [
    'a parameter that the stack lacks',
    'cdn.tf',
    'BucketRegion',
    'Region',
    'deploy/cloudfront.yaml has no parameter Region.',
  ],
  [
    'all rights',
    'policies/render.json',
    '"s3:PutObject"',
    '"s3:*"',
    'render.json, WhatWasRendered: no worker needs s3:*.',
  ],
  [
    'writing everywhere',
    'policies/orchestrator.json',
    '/templates/*',
    '/*',
    's3:PutObject on every object is more than anybody needs.',
  ],
  [
    'removing videos',
    'policies/orchestrator.json',
    '/state/open/*',
    '/videos/*',
    'orchestrator.json, WhoLeft: only `nightreel gc` and `nightreel forget` remove what was made.',
  ],
])('a broken copy is refused: %s', async (_, file, right, wrong, sentence) => {
  const broken = await copyWith(file, right, wrong);
  try {
    expect((await terraformFaults(broken)).join('\n')).toContain(sentence);
  } finally {
    await rm(dirname(broken), { recursive: true });
  }
});

test('a broken copy is refused: what is not Terraform’s language', async () => {
  const broken = await copyWith('roles.tf', 'locals {', 'locals {{');
  await expect(terraformFaults(broken)).rejects.toThrow('UnexpectedToken');
  await rm(dirname(broken), { recursive: true });
});

async function copyWith(file: string, right: string, wrong: string): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'nightreel-terraform-')), 'terraform');
  await cp(TERRAFORM, folder, { recursive: true });
  await cp(join(TERRAFORM, '../cloudfront.yaml'), join(folder, '../cloudfront.yaml'));
  const text = await readFile(join(folder, file), 'utf8');
  expect(text).toContain(right);
  await writeFile(join(folder, file), text.replace(right, wrong));
  return folder;
}
