import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';

test('a bucket says whether it keeps what is removed, and to somebody who may not ask it says nothing', async () => {
  await using server = await TestS3.start();
  const clientConfig = server.clientConfig();
  using store = server.store();
  expect(await store.keepsVersions()).toBe(false);

  const client = new S3Client({ ...clientConfig, forcePathStyle: true });
  const bucket = 'nightreel-versions';
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const Status of ['Enabled', 'Suspended'] as const) {
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
    using versioned = new ObjectStore({ clientConfig, bucket });
    expect(await versioned.keepsVersions()).toBe(true);
  }
  client.destroy();

  const credentials = { accessKeyId: 'nobody', secretAccessKey: 'knows' };
  using refused = new ObjectStore({ clientConfig: server.clientConfig({ credentials }), bucket });
  expect(await refused.keepsVersions()).toBeNull();
});
