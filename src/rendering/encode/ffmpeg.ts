/**
 * One run of ffmpeg, fed through stdin and read through stdout: its process from start to the last trace. Everything that
 * the engine does with ffmpeg goes through here, and fluent-ffmpeg is used nowhere else.
 */

import { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import Ffmpeg from 'fluent-ffmpeg';
import { asFailure, Failure } from '../../contracts/failures.ts';
import { tieProcess } from '../browser/tied-process.ts';
import { timeOf } from '../measuring/group-times.ts';
import { Meter } from '../measuring/meter.ts';

export interface FfmpegRun {
  /** Path of the program. */
  readonly ffmpeg: string;
  /** Options of the one input, stdin. */
  readonly input: readonly string[];
  /** Options of the one output, stdout. */
  readonly output: readonly string[];
  /** Video filter. */
  readonly filter?: string;
  /** How long, while somebody waits for it, it may neither take nor give a byte before it is killed. 60 s when left out. */
  readonly limitMs?: number | undefined;
}

const LAST_LINES = 5;
const LIMIT_MS = 60_000;
/** How often headway is looked for within the limit. */
const LOOKS = 6;

/** All of the environment that ffmpeg gets: this process's own may hold secrets. */
export const FFMPEG_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
};

export class FfmpegProcess implements AsyncDisposable {
  private readonly feed = new Feed();
  private readonly chunks: Buffer[] = [];
  /** Where output goes instead of into `chunks`, when somebody reads it as it comes. */
  private reader: ReadableStreamDefaultController<Uint8Array> | null = null;
  private readonly command: Ffmpeg.FfmpegCommand;
  private readonly over = new AbortController();
  private readonly ended: Promise<void>;
  private readonly failed: (reason: Failure) => void;
  private readonly stopListening: () => void;
  private readonly limitMs: number;
  private readBytes = 0;
  private isSpawned = false;
  private hung: Failure | null = null;
  /** Takes note of what it has used so far, if somebody wants to know. */
  private look = (): void => undefined;

  private constructor(run: FfmpegRun, signal: AbortSignal) {
    const collector = new Writable({
      // fluent-ffmpeg kills ffmpeg 20 ms after its output closes, even when it is just about to exit by itself.
      emitClose: false,
      write: (chunk: Buffer, _encoding, done) => {
        if (this.reader === null) this.chunks.push(chunk);
        else this.reader.enqueue(chunk);
        this.readBytes += chunk.byteLength;
        done();
      },
    });
    this.command = Ffmpeg(this.feed)
      .setFfmpegPath(run.ffmpeg)
      .inputOptions([...run.input])
      .outputOptions(['-hide_banner', '-nostats', '-v', 'error', ...run.output]);
    if (run.filter !== undefined) this.command.videoFilters(run.filter);
    confineEnvironment(this.command);

    // The process may end before all of its output has been read.
    const allRead = once(collector, 'finish');
    allRead.catch(() => undefined);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    this.failed = reject;
    this.limitMs = run.limitMs ?? LIMIT_MS;
    this.ended.catch(() => undefined);
    const meter = Meter.current;
    const fail = (error: Error, stderr: string | null): void => {
      this.over.abort();
      this.feed.abandon();
      reject(signal.aborted ? asFailure(signal.reason, 'Cancelled') : (this.hung ?? describeEnd(run, error, stderr)));
    };
    this.command
      .on('start', () => {
        const child: unknown = Reflect.get(this.command, 'ffmpegProc');
        if (child instanceof ChildProcess && child.pid === undefined) {
          // fluent-ffmpeg's own listener throws a TypeError, where nobody can catch it.
          child.removeAllListeners('error').once('error', (error: Error) => fail(error, null));
          return;
        }
        this.isSpawned = true;
        // The end of its input ends it with this process; unless it hangs at that moment.
        if (child instanceof ChildProcess && child.pid !== undefined) {
          const { pid, stdout } = child;
          child.once('exit', tieProcess(pid));
          if (meter !== undefined) {
            let lastMs: number | null = null;
            this.look = () => {
              lastMs = timeOf(pid) ?? lastMs;
            };
            // Its output closes as it ends, and that is mostly seen before Node.js has waited for it and it is gone from /proc.
            stdout?.once('end', () => {
              this.look();
              meter.addEncoder(lastMs);
            });
          }
        }
        if (signal.aborted || this.hung !== null) this.command.kill('SIGKILL');
      })
      .on('end', () => void allRead.then(() => resolve(), reject))
      .on('error', (error: Error, _stdout: string | null, stderr: string | null) => fail(error, stderr));

    const kill = () => this.kill();
    signal.addEventListener('abort', kill, { once: true });
    this.stopListening = () => signal.removeEventListener('abort', kill);
    this.command.pipe(collector, { end: true });
  }

  /** Starts ffmpeg; `signal` kills it at once. */
  static start(run: FfmpegRun, signal: AbortSignal): FfmpegProcess {
    return new FfmpegProcess(run, signal);
  }

  /**
   * Hands bytes to ffmpeg. Ends when it has taken all of them but what a pipe holds; until then they must stay as they are,
   * afterwards they may be overwritten: they are neither copied nor kept. May be called again before it has ended, with
   * other bytes. Failure `EncoderFailed`, with ffmpeg's last words when it has ended, or because it hung and was killed.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.over.signal.aborted) await this.ended;
    // A pipe that breaks says less than the process that has ended.
    if (!(await this.watched(this.feed.write(bytes)))) await this.ended;
  }

  /**
   * What comes out of stdout, as it comes; nothing is held back for a slow reader. To be called at once, and once: `finish` has none
   * of it then. Ends or fails as `finish` does.
   */
  read(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      start: (reader) => {
        this.reader = reader;
        this.ended.then(
          () => reader.close(),
          (error: unknown) => reader.error(error),
        );
      },
      cancel: () => {
        this.reader = null;
      },
    });
  }

  /** Closes stdin and waits for the end. Returns everything that came out of stdout and nobody read. Fails as `write` does. */
  async finish(): Promise<Buffer> {
    this.look();
    this.feed.end();
    await this.watched(this.ended);
    return Buffer.concat(this.chunks);
  }

  /** Kills ffmpeg if it still runs, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    this.kill();
    await this.ended.catch(() => undefined);
  }

  /** Waits for `work`; kills an ffmpeg that makes no headway meanwhile. */
  private async watched<T>(work: Promise<T>): Promise<T> {
    let last = this.headway;
    let looksInVain = 0;
    // Looks are counted, not time: a machine that slept would have let the time pass.
    const timer = setInterval(() => {
      looksInVain = this.headway === last ? looksInVain + 1 : 0;
      last = this.headway;
      if (looksInVain >= LOOKS) this.giveUp();
    }, this.limitMs / LOOKS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
    }
  }

  /** Another value whenever bytes have gone in or come out. */
  private get headway(): string {
    return `${this.feed.takenWrites} ${this.readBytes}`;
  }

  private giveUp(): void {
    if (this.hung !== null) return;
    this.hung = new Failure('EncoderFailed', `ffmpeg made no headway for ${this.limitMs} ms and was killed.`);
    this.kill();
    if (this.isSpawned) return;
    // No process whose end would be told.
    this.over.abort();
    this.feed.abandon();
    this.failed(this.hung);
  }

  private kill(): void {
    this.feed.end();
    // Before it is spawned there is nothing to kill; the 'start' handler does it then.
    if (this.isSpawned && !this.over.signal.aborted) this.command.kill('SIGKILL');
  }
}

/**
 * What fluent-ffmpeg is given to pipe into ffmpeg's stdin. It hands over that stdin instead, so that frames go into it
 * straight from their buffers, and it is known when each one is through.
 */
class Feed extends Readable {
  /** Writes that ffmpeg has taken. */
  takenWrites = 0;
  private readonly connected = Promise.withResolvers<NodeJS.WritableStream | null>();
  private isEnded = false;

  /** Called by fluent-ffmpeg as soon as the process runs. */
  override pipe<Stdin extends NodeJS.WritableStream>(stdin: Stdin): Stdin {
    this.connected.resolve(stdin);
    return stdin;
  }

  override _read(): void {
    // Nothing is ever read from here.
  }

  /** True when all bytes have gone into the pipe; false when there was no process, or no longer. */
  async write(bytes: Uint8Array): Promise<boolean> {
    const stdin = await this.connected.promise;
    if (stdin === null || this.isEnded) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    stdin.write(bytes, (error) => resolve(!error));
    const isTaken = await promise;
    if (isTaken) this.takenWrites += 1;
    return isTaken;
  }

  /** Closes stdin behind what was written. */
  end(): void {
    if (this.isEnded) return;
    void this.connected.promise.then((stdin) => {
      this.isEnded = true;
      stdin?.end();
    });
  }

  /** The process has ended, or never began. */
  abandon(): void {
    this.connected.resolve(null);
    this.destroy();
  }
}

/** fluent-ffmpeg has no option for it; what it starts has this process's own. */
function confineEnvironment(command: Ffmpeg.FfmpegCommand): void {
  const start: unknown = Reflect.get(command, '_spawnFfmpeg');
  if (typeof start !== 'function')
    throw new Failure('Internal', 'This version of fluent-ffmpeg starts ffmpeg otherwise.');
  const confined = (args: readonly string[], options: object, ...rest: readonly unknown[]): unknown =>
    Reflect.apply(start, command, [args, { ...options, env: FFMPEG_ENVIRONMENT }, ...rest]);
  Reflect.set(command, '_spawnFfmpeg', confined);
}

/** Gives ffmpeg all its input at once and returns all its output. */
export async function runFfmpeg(run: FfmpegRun, input: Uint8Array, signal: AbortSignal): Promise<Buffer> {
  await using ffmpeg = FfmpegProcess.start(run, signal);
  await ffmpeg.write(input);
  return await ffmpeg.finish();
}

function describeEnd(run: FfmpegRun, error: Error, stderr: string | null): Failure {
  if ('code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')) {
    return new Failure('ToolMissing', `${run.ffmpeg} cannot be run. Install ffmpeg or set NIGHTREEL_FFMPEG.`, {
      cause: error,
    });
  }
  const words = (stderr ?? '').trim().split('\n').slice(-LAST_LINES).join(' | ');
  const [how = ''] = error.message.split(':');
  return new Failure('EncoderFailed', words === '' ? `${how}.` : `${how}: ${words}`, { cause: error });
}
