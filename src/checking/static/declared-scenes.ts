/** Whether declared scenes cover the video frame by frame and name params that exist. */

import { z } from 'zod';
import { walkScenes } from '../../templates/scenes.ts';
import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { StaticCheck } from './static-check.ts';

const properties = z.record(z.string(), z.unknown());

export const declaredScenes: StaticCheck = {
  id: 'declared-scenes',
  run({ declaration, declared }) {
    if (declaration === null || declared === null) return [];
    const findings: Finding[] = [];
    const frameCount = Math.floor((declared.durationMs * declared.fps) / 1000);
    const paramNames = Object.keys(properties.safeParse(declared.params['properties']).data ?? {});
    walkScenes({ ...declared, frameCount, paramNames }, (what, path) => {
      const sentence = `${what[0]?.toUpperCase() ?? ''}${what.slice(1)}`;
      findings.push(found('scene-declaration', declaration.placeOf(path), sentence));
    });
    return findings;
  },
};
