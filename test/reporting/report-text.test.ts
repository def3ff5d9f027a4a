import { expect, test } from '@jest/globals';
import { reportJson } from '../../src/reporting/report-json.ts';
import { reportText } from '../../src/reporting/report-text.ts';
import { planOf, rendered, withMeasures } from './night.ts';

type Input = Parameters<typeof reportJson>[0];

/** What a terminal says in the line of that name. */
function lineOf(name: string, night: Partial<Input>): string | undefined {
  const report = reportJson({
    ...{ plan: planOf(), outcomes: withMeasures([rendered(1, 4_000), rendered(2, 4_000)]), notStarted: 0 },
    ...{ wallMs: 61_000, closedAt: '2026-11-24T04:48:10Z' },
    videoUrl: (key) => `https://films.example/${key}.mp4`,
    posterUrl: (key) => `https://films.example/${key}.jpg`,
    ...night,
  });
  const lines = reportText(report, 'https://films.example/report.html').replaceAll('\u202f', ' ').split('\n');
  return lines.find((line) => line.startsWith(`  ${name} `))?.slice(21);
}

test('what a night cost together is said of a video and of the night, where all of it was measured', () => {
  expect(lineOf('together', {})).toMatch(/^\$0\.\d+, \$0\.\d+ a video$/);
  const outcomes = [...withMeasures([rendered(1, 4_000)]), rendered(2, 4_000)];
  expect(lineOf('together', { outcomes })).toMatch(/^\$0\.\d+ a video, of 1 of 2 renders$/);
  expect(lineOf('together', { plan: planOf({ sharedScenes: 3 }) })).toBe(
    'not measured: 3 scenes that several videos share',
  );
});

test('how long a night took is not said of one that only a backfill closed', () => {
  expect([lineOf('Wall time', {}), lineOf('Wall time', { wallMs: 0 })]).toEqual(['1 min 01 s', 'not known']);
});
