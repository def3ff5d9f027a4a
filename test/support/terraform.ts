/** What deploy/terraform says, read by a parser of its language, and what must be in it. */

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

export const TERRAFORM = resolve(import.meta.dirname, '../../deploy/terraform');
const PARSER = resolve(import.meta.dirname, '../../.tools/hcl');
const READ = 'import hcl2, json, sys; print(json.dumps([hcl2.load(open(path)) for path in sys.argv[1:]]))';

type Block = Readonly<Record<string, unknown>>;

/** Resources by type; a block that may be there more than once is a list. Throws where a file is not Terraform's language. */
async function resourcesIn(folder: string): Promise<ReadonlyMap<string, readonly Block[]>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.tf')).map((name) => join(folder, name));
  const { stdout } = await promisify(execFile)('python3', ['-c', READ, ...files], {
    env: { ...process.env, PYTHONPATH: PARSER },
  });
  const found = new Map<string, Block[]>();
  for (const { resource = [] } of JSON.parse(stdout) as {
    readonly resource?: readonly Record<string, Record<string, Block>>[];
  }[])
    for (const [type, named] of resource.flatMap((each) => Object.entries(each)))
      found.set(type, [...(found.get(type) ?? []), ...Object.values(named)]);
  return found;
}

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** Requests of src/storage as the rights that S3 wants for them; what only `doctor` and `forget` ask is not the workers'. */
const KNOWN_ACTIONS = [
  ...['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
  ...['s3:AbortMultipartUpload', 's3:ListBucketMultipartUploads'],
];

/** A sentence for everything that is wrong. */
export async function terraformFaults(folder: string): Promise<string[]> {
  const resources = await resourcesIn(folder);
  const only = (type: string): Block => resources.get(type)?.[0] ?? {};
  const faults: string[] = [];
  const block = only('aws_s3_bucket_public_access_block');
  for (const name of ['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets'])
    if (block[name] !== true) faults.push(`The bucket may become public. Set ${name} = true.`);
  if (!resources.has('aws_s3_bucket_server_side_encryption_configuration'))
    faults.push('The bucket is not encrypted by a setting of its own.');
  const rules = (only('aws_s3_bucket_lifecycle_configuration')['rule'] ?? []) as readonly Block[];
  if (!rules.some((rule) => 'abort_incomplete_multipart_upload' in rule))
    faults.push('No lifecycle rule aborts uploads that nobody completes.');
  for (const rule of rules) {
    const prefix = ((rule['filter'] as readonly Block[] | undefined)?.[0]?.['prefix'] ?? '') as string;
    if ('expiration' in rule && !/^"?(batches|inputs|health)\//.test(prefix))
      faults.push(`A lifecycle rule ends objects under '${prefix}' that people may still be shown.`);
  }
  const { Parameters } = parse(await readFile(join(folder, '../cloudfront.yaml'), 'utf8'), { logLevel: 'silent' });
  for (const name of Object.keys((only('aws_cloudformation_stack')['parameters'] ?? {}) as Block))
    if (!(name in Parameters)) faults.push(`deploy/cloudfront.yaml has no parameter ${name}.`);
  for (const name of (await readdir(join(folder, 'policies'))).sort())
    faults.push(...policyFaults(name, await readFile(join(folder, 'policies', name), 'utf8')));
  return faults;
}

function* policyFaults(name: string, text: string): Generator<string> {
  const { Statement } = JSON.parse(text) as { readonly Statement: readonly Statement[] };
  for (const { Sid, Action, Resource } of Statement) {
    const resources = [Resource].flat();
    for (const action of [Action].flat()) {
      if (!KNOWN_ACTIONS.includes(action)) yield `${name}, ${Sid}: no worker needs ${action}.`;
      const isAll = resources.some((resource) => /^(\*|\$\{bucket\}\/\*)$/.test(resource));
      if (isAll && action !== 's3:GetObject')
        yield `${name}, ${Sid}: ${action} on every object is more than anybody needs.`;
      if (action === 's3:DeleteObject' && resources.some((resource) => /\/(videos|scenes|batches)\//.test(resource)))
        yield `${name}, ${Sid}: only \`nightreel gc\` and \`nightreel forget\` remove what was made.`;
    }
  }
}
