import type { Stack } from '../../src/stack/index.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';

/** The store of an embedded stack. */
export const storeOf = ({ s3 }: Stack): ObjectStore =>
  new ObjectStore({
    clientConfig: {
      ...{ endpoint: s3.endpoint, region: s3.region, forcePathStyle: true },
      credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
    },
    bucket: s3.bucket,
  });
