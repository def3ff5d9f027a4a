import { describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { FfmpegProcess, type FfmpegRun } from '../../src/rendering/encode/ffmpeg.ts';
import { descendantsOf, failureOf, isAlive, until } from './support.ts';

const { ffmpeg } = findTools();
const never = new AbortController().signal;

/** An ffmpeg that gives back the frames that it is given. */
const echo = (size: string, extra: Partial<FfmpegRun> = {}): FfmpegRun => ({
  ffmpeg,
  input: ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', size, '-framerate', '30'],
  output: ['-c:v', 'rawvideo', '-f', 'rawvideo'],
  ...extra,
});
const echoesOf = (size: string): number[] =>
  [...descendantsOf(process.pid)].filter(([, command]) => command.includes(size)).map(([pid]) => pid);

describe('frames given to ffmpeg', () => {
  test.each([
    ['of 1080p, I420', 3_110_400, '1920x1620'],
    ['of 4K, I420', 12_441_600, '3840x3240'],
    ['of a few bytes', 96, '12x8'],
  ])('%s arrive whole and in order, though the caller fills one buffer again and again', async (_what, bytes, size) => {
    await using process = FfmpegProcess.start(echo(size), never);
    const frame = new Uint8Array(bytes);
    for (let index = 1; index <= 6; index++) {
      frame.fill(index);
      await process.write(frame);
    }
    frame.fill(255);
    const echoed = await process.finish();
    expect(echoed.byteLength).toBe(6 * bytes);
    for (let index = 1; index <= 6; index++) {
      const one = echoed.subarray((index - 1) * bytes, index * bytes);
      expect(one.equals(Buffer.alloc(bytes, index))).toBe(true);
    }
  });

  test('keep their order when the next is given before the last is through', async () => {
    await using process = FfmpegProcess.start(echo('1000x1000'), never);
    const frames = [1, 2, 3, 4].map((shade) => Buffer.alloc(1_000_000, shade));
    await Promise.all(frames.map((frame) => process.write(frame)));
    expect((await process.finish()).equals(Buffer.concat(frames))).toBe(true);
  });

  test('are not taken faster than ffmpeg works', async () => {
    await using process = FfmpegProcess.start(echo('1001x1000'), never);
    await process.write(Buffer.alloc(1_001_000));
    const [pid = 0] = echoesOf('1001x1000');
    globalThis.process.kill(pid, 'SIGSTOP');
    let taken = 0;
    const feed = (async () => {
      for (; taken < 40; taken++) await process.write(Buffer.alloc(1_001_000));
    })();
    await new Promise((done) => setTimeout(done, 200));
    // What fits into the pipe, and no more: the rest would lie in memory.
    expect(taken).toBeLessThan(3);
    globalThis.process.kill(pid, 'SIGCONT');
    await feed;
    expect((await process.finish()).byteLength).toBe(41 * 1_001_000);
  });
});

describe('an ffmpeg at fault', () => {
  test('that is not there any more, though it was before, is told by whoever writes to it', async () => {
    await using process = FfmpegProcess.start(echo('8x8', { ffmpeg: '/nonexistent/ffmpeg' }), never);
    const failure = await failureOf(process.write(new Uint8Array(64)));
    expect(failure).toMatchObject({
      failureClass: 'ToolMissing',
      message: '/nonexistent/ffmpeg cannot be run. Install ffmpeg or set NIGHTREEL_FFMPEG.',
    });
  });

  test('that is killed in the middle of a frame is told with its signal, at once and ever after', async () => {
    await using process = FfmpegProcess.start(echo('1002x1000'), never);
    const frame = Buffer.alloc(1_002_000);
    await process.write(frame);
    const [pid = 0] = echoesOf('1002x1000');
    globalThis.process.kill(pid, 'SIGSTOP');
    const writing = failureOf(Promise.all([process.write(frame), process.write(frame)]));
    globalThis.process.kill(pid, 'SIGKILL');
    for (const failure of [await writing, await failureOf(process.write(frame)), await failureOf(process.finish())]) {
      expect(failure.failureClass).toBe('EncoderFailed');
      expect(failure.message).toMatch(/SIGKILL/);
    }
  });

  test('that does not know its options is told with its last words', async () => {
    await using process = FfmpegProcess.start(
      echo('1003x1000', { output: ['-c:v', 'libnothing', '-f', 'mp4'] }),
      never,
    );
    const failure = await failureOf(process.write(Buffer.alloc(4_000_000)));
    expect(failure.failureClass).toBe('EncoderFailed');
    expect(failure.message).toMatch(/libnothing/);
  });

  test('is ended by the signal, in the middle of a frame too', async () => {
    const cancel = new AbortController();
    await using process = FfmpegProcess.start(echo('1004x1000'), cancel.signal);
    await process.write(Buffer.alloc(1_004_000));
    const pids = echoesOf('1004x1000');
    expect(pids).toHaveLength(1);
    for (const pid of pids) globalThis.process.kill(pid, 'SIGSTOP');
    const writing = failureOf(process.write(Buffer.alloc(4 * 1_004_000)));
    cancel.abort();
    expect((await writing).failureClass).toBe('Cancelled');
    await until('its end', () => !pids.some(isAlive));
  });
});
