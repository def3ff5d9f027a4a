/** A made-up night for report tests: thousands of variants, a few failures, the same every time. */

import type { RenderMeasures, VariantOutcome } from '../../src/contracts/batch.ts';
import type { FailureClass } from '../../src/contracts/failures.ts';
import type { BusinessDate, CampaignId, VariantKey } from '../../src/contracts/ids.ts';
import type { PlanDocument } from '../../src/planning/manifest.ts';
import { type BatchReport, reportJson } from '../../src/reporting/report-json.ts';

export const keyOf = (n: number): VariantKey =>
  (n * 2_654_435_761).toString(16).padStart(12, '0').padEnd(64, 'c0ffee') as VariantKey;

const slot = (n: number) => ({ page: Math.floor(n / 200) + 1, index: n % 200, key: keyOf(n) });

export const rendered = (n: number, renderMs: number, pointers = 1): VariantOutcome => ({
  ...slot(n),
  outcome: 'rendered',
  renderMs,
  pointers,
});

export const cached = (n: number, pointers = 1): VariantOutcome => ({
  ...slot(n),
  outcome: 'cached',
  renderMs: 0,
  pointers,
});

export const failed = (n: number, failureClass: FailureClass, message: string): VariantOutcome => ({
  ...slot(n),
  outcome: 'failed',
  failureClass,
  message,
});

export const planOf = (counts: Partial<PlanDocument['counts']> = {}): PlanDocument => ({
  batch: { campaign: 'referral' as CampaignId, businessDate: '2026-11-23' as BusinessDate, attempt: 1 },
  template: { id: 'referral', digest: 'd1'.repeat(32) },
  engine: {
    digest: 'e7'.repeat(32),
    engineRevision: 1,
    captureRoute: 'xvfb',
    pixels: 'c0ffee',
    chromium: 'Chromium 156.0.7204.92',
    ffmpeg: 'ffmpeg 5.1.9',
    x264: 'x264 core 164',
    muxer: 'mediabunny 1.61.0',
    fonts: 'f0'.repeat(32),
    settings: 'a1'.repeat(32),
  },
  rendition: 'phone-720p',
  assembly: 'whole',
  pointerKey: 'users/{recipientId}.json',
  whenWithdrawn: 'remove',
  asksConsent: false,
  results: 'none',
  strategy: 'watermark',
  lanes: { count: 8, window: 32 },
  window: {
    since: { updatedAt: '2026-11-21T04:00:00.123456Z', recipientId: 'ada@example.com' },
    until: '2026-11-24T04:00:00Z',
  },
  watermark: { updatedAt: '2026-11-24T03:59:58.5Z', recipientId: 'grace@example.com' },
  counts: {
    rows: 0,
    recipients: 0,
    rejected: 0,
    duplicates: 0,
    unchanged: 0,
    withdrawn: 0,
    vanished: 0,
    carriedOver: 0,
    variants: 0,
    cached: 0,
    sceneSlots: 0,
    distinctScenes: 0,
    storedScenes: 0,
    sharedScenes: 0,
    ...counts,
  },
  pages: 1,
  recipientPages: 0,
  scenePages: 0,
  csvKey: null,
  recipientLimit: null,
  carriedOver: ['linus@example.com'],
  settles: [],
  limits: { breaker: null, deadline: null },
  createdAt: '2026-11-24T04:00:03Z',
});

/** A number from 0 to 1 that looks random and is not. */
const noise = (n: number): number => {
  const value = Math.sin(n * 12.9898) * 43_758.5453;
  return value - Math.floor(value);
};

/** 3,934 variants: 2,818 rendered, 1,101 cached, 15 failed; 9 rows rejected. */
export function ordinaryNight(): { readonly plan: PlanDocument; readonly outcomes: readonly VariantOutcome[] } {
  const outcomes = Array.from({ length: 3_934 }, (_, n): VariantOutcome => {
    if (n % 360 === 100) return failed(n, 'FontMissing', "Font 'Manrope 800' did not load in scene earnings.");
    if (n % 1_300 === 7) return failed(n, 'BrowserCrashed', 'Chromium exited (SIGKILL) at frame 112 of 360.');
    if (n % 25 < 7) return cached(n, n % 50 < 7 ? 3 : 1);
    const spread = noise(n) + noise(n + 0.3) + noise(n + 0.7);
    return rendered(
      n,
      Math.round(2_600 + spread * 1_500 + (noise(n + 0.1) > 0.97 ? 4_000 * noise(n + 0.9) : 0)),
      n % 3 === 0 ? 2 : 1,
    );
  });
  const pointers = outcomes.reduce((sum, outcome) => sum + (outcome.outcome === 'failed' ? 1 : outcome.pointers), 0);
  const counts = { rows: pointers + 28, recipients: pointers, rejected: 9, duplicates: 19, carriedOver: 12 };
  return { plan: planOf({ ...counts, variants: outcomes.length, cached: 1_101 }), outcomes };
}

/** Renders of so many workers' places, one after the other, from the moment the plan was there. */
const PLACES = 6;

/** What rendering took, as a worker would say it. */
function measuresOf(n: number, renderMs: number, endedAt: number): RenderMeasures {
  const stages = {
    acquire: Math.round(20 + 60 * noise(n + 0.21)),
    params: Math.round(4 + 20 * noise(n + 0.22)),
    encode: Math.round(60 + 80 * noise(n + 0.23)),
    verify: Math.round(30 + 30 * noise(n + 0.24)),
    upload: Math.round(40 + 120 * noise(n + 0.25)),
  };
  const capture = renderMs - Object.values(stages).reduce((sum, ms) => sum + ms, 0);
  const cpuMs = Math.round(renderMs * (1.6 + 0.3 * noise(n + 0.26)));
  return {
    stages: { ...stages, capture },
    cpuMs,
    frames: 360,
    bytes: Math.round(900_000 + 800_000 * noise(n + 0.27)),
    endedAt,
  };
}

/** The same outcomes, with measures. */
export function withMeasures(outcomes: readonly VariantOutcome[]): VariantOutcome[] {
  const places = new Array<number>(PLACES).fill(Date.parse(planOf().createdAt) + 2_000);
  let next = 0;
  return outcomes.map((outcome, n) => {
    if (outcome.outcome !== 'rendered') return outcome;
    const place = next++ % PLACES;
    const endedAt = (places[place] ?? 0) + outcome.renderMs;
    places[place] = endedAt;
    return { ...outcome, measures: measuresOf(n, outcome.renderMs, endedAt) };
  });
}

/** The ordinary night on workers that measure, with failures of five classes. */
export function busyNight(): { readonly plan: PlanDocument; readonly outcomes: readonly VariantOutcome[] } {
  const { plan, outcomes } = ordinaryNight();
  const others: readonly (readonly [FailureClass, string])[] = [
    ['ParamsInvalid', 'params.amount must be a number.'],
    ['StorageUnavailable', 'PutObject was answered 503 SlowDown.'],
    ['TemplateCrashed', 'The template threw in scene reward: cannot read properties of undefined.'],
  ];
  const failing = outcomes.map((outcome, n) => {
    const [failureClass, message] = others[n % 3] ?? ['Internal', ''];
    return n % 500 === 250 + (n % 3) ? failed(n, failureClass, message) : outcome;
  });
  return { plan, outcomes: withMeasures(failing) };
}

const LINKS = {
  videoUrl: (key: string) => `https://films.example/${key}.mp4`,
  posterUrl: (key: string) => `https://films.example/${key}.jpg`,
};

/** Reports of the ten business days before the ordinary night, newest first. */
export function nightsBefore(): BatchReport[] {
  const dates = ['20', '19', '18', '17', '16', '13', '12', '11', '10', '09'];
  return dates.map((day, at) => {
    const plan = planOf({ recipients: 900 });
    const outcomes = Array.from({ length: 700 + Math.round(300 * noise(at + 0.5)) }, (_, n) =>
      n % 333 === at
        ? failed(n, 'BrowserCrashed', 'It died.')
        : rendered(n, Math.round(2_500 + 3_000 * noise(n + at * 0.01))),
    );
    const batch = { ...plan.batch, businessDate: `2026-11-${day}` as BusinessDate };
    const closedAt = `2026-11-${day}T23:30:00Z`;
    return reportJson({ plan: { ...plan, batch }, outcomes, notStarted: 0, wallMs: 1_700_000, closedAt, ...LINKS });
  });
}
