/** `flash`: the film does not flash so often that it can harm somebody. */

import { Failure } from '../../contracts/failures.ts';
import { planesOf } from '../../rendering/verify/picture.ts';
import type { Finding } from '../finding.ts';
import { firstOfFlashes, luminanceOf } from './flashes.ts';
import { placeOfRoot } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck } from './rendered-check.ts';

export const flash: RenderedCheck = {
  id: 'flash',
  async run(input) {
    const { drawn } = await rehearse(input);
    const [sample] = drawn;
    if (sample === undefined) return [];
    const { template, rendition, renderer, signal, onStep } = input;
    onStep(`looking at all ${template.frameCount} frames for flashes`);
    const frames: Float64Array[] = [];
    const scene = { start: 0, end: template.frameCount };
    await renderer.capture(
      { template, rendition, params: sample.params, scene },
      ({ data, isRepeat }, size) => {
        const last = frames.at(-1);
        frames.push(isRepeat && last !== undefined ? last : luminanceOf(planesOf(data, size)[0], size));
      },
      { signal },
    );
    if (frames.length !== template.frameCount) throw new Failure('Internal', 'Not all frames were drawn.');
    const at = firstOfFlashes(frames, template.fps);
    if (at === null) return [];
    const finding: Finding = {
      rule: 'flashes',
      severity: 'warning',
      ...placeOfRoot(template),
      what: `There are more than three flashes in the second from frame ${at} on.`,
      why: 'Light that flashes so often can cause seizures (WCAG 2.3.1), and players start videos by themselves.',
      fix: 'Let light and dark take turns more slowly, less strongly, or on a smaller area.',
    };
    return [finding];
  },
};
