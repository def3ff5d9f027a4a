/** Encrypts and decrypts payloads for the Temporal Web UI and CLI: https://docs.temporal.io/codec-server. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Payload } from '@temporalio/common';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { isLoopback, namesLoopback } from '../machine/loopback.ts';
import { jsonIn, type KeyRing } from './key-ring.ts';
import { EncryptingCodec } from './payload-codec.ts';
import { isSameSecret } from './same-secret.ts';

/** A page of a history in base64: Temporal sends at most 4 MB at a time. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const ANSWER_WITHIN_MS = 30_000;

export interface CodecServerOptions {
  readonly ring: KeyRing;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Origins of the Web UI, whose pages may ask. */
  readonly origins: readonly string[];
  /** Null: whoever reaches it may ask, which is for loopback only. */
  readonly token: string | null;
  /** The one whose payloads these keys are for. */
  readonly namespace: string;
}

const base64 = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'));
/** Protobuf's JSON form: a list that is empty is left out. */
const bodySchema = z.object({
  payloads: z
    .array(
      z
        .object({ metadata: z.record(z.string(), base64).nullish(), data: base64.nullish() })
        .transform(({ metadata, data }): Payload => ({ metadata: metadata ?? null, data: data ?? null })),
    )
    .nullish(),
});

export class CodecServer implements AsyncDisposable {
  readonly address: string;
  private readonly server: Server;

  private constructor(server: Server, host: string) {
    this.server = server;
    this.address = `http://${isIP(host) === 6 ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
  }

  /** Failure `EnvironmentInvalid` when others could reach it and there is no token, or nothing can listen there. */
  static async start(options: CodecServerOptions): Promise<CodecServer> {
    const { host, port, token } = options;
    if (!isLoopback(host) && token === null) {
      throw new Failure(
        'EnvironmentInvalid',
        `Others can reach ${host}, and whoever reaches a codec server reads what is encrypted. Set NIGHTREEL_CODEC_TOKEN, or leave --host out.`,
      );
    }
    const server = createServer({ requestTimeout: ANSWER_WITHIN_MS }, (request, response) => {
      answer(request, response, options).catch((error: unknown) => refuseFor(response, error));
    });
    server.listen(port, host);
    try {
      await once(server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Failure(
        'EnvironmentInvalid',
        `Port ${port} of ${host} cannot be listened on (${reason}). Take another one with --port.`,
        { cause },
      );
    }
    return new CodecServer(server, host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
  }
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: CodecServerOptions): Promise<void> {
  response.setHeader('cache-control', 'no-store').setHeader('x-content-type-options', 'nosniff');
  const { host, origin, authorization, 'x-namespace': namespace } = request.headers;
  if (isLoopback(options.host) && !namesLoopback(host)) throw new Refusal(403, 'This name is not served here.');
  if (origin !== undefined) {
    response.setHeader('vary', 'Origin');
    if (!options.origins.includes(origin)) {
      throw new Refusal(403, `Pages of ${origin} may not ask. Those of ${options.origins.join(', ')} may: --ui.`);
    }
    response.setHeader('access-control-allow-origin', origin);
  }
  if (request.method === 'OPTIONS') return preflight(response);
  if (options.token !== null && !isSameSecret(authorization, `Bearer ${options.token}`)) {
    throw new Refusal(401, 'The header Authorization must be: Bearer, and the token of this codec server.');
  }
  if (namespace !== undefined && namespace !== options.namespace) {
    throw new Refusal(403, `These keys are for the namespace ${options.namespace}, not for ${namespace}.`);
  }
  const act = actOf(request);
  const payloads = await bodyOf(request);
  const codec = new EncryptingCodec(options.ring);
  const done = await codec[act](payloads);
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ payloads: done.map(inBase64) }));
}

/** Browsers ask before a page of another site asks, and once more where that is on another network. */
function preflight(response: ServerResponse): void {
  response.setHeader('access-control-allow-methods', 'POST');
  response.setHeader('access-control-allow-headers', 'authorization, content-type, x-namespace');
  response.setHeader('access-control-allow-private-network', 'true');
  response.setHeader('access-control-max-age', '600');
  response.writeHead(204).end();
}

function actOf({ method, url = '' }: IncomingMessage): 'encode' | 'decode' {
  const path = URL.parse(url, 'http://host.invalid')?.pathname;
  if (path !== '/encode' && path !== '/decode') throw new Refusal(404, 'There are /encode and /decode, nothing else.');
  if (method !== 'POST') throw new Refusal(405, 'Payloads are sent with POST.');
  return path === '/encode' ? 'encode' : 'decode';
}

async function bodyOf(request: IncomingMessage): Promise<Payload[]> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // What is too long is read to its end all the same, or whoever sends it would not hear the answer.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  if (sizeBytes > BODY_LIMIT_BYTES) throw new Refusal(413, `At most ${BODY_LIMIT_BYTES} bytes at a time.`);
  const parsed = bodySchema.safeParse(jsonIn(Buffer.concat(chunks).toString()));
  if (!parsed.success) throw new Refusal(400, 'The body must be {"payloads":[…]}, as Temporal sends it.');
  return parsed.data.payloads ?? [];
}

function refuseFor(response: ServerResponse, error: unknown): void {
  const status = error instanceof Refusal ? error.status : error instanceof Failure ? 422 : 500;
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(error instanceof Error && status !== 500 ? error.message : 'Something went wrong here.');
}

const inBase64 = ({ metadata, data }: Payload): object => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, textIn(bytes)])),
  data: textIn(data ?? new Uint8Array()),
});

const textIn = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
