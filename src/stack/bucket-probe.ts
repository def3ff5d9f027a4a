import { DeleteObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

const PROBE_KEY = 'health/up';

/** Writes an object and takes it away again: the bucket exists and these credentials may use it. Throws what the client throws. */
export async function probeBucket(config: S3ClientConfig, bucket: string, signal?: AbortSignal): Promise<void> {
  const client = new S3Client(config);
  const where = { Bucket: bucket, Key: PROBE_KEY };
  try {
    await client.send(new PutObjectCommand({ ...where, Body: 'up' }), { abortSignal: signal });
    await client.send(new DeleteObjectCommand(where), { abortSignal: signal });
  } finally {
    client.destroy();
  }
}
