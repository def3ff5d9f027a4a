/** What a template was measured to take, whether it is too much or not. */

import type { RenditionId } from '../contracts/video.ts';

export interface Measures {
  /** The slowest of all samples: from params to a page whose frames can be drawn, ms; null: there was none but the first. */
  readonly paramsReadyMs: number | null;
  /** In the template's own size, at most 1080p. CPU-ms per frame; null: this system does not tell. */
  readonly frame: { readonly width: number; readonly height: number; readonly cpuMs: number | null };
  /** Ten thousand videos, none of them cached; null: this system does not tell. */
  readonly night: {
    readonly rendition: RenditionId;
    readonly cpuMsPerFrame: number;
    readonly cpuHours: number;
  } | null;
  /** Times the area of the page, and elements with a layer of their own: the most of the moments that were looked at. */
  readonly effects: { readonly blurred: number; readonly shadowed: number; readonly layers: number };
  /** What a page has more after so many people; null: a page that is loaded anew for everybody. */
  readonly growth: {
    readonly people: number;
    readonly nodes: number;
    readonly listeners: number;
    readonly heapBytes: number;
  } | null;
}

/** For a person. */
export function measureLines({ paramsReadyMs, frame, night, effects, growth }: Measures): string[] {
  const perFrame =
    frame.cpuMs === null ? [] : [`a frame takes ${frame.cpuMs.toFixed(0)} CPU-ms at ${frame.width} × ${frame.height}`];
  const tonight =
    night === null
      ? []
      : [
          `${night.cpuMsPerFrame.toFixed(0)} at ${night.rendition}, so that 10,000 videos are ${night.cpuHours.toFixed(0)} CPU-hours`,
        ];
  const ready = paramsReadyMs === null ? [] : [`params are taken within ${Math.ceil(paramsReadyMs)} ms`];
  const { blurred, shadowed, layers } = effects;
  const drawn = `blurs cover ${blurred.toFixed(1)} times the page and shadows ${shadowed.toFixed(1)} times, ${layers} elements have layers of their own`;
  const kept =
    growth === null
      ? []
      : [
          `after ${growth.people} people there are ${growth.nodes} DOM nodes, ${growth.listeners} listeners and ${(growth.heapBytes / 1024).toFixed(0)} KiB more`,
        ];
  return [`Measured: ${[...perFrame, ...tonight, ...ready, drawn, ...kept].join('; ')}.`];
}
