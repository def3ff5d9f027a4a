/** Where test files run. Limits of time in them are for a machine at its usual pace; so that a slow or busy one passes too, all are longer. */

import { TestEnvironment } from 'jest-environment-node';

const TIMES = 3;

export default class PatientEnvironment extends TestEnvironment {
  #known = new WeakSet();

  /** A hook begins before every test: its limit is made longer once. */
  handleTestEvent({ name, test, hook }) {
    const limited = { test_fn_start: test, hook_start: hook }[name];
    if (!limited?.timeout || this.#known.has(limited)) return;
    this.#known.add(limited);
    limited.timeout *= TIMES;
  }
}
