import { contrast } from './contrast.ts';
import { flash } from './flash.ts';
import { missingGlyph } from './missing-glyph.ts';
import { overflow } from './overflow.ts';
import { paramsAsMarkup } from './params-as-markup.ts';
import { paramsReady } from './params-ready.ts';
import type { RenderedCheck } from './rendered-check.ts';
import { runtime } from './runtime.ts';
import { seekOrder } from './seek-order.ts';
import { warmEqualsCold } from './warm-equals-cold.ts';
import { weight } from './weight.ts';

/** In the order in which they run. */
export const RENDERED_CHECKS: readonly RenderedCheck[] = [
  paramsReady,
  runtime,
  paramsAsMarkup,
  warmEqualsCold,
  seekOrder,
  overflow,
  missingGlyph,
  contrast,
  flash,
  weight,
];
