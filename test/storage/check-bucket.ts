/** Prints the failure of `checkBucket` against the endpoint given as argument. */
import { asFailure } from '../../src/contracts/failures.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
const clientConfig = { endpoint: process.argv[2], region: 'us-east-1', credentials, maxAttempts: 1 };
using store = new ObjectStore({ clientConfig, bucket: 'films' });
try {
  await store.checkBucket();
} catch (error) {
  const { failureClass, message } = asFailure(error);
  console.log(JSON.stringify({ failureClass, message }));
}
