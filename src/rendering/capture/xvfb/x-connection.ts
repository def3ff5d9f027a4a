/**
 * A connection to an X server on this machine: the few parts of the X11 protocol that asking it something takes.
 * Numbers are little-endian; "X Window System Protocol", version 11, https://www.x.org/releases/current/doc/xproto/x11protocol.html.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Failure } from '../../../contracts/failures.ts';

const SOCKET = '/tmp/.X11-unix/X';
const KEY_NAME = 'MIT-MAGIC-COOKIE-1';
/** What a server that has just started is given. */
export const LIMIT_MS = 10_000;
/** Of a reply, an error or an event; a reply may be longer. */
const UNIT_BYTES = 32;
const KIND = { error: 0, reply: 1 } as const;
const QUERY_EXTENSION = 98;

export class XConnection implements Disposable {
  /** The window that fills the screen. */
  readonly root: number;
  private readonly socket: Socket;
  private readonly waiting: PromiseWithResolvers<Buffer>[] = [];
  private received: Buffer = Buffer.alloc(0);
  private nextResource: number;
  private ended: Failure | null = null;
  /** Numbers of requests, 16 bits: the one that was answered last, and the one that was done last when an event came. */
  private answered = 0;
  private told: number | null = null;
  private wake: () => void = () => undefined;

  private constructor(socket: Socket, setup: Buffer) {
    this.socket = socket;
    this.nextResource = setup.readUInt32LE(12);
    const vendorBytes = padded(setup.readUInt16LE(24));
    const formats = setup.readUInt8(29);
    this.root = setup.readUInt32LE(40 + vendorBytes + 8 * formats);
    socket.on('data', (bytes: Buffer) => this.receive(bytes));
    socket.on('close', () => this.end(failed('was closed')));
  }

  /** `key`: of the server's authority file. Failure `BrowserCrashed` when it does not let anybody in. */
  static async open(display: number, key: Uint8Array): Promise<XConnection> {
    const socket = await connected(display);
    try {
      const [name, data] = [Buffer.from(KEY_NAME), Buffer.from(key)];
      const head = Buffer.alloc(12);
      head.write('l', 0, 'latin1');
      head.writeUInt16LE(11, 2);
      head.writeUInt16LE(name.byteLength, 6);
      head.writeUInt16LE(data.byteLength, 8);
      socket.write(Buffer.concat([head, withPadding(name), withPadding(data)]));
      return new XConnection(socket, await setupFrom(socket));
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** An ID for something that is to be made. */
  newResource(): number {
    return this.nextResource++;
  }

  /** A request without an answer. */
  send(request: Buffer): void {
    if (this.ended === null) this.socket.write(request);
  }

  /** A request and its answer. Failure `BrowserHung` when that does not come in time: nothing more can be asked then. */
  async ask(request: Buffer, limitMs: number): Promise<Buffer> {
    if (this.ended !== null) throw this.ended;
    const answer = Promise.withResolvers<Buffer>();
    this.waiting.push(answer);
    this.socket.write(request);
    const timer = setTimeout(() => {
      this.end(new Failure('BrowserHung', `The virtual display did not answer within ${limitMs} ms.`));
    }, limitMs);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether an event has come since the request before the one that was answered last was done. */
  get isNotified(): boolean {
    return this.told !== null && ((this.told - this.answered + 1) << 16) >> 16 >= 0;
  }

  /** Ends with the next event, and after `limitMs` in any case. Fails as `ask` does when the connection ends. For one who waits at a time. */
  async event(limitMs: number): Promise<void> {
    if (this.ended === null && !this.isNotified) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.wake = resolve;
      const timer = setTimeout(resolve, limitMs);
      await promise;
      clearTimeout(timer);
    }
    if (this.ended !== null) throw this.ended;
  }

  /** The number with which requests to an extension begin. Failure `BrowserCrashed` when the server has none of that name. */
  async extension(name: string): Promise<number> {
    const text = Buffer.from(name);
    const length = Buffer.alloc(4);
    length.writeUInt16LE(text.byteLength);
    const reply = await this.ask(request(QUERY_EXTENSION, 0, Buffer.concat([length, withPadding(text)])), LIMIT_MS);
    if (reply.readUInt8(8) === 0) throw failed(`has no extension ${name}`);
    return reply.readUInt8(9);
  }

  [Symbol.dispose](): void {
    this.end(failed('was closed'));
    this.socket.destroy();
  }

  private receive(bytes: Buffer): void {
    this.received = this.received.byteLength === 0 ? bytes : Buffer.concat([this.received, bytes]);
    while (this.received.byteLength >= UNIT_BYTES) {
      const kind = this.received.readUInt8(0);
      const length = kind === KIND.reply ? UNIT_BYTES + 4 * this.received.readUInt32LE(4) : UNIT_BYTES;
      if (this.received.byteLength < length) return;
      const message = this.received.subarray(0, length);
      this.received = this.received.subarray(length);
      if (kind === KIND.error) this.end(failed(`refused a request (error ${message.readUInt8(1)})`));
      const number = message.readUInt16LE(2);
      if (kind === KIND.reply) {
        this.answered = number;
        this.waiting.shift()?.resolve(message);
      } else if (kind !== KIND.error) {
        // What it tells is asked for; that there is something is all that counts.
        this.told = number;
        this.wake();
      }
    }
  }

  private end(reason: Failure): void {
    this.ended ??= reason;
    this.wake();
    for (const { reject } of this.waiting.splice(0)) reject(this.ended);
  }
}

/** A request: its number, for extensions a second one, and what follows, a multiple of four bytes. */
export function request(opcode: number, minor: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(opcode);
  head.writeUInt8(minor, 1);
  head.writeUInt16LE(1 + body.byteLength / 4, 2);
  return Buffer.concat([head, body]);
}

/** Numbers of 32 bits, as most requests hold. */
export function words(...values: readonly number[]): Buffer {
  const body = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) body.writeUInt32LE(value, 4 * index);
  return body;
}

/** On Linux a socket has a name without a file as well, which also works where /tmp cannot be written to. */
async function connected(display: number): Promise<Socket> {
  let last: unknown;
  for (const path of [`\0${SOCKET}${display}`, `${SOCKET}${display}`]) {
    const socket = connect({ path });
    // Whoever uses it hears of its end by 'close'.
    socket.on('error', () => undefined);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(LIMIT_MS) });
      return socket;
    } catch (error) {
      socket.destroy();
      last = error;
    }
  }
  throw failed('takes no connection', last);
}

async function setupFrom(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  const signal = AbortSignal.any([AbortSignal.timeout(LIMIT_MS), closed(socket)]);
  for (;;) {
    const [bytes] = (await once(socket, 'data', { signal }).catch((cause: unknown) => {
      throw failed('did not answer', cause);
    })) as [Buffer];
    received = Buffer.concat([received, bytes]);
    if (received.byteLength < 8) continue;
    if (received.readUInt8(0) !== 1) throw failed('lets nobody in without its key');
    if (received.byteLength >= 8 + 4 * received.readUInt16LE(6)) return received;
  }
}

function closed(socket: Socket): AbortSignal {
  const controller = new AbortController();
  socket.once('close', () => controller.abort());
  return controller.signal;
}

const failed = (how: string, cause?: unknown): Failure =>
  new Failure('BrowserCrashed', `The virtual display ${how}.`, { cause });

const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;
const withPadding = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(padded(bytes.byteLength) - bytes.byteLength)]);
