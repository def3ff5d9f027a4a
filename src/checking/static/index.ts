import { accessibility } from './accessibility.ts';
import { contract } from './contract.ts';
import { declaredScenes } from './declared-scenes.ts';
import { determinism } from './determinism.ts';
import { fonts } from './fonts.ts';
import { hyperframes } from './hyperframes.ts';
import { network } from './network.ts';
import { schema } from './schema.ts';
import { size } from './size.ts';
import type { StaticCheck } from './static-check.ts';

/** In the order in which they run. */
export const STATIC_CHECKS: readonly StaticCheck[] = [
  schema,
  contract,
  declaredScenes,
  network,
  fonts,
  determinism,
  hyperframes,
  accessibility,
  size,
];
