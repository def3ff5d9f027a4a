/**
 * A server that counts who reaches it, whatever they speak: TCP with or without TLS, HTTP, UDP. Each way out of the fixture
 * `exfiltration` has an address of its own (127.1.x.y), so that it is known by which one somebody came.
 */

import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIXTURES } from '../support.ts';

const PLACE = /\{\{([\w-]+)(?:\|(host|secure))?\}\}/g;
/** A datagram does not say which address it was sent to: these have a socket each. */
const BY_DATAGRAM = /rtc|transport/;
/** What somebody may reach only where the whole network is the test's own. */
const SERVICES = [53, 80, 443, 3478, 7233, 8333, 9222] as const;

export class Listener implements AsyncDisposable {
  readonly port: number;
  /** What came by each way: `connection`, `request /path`, `datagram`. */
  readonly reached = new Map<string, Set<string>>();
  /** A copy of the fixture, with addresses of this listener in it. */
  readonly folder: string;
  private readonly ways: readonly string[];
  private readonly http: HttpServer;
  private readonly servers: Server[] = [];
  private readonly datagrams: Datagrams[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(folder: string, ways: readonly string[], server: Server) {
    this.folder = folder;
    this.ways = ways;
    this.port = (server.address() as AddressInfo).port;
    this.http = createHttpServer((request, response) => void this.answer(request, response));
    this.http.on('clientError', (_error, socket) => socket.destroy());
    this.take(server);
  }

  /** `isAlone`: nobody else is on this network, so that the ports of services can be listened on, and no name resolves. */
  static async start(isAlone: boolean): Promise<Listener> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-exfiltration-'));
    await cp(join(FIXTURES, 'exfiltration'), folder, { recursive: true });
    const names = (await readdir(folder)).filter((name) => /\.(html|js)$/.test(name));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const found = texts.flatMap((text) => [...text.matchAll(PLACE)].map(([, way = '']) => way));
    const ways = [...new Set(found)].filter((way) => way !== 'port');
    const server = await listening(createServer(), 0);
    const listener = new Listener(folder, ways, server);
    for (const [at, name] of names.entries()) await writeFile(join(folder, name), listener.filled(texts[at] ?? ''));
    for (const way of ways.filter((one) => BY_DATAGRAM.test(one)))
      await listener.takeDatagrams(listener.hostOf(way), way);
    if (isAlone) {
      for (const port of SERVICES) listener.take(await listening(createServer(), port));
      for (const port of [53, 443, 3478, 5353])
        await listener.takeDatagrams('0.0.0.0', `datagram to port ${port}`, port);
    }
    return listener;
  }

  /** Where the page can be had from this very server, by whoever may reach it. */
  get address(): string {
    return `http://127.0.0.1:${this.port}/template/index.html`;
  }

  /** Ways by which somebody came. */
  get names(): string[] {
    return [...this.reached.keys()].sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) server.close();
    for (const socket of this.sockets) socket.destroy();
    for (const socket of this.datagrams) socket.close();
    await rm(this.folder, { recursive: true });
  }

  private filled(text: string): string {
    return text.replaceAll(PLACE, (_, way: string, form: string | undefined) => {
      if (way === 'port') return String(this.port);
      const host = `${this.hostOf(way)}:${this.port}`;
      return form === 'host' ? host : `${form === 'secure' ? 'https' : 'http'}://${host}/`;
    });
  }

  private hostOf(way: string): string {
    const number = this.ways.indexOf(way) + 1;
    return `127.1.${number >> 8}.${number & 255}`;
  }

  private take(server: Server): void {
    this.servers.push(server);
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      const way = this.wayTo(socket);
      if (way !== null) this.note(way, 'connection');
      this.http.emit('connection', socket);
    });
  }

  private async takeDatagrams(host: string, way: string, port = this.port): Promise<void> {
    const socket = createSocket('udp4');
    this.datagrams.push(socket);
    socket.on('message', (message) => this.note(port === 53 ? `name ${nameIn(message)}` : way, 'datagram'));
    socket.bind(port, host);
    await once(socket, 'listening');
  }

  /** Null: the page itself was fetched from here. */
  private wayTo({ localAddress = '', localPort = 0 }: Socket): string | null {
    const address = localAddress.replace('::ffff:', '');
    const [first, second, high = 0, low = 0] = address.split('.').map(Number);
    if (first === 127 && second === 1) return this.ways[(high << 8) + low - 1] ?? address;
    if (address === '127.0.0.1' && localPort === this.port) return null;
    return `address ${address}${localPort === this.port ? '' : `, port ${localPort}`}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const own = /^\/template\/([\w.-]+)$/.exec(request.url ?? '')?.[1];
    if (own !== undefined) {
      const type = own.endsWith('.html') ? 'text/html' : 'text/javascript';
      response.writeHead(200, { 'content-type': type }).end(await readFile(join(this.folder, own)));
      return;
    }
    const host = request.headers.host ?? '';
    const way = this.wayTo(request.socket) ?? `address ${host.replace(/:\d+$/, '')}`;
    this.note(way, `request ${request.url}`);
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'text/html' }).end();
  }

  private note(way: string, what: string): void {
    const known = this.reached.get(way) ?? new Set();
    this.reached.set(way, known.add(what));
  }
}

/** What a DNS query asks for: labels, each behind its length (RFC 1035, 4.1.2). */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at]; at += (query[at] ?? 0) + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  return labels.join('.');
}

async function listening(server: Server, port: number): Promise<Server> {
  server.listen(port, '::');
  await once(server, 'listening');
  return server;
}
