/** Claims what is posted under a key, and is killed before it posts. Arguments: endpoint, bucket, key, and how many milliseconds of its lease are left. */

import { claim } from '../../src/reporting/digest/outbox.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { TEST_CREDENTIALS } from '../support/s3.ts';

const [endpoint, bucket = '', key = '', left] = process.argv.slice(2);
const store = new ObjectStore({
  clientConfig: { endpoint, region: 'us-east-1', credentials: TEST_CREDENTIALS },
  bucket,
});
await claim({ store, now: Date.now }, { key, again: false, leaseMs: Number(left) }, new AbortController().signal);
process.kill(process.pid, 'SIGKILL');
