/** A door before a Temporal server, as Temporal Cloud has one: TLS, and a client's certificate or an API key. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import {
  connect,
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);
const UNAUTHENTICATED = '16';

/** An authority of this test's own: makes certificates as PEM files in a folder. */
export class Authority {
  readonly certificate: string;
  private readonly folder: string;
  private readonly name: string;

  private constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
    this.certificate = join(folder, `${name}.pem`);
  }

  static async create(folder: string, name: string): Promise<Authority> {
    const authority = new Authority(folder, name);
    await openssl(['req', '-x509', ...NEW_KEY, '-keyout', authority.at('key'), '-out', authority.at('pem')], name);
    return authority;
  }

  async issue(name: string): Promise<{ readonly certificate: string; readonly key: string }> {
    const [request, certificate, key] = ['csr', 'pem', 'key'].map((end) =>
      join(this.folder, `${this.name}-${name}.${end}`),
    );
    if (!request || !certificate || !key) throw new TypeError('three names');
    const extensions = join(this.folder, 'extensions');
    await writeFile(extensions, 'subjectAltName=DNS:localhost');
    await openssl(['req', ...NEW_KEY, '-keyout', key, '-out', request], name);
    const signed = ['-CA', this.at('pem'), '-CAkey', this.at('key'), '-CAcreateserial', '-extfile', extensions];
    await run('openssl', ['x509', '-req', '-in', request, ...signed, '-days', '1', '-out', certificate]);
    return { certificate, key };
  }

  private at(end: string): string {
    return join(this.folder, `${this.name}.${end}`);
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

const openssl = (args: readonly string[], name: string) => run('openssl', [...args, '-subj', `/CN=${name}`]);

export interface DoorOptions {
  /** host:port of the server behind it. */
  readonly target: string;
  readonly authority: Authority;
  /** Null: clients come with a certificate of the authority. */
  readonly apiKey: string | null;
}

export class TlsDoor implements AsyncDisposable {
  /** host:port. */
  readonly address: string;
  /** Names on the certificates that clients came with. */
  readonly guests = new Set<string>();
  private readonly server: Http2SecureServer;
  private readonly close: () => void;

  private constructor(server: Http2SecureServer, { target, apiKey }: DoorOptions) {
    this.server = server;
    this.address = `localhost:${(server.address() as AddressInfo).port}`;
    const behind = connect(`http://${target}`);
    const sessions = new Set<{ destroy(): void }>();
    server.on('session', (session) => sessions.add(session));
    this.close = () => {
      for (const session of sessions) session.destroy();
      behind.destroy();
    };
    server.on('stream', (stream, headers) => {
      const socket = stream.session?.socket as TLSSocket | undefined;
      const name = socket?.getPeerCertificate().subject?.CN;
      if (typeof name === 'string') this.guests.add(name);
      if (apiKey !== null && headers.authorization !== `Bearer ${apiKey}`) return refuse(stream);
      passOn(stream, behind.request({ ...headers, ':scheme': 'http', ':authority': target }));
    });
  }

  static async start(options: DoorOptions): Promise<TlsDoor> {
    const { certificate, key } = await options.authority.issue('server');
    const server = createSecureServer({
      ...{
        cert: await readFile(certificate),
        key: await readFile(key),
        ca: await readFile(options.authority.certificate),
      },
      ...(options.apiKey === null && { requestCert: true, rejectUnauthorized: true }),
    });
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return new TlsDoor(server, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.server.close();
  }
}

function refuse(stream: ServerHttp2Stream): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAUTHENTICATED };
  stream.respond({ ...headers, 'grpc-message': 'no such key' }, { endStream: true });
}

/** One call there and back, trailers included: gRPC says in them how it ended. */
function passOn(stream: ServerHttp2Stream, behind: ReturnType<ReturnType<typeof connect>['request']>): void {
  let trailers: IncomingHttpHeaders = {};
  behind.on('trailers', (headers) => {
    trailers = headers;
  });
  behind.on('response', (headers, flags) => {
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (!stream.destroyed) stream.respond(headers, endStream ? { endStream } : { waitForTrailers: true });
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('error', () => behind.close());
  stream.on('close', () => behind.close());
  behind.on('error', () => stream.close(constants.NGHTTP2_CANCEL));
  stream.pipe(behind).pipe(stream);
}
