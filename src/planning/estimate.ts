/** What a night will cost, from its size and from what renders cost on a machine. Pure. */

/** Milliseconds of processor time, measured. */
export interface MeasuredCosts {
  /** By id of the scene; empty for a template without scenes. */
  readonly scenes: Readonly<Record<string, number>>;
  readonly join: number;
  readonly whole: number;
  /** Wall time for each ms of processor time, with every slot of the machine busy. */
  readonly wallShare: number;
}

export interface NightSize {
  /** Different videos that are to be made. */
  readonly variants: number;
  /** Scenes that are to be rendered for them, by id; empty when they are rendered whole. */
  readonly missingScenes: Readonly<Record<string, number>>;
  readonly frameCount: number;
  readonly durationMs: number;
}

export interface EstimateOptions {
  /** Machines like the one on which costs were measured. */
  readonly workers: number;
  /** Of an hour of one processor. */
  readonly pricePerCpuHour: number;
  /** ISO 8601 UTC. */
  readonly start: string;
  readonly deadline: string | null;
}

/** One way of making the night. */
export interface Way {
  readonly cpuHours: number;
  readonly wallHours: number;
  readonly money: number;
  /** ISO 8601 UTC. */
  readonly ends: string;
  /** Null without a deadline. */
  readonly inTime: boolean | null;
}

export interface Estimate {
  /** Null when videos are not made from scenes. */
  readonly scenes: Way | null;
  readonly whole: Way;
  /** Times that scenes cost less; null without them. */
  readonly saving: number | null;
  /** Sentences about work for which this is the wrong tool, or the wrong setting. */
  readonly warnings: readonly string[];
}

const HOUR_MS = 3_600_000;
/** A film of this length is long for videos that everybody gets another one of. */
export const LONG_MS = 60_000;
/** Per frame, whole. A 1080p frame in full motion takes some 35. */
const HEAVY_MS = 150;
const FEW = 20;
const LITTLE = 1.5;

export function estimateNight(size: NightSize, costs: MeasuredCosts, options: EstimateOptions): Estimate {
  const whole = wayOf(size.variants * costs.whole, costs, options);
  const hasScenes = Object.keys(costs.scenes).length > 0;
  const scenesMs = Object.entries(size.missingScenes).reduce(
    (sum, [id, count]) => sum + count * (costs.scenes[id] ?? 0),
    0,
  );
  const joinedMs = scenesMs + size.variants * costs.join;
  const scenes = hasScenes ? wayOf(joinedMs, costs, options) : null;
  const saving = hasScenes && joinedMs > 0 ? (size.variants * costs.whole) / joinedMs : null;
  return { scenes, whole, saving, warnings: warningsOf(size, costs, { taken: scenes ?? whole, saving, options }) };
}

function wayOf(cpuMs: number, { wallShare }: MeasuredCosts, options: EstimateOptions): Way {
  const { workers, pricePerCpuHour, start, deadline } = options;
  const wallMs = (cpuMs * wallShare) / workers;
  const ends = new Date(Date.parse(start) + wallMs).toISOString();
  return {
    cpuHours: cpuMs / HOUR_MS,
    wallHours: wallMs / HOUR_MS,
    money: (cpuMs / HOUR_MS) * pricePerCpuHour,
    ends,
    inTime: deadline === null ? null : Date.parse(ends) <= Date.parse(deadline),
  };
}

interface Verdict {
  readonly taken: Way;
  readonly saving: number | null;
  readonly options: EstimateOptions;
}

function warningsOf(size: NightSize, costs: MeasuredCosts, { taken, saving, options }: Verdict): string[] {
  const { variants, frameCount, durationMs } = size;
  const perFrame = costs.whole / frameCount;
  const warnings: string[] = [];
  if (taken.inTime === false) {
    const factor = taken.wallHours / ((Date.parse(options.deadline ?? '') - Date.parse(options.start)) / HOUR_MS);
    const needed = factor > 0 && Number.isFinite(factor) ? Math.ceil(options.workers * factor) : null;
    const what = needed === null ? 'The deadline is before the start.' : `It takes ${needed} workers like this one.`;
    warnings.push(`The night would not be done by ${options.deadline}. ${what}`);
  }
  if (variants > 0 && variants < FEW) {
    warnings.push(`Only ${variants} videos: for one-off work \`nightreel render\` is less to run than a night.`);
  }
  if (durationMs > LONG_MS) {
    warnings.push(
      `Videos of ${Math.round(durationMs / 1000)} s: every frame is drawn by a browser. Long films with little that is personal are better cut by a video editor.`,
    );
  }
  if (perFrame > HEAVY_MS) {
    warnings.push(
      `A frame takes ${Math.round(perFrame)} ms of processor time: heavy 3D or filters are drawn without a graphics card here. Make the page draw less, or take a renderer that has one.`,
    );
  }
  if (saving !== null && saving < LITTLE) {
    warnings.push(
      `Scenes save little tonight (${saving.toFixed(1)} times): too few people share them. docs/scenes.md says how to design for it.`,
    );
  }
  return warnings;
}
