import { describe, expect, test } from '@jest/globals';
import type { DeployedVersion } from '../../src/client/deployment.ts';
import { nextStep } from '../../src/workers/version-keeper.ts';

const version = (buildId: string, more: Partial<DeployedVersion> = {}): DeployedVersion => ({
  ...{ buildId, isCurrent: false, wasActive: false, isServed: true, running: 0 },
  ...more,
});
const deployment = (...versions: DeployedVersion[]) => ({
  current: versions.find(({ isCurrent }) => isCurrent)?.buildId ?? null,
  versions,
  token: null,
});
const current = (buildId: string, more: Partial<DeployedVersion> = {}) =>
  version(buildId, { isCurrent: true, wasActive: true, ...more });
const nothing = { promote: false, adopt: [] };

describe.each(['auto', 'manual'] as const)('with rollout %s', (rollout) => {
  test('the first version there is makes itself current: nothing would run otherwise', () => {
    expect(nextStep(deployment(version('own')), 'own', rollout)).toEqual({ promote: true, adopt: [] });
  });

  test('a worker waits until the server knows its version', () => {
    expect(nextStep(deployment(version('other')), 'own', rollout)).toEqual(nothing);
  });

  test('a worker of the current version has nothing to do', () => {
    const old = version('old', { wasActive: true, running: 3 });
    expect(nextStep(deployment(current('own'), old), 'own', rollout)).toEqual(nothing);
  });

  test('an old version that a worker still serves does not come back by a restart', () => {
    const own = version('own', { wasActive: true, running: 3 });
    expect(nextStep(deployment(own, current('new')), 'own', rollout)).toEqual(nothing);
  });

  test('a version that is not current leaves what is stranded to the one that is', () => {
    const lost = version('lost', { wasActive: true, isServed: false, running: 1 });
    const own = version('own', { wasActive: true });
    expect(nextStep(deployment(own, current('new'), lost), 'own', rollout)).toEqual(nothing);
  });
});

test('a new version takes over by itself, and with manual it waits', () => {
  const state = deployment(current('old'), version('own'));
  expect(nextStep(state, 'own', 'auto')).toEqual({ promote: true, adopt: [] });
  expect(nextStep(state, 'own', 'manual')).toEqual(nothing);
});

test('an older version takes over again where nobody serves the current one: somebody went back to it', () => {
  const state = deployment(current('new', { isServed: false }), version('own', { wasActive: true }));
  expect(nextStep(state, 'own', 'auto')).toEqual({ promote: true, adopt: [] });
  expect(nextStep(state, 'own', 'manual')).toEqual(nothing);
});

test('what runs on versions that nobody serves goes on with the current one, and with manual it waits', () => {
  const gone = { wasActive: true, isServed: false };
  const state = deployment(
    current('own'),
    version('served', { wasActive: true, running: 2 }),
    version('lost', { ...gone, running: 1 }),
    version('drained', gone),
  );
  expect(nextStep(state, 'own', 'auto')).toEqual({ promote: false, adopt: ['lost'] });
  expect(nextStep(state, 'own', 'manual')).toEqual(nothing);
});
