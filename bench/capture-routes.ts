/**
 * What a variant costs: wall time and processor time per frame, by capture route and rendition, by program.
 *
 *   node bench/capture-routes.ts [--template templates/referral] [--routes begin-frame,screenshot]
 *     [--renditions phone-720p,web-1080p] [--slots 1] [--variants 1]
 *
 * Linux only: processor time is read from /proc for this process and everything that descends from it.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findTools } from '../src/config/tools.ts';
import { isRenditionId, RENDITIONS } from '../src/contracts/video.ts';
import { Renderer } from '../src/rendering/renderer.ts';
import { loadTemplate } from '../src/templates/template.ts';

const { values } = parseArgs({
  options: {
    template: { type: 'string', default: 'templates/referral' },
    routes: { type: 'string', default: 'begin-frame,screenshot' },
    renditions: { type: 'string', default: 'phone-720p,web-1080p' },
    slots: { type: 'string', default: '1' },
    variants: { type: 'string', default: '1' },
  },
});

const TICK_MS = 10;

interface Usage {
  readonly chromiumMs: number;
  readonly nodeMs: number;
  /** Children that have ended: ffmpeg. */
  readonly ffmpegMs: number;
}

/** utime, stime, cutime and cstime of proc(5). */
function usage(): Usage {
  const processes = new Map<string, { readonly parent: string; readonly own: number; readonly ended: number }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [parent = '', times = []] = [fields[1], fields.slice(11, 15).map(Number)];
      const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = times;
      processes.set(pid, { parent, own: (user + system) * TICK_MS, ended: (endedUser + endedSystem) * TICK_MS });
    } catch {
      // It ended while we looked.
    }
  }
  const below = (pid: string): number => {
    let sum = 0;
    for (const [child, { parent, own, ended }] of processes) if (parent === pid) sum += own + ended + below(child);
    return sum;
  };
  const self = processes.get(String(process.pid));
  return { chromiumMs: below(String(process.pid)), nodeMs: self?.own ?? 0, ffmpegMs: self?.ended ?? 0 };
}

const template = await loadTemplate(resolve(values.template));
const { headlessShell, chromium, ffmpeg } = findTools();
const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: console.warn, error: console.error };

const rows: Record<string, string | number>[] = [];
for (const route of values.routes.split(',')) {
  const tools = route === 'begin-frame' ? { headlessShell, ffmpeg } : { chromium, ffmpeg };
  await using renderer = await Renderer.start({ tools, slots: Number(values.slots), template, log });
  for (const id of values.renditions.split(',')) {
    if (!isRenditionId(id)) throw new RangeError(`'${id}' is no rendition`);
    const signal = new AbortController().signal;
    const [before, startedAt] = [usage(), performance.now()];
    const videos = await Promise.all(
      Array.from({ length: Number(values.variants) }, () =>
        renderer.render({ template, params: template.example, rendition: RENDITIONS[id] }, { signal }),
      ),
    );
    const [after, wallMs] = [usage(), performance.now() - startedAt];
    const frames = videos.length * template.frameCount;
    const perFrame = (ms: number): number => Number((ms / frames).toFixed(1));
    const spent = (part: keyof Usage): number => perFrame(after[part] - before[part]);
    const [chromiumMs, ffmpegMs, nodeMs] = [spent('chromiumMs'), spent('ffmpegMs'), spent('nodeMs')];
    rows.push({
      route: renderer.fingerprint.captureRoute,
      rendition: id,
      'wall s/variant': Number((wallMs / videos.length / 1000).toFixed(1)),
      'wall ms/frame': perFrame(wallMs),
      'cpu ms/frame': Number((chromiumMs + ffmpegMs + nodeMs).toFixed(1)),
      chromium: chromiumMs,
      ffmpeg: ffmpegMs,
      node: nodeMs,
      KiB: Math.round((videos[0]?.sizeBytes ?? 0) / 1024),
      sha256: videos[0]?.sha256.slice(0, 12) ?? '',
    });
  }
}
console.table(rows);
console.log(`load ${readFileSync('/proc/loadavg', 'utf8').trim()}, slots ${values.slots}, variants ${values.variants}`);
