import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { createProgress, durationText, type ProgressState, RateMeter, tallyText } from '../../src/cli/progress.ts';

const state = (over: Partial<ProgressState>): ProgressState => ({
  phase: 'rendering',
  recipients: 60,
  variants: 40,
  cached: 0,
  rendered: 0,
  failed: 0,
  pointers: 0,
  ...over,
});

function display(isTty: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY: isTty, columns: 100 });
  const clock = { ms: 0 };
  const progress = createProgress({ stream, now: () => clock.ms });
  return { progress, clock, written: () => String(stream.read() ?? '') };
}

describe('the rate', () => {
  test('is measured over the last minute only', () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 300; second += 1) meter.add(second * 1_000, second < 200 ? 0 : (second - 200) * 2);
    expect(meter.perMinute(300_000)).toBeCloseTo(120, 5);
  });

  test('sinks while nothing happens', () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    meter.add(10_000, 10);
    expect(meter.perMinute(10_000)).toBeCloseTo(60, 5);
    expect(meter.perMinute(40_000)).toBeCloseTo(15, 5);
  });

  test('is unknown at first', () => {
    const meter = new RateMeter();
    expect(meter.perMinute(5_000)).toBeNull();
    meter.add(0, 3);
    expect(meter.perMinute(1_000)).toBeNull();
  });
});

test('the tally says what is done, how fast, and how long the rest takes', () => {
  expect(tallyText(state({ cached: 8, rendered: 22, failed: 1 }), 22)).toBe(
    '31/40 done · 8 cached · 1 failed · 22/min · 25 s left',
  );
  expect(tallyText(state({ cached: 8 }), null)).toBe('8/40 done · 8 cached · 0 failed');
  expect(tallyText(state({ rendered: 40 }), 22)).toBe('40/40 done · 0 cached · 0 failed');
  expect(tallyText(state({ rendered: 1 }), 0)).toBe('1/40 done · 0 cached · 0 failed');
});

test.each([
  [400, '0 s'],
  [59_400, '59 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 05 min'],
])('%d ms read %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test('without a terminal there is a line for each phase, and one every five seconds while rendering', () => {
  const { progress, clock, written } = display(false);
  progress.update(state({ phase: 'waiting', variants: 0, recipients: 0 }));
  progress.update(state({ phase: 'waiting', variants: 0, recipients: 0 }));
  progress.update(state({ phase: 'planning', variants: 0, recipients: 0 }));
  for (let second = 1; second <= 12; second += 1) {
    clock.ms = second * 1_000;
    progress.update(state({ rendered: second }));
  }
  progress.update(state({ phase: 'closing', rendered: 39, failed: 1 }));
  progress.finish();
  expect(written()).toBe(
    [
      'Waiting for a render worker',
      'Planning: reading what changed',
      'Rendering 40 variants for 60 recipients',
      'Rendering: 6/40 done · 0 cached · 0 failed · 60/min · 34 s left',
      'Rendering: 11/40 done · 0 cached · 0 failed · 60/min · 29 s left',
      'Rendering: 40/40 done · 0 cached · 1 failed',
      'Writing the report',
      '',
    ].join('\n'),
  );
});

test('on a terminal there is one bar, and the cursor is given back', () => {
  const { progress, clock, written } = display(true);
  for (let second = 0; second <= 4; second += 1) {
    clock.ms = second * 1_000;
    progress.update(state({ cached: 8, rendered: second }));
  }
  progress.update(state({ phase: 'done', cached: 8, rendered: 31, failed: 1 }));
  progress.finish();
  const text = written();
  expect(text).toContain('40/40 done · 8 cached · 1 failed');
  expect(text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(text.lastIndexOf('\u001b[?25l'));
});

test('a batch that is interrupted in its first phase leaves nothing half drawn', () => {
  const { progress, written } = display(true);
  progress.finish();
  expect(written()).toBe('');
});
