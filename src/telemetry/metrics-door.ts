/** Who may read metrics: whoever knows the token, or, where there is none, whoever asks on this machine for this machine. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isSameSecret } from '../encryption/same-secret.ts';
import { namesLoopback } from '../machine/loopback.ts';

export interface DoorTarget {
  readonly host: string;
  readonly port: number;
  /** What whoever asks has to show; null: nothing, and then only this machine can ask. */
  readonly token: string | null;
}

export interface Refusal {
  readonly status: 401 | 403 | 404 | 405;
  readonly why: string;
}

/** Null: it may be answered. Pure. */
export function refusalOf(
  { method, url = '', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  { token }: Pick<DoorTarget, 'token'>,
): Refusal | null {
  if (token !== null) {
    const [, given] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (!isSameSecret(given, token)) return { status: 401, why: 'Show the token: Authorization: Bearer …' };
  } else if (!namesLoopback(headers.host)) {
    return { status: 403, why: 'Without a token, metrics are served under the names of this machine alone.' };
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, why: 'Metrics can be read, and nothing else.' };
  return url.split('?')[0] === '/metrics' ? null : { status: 404, why: 'Metrics are at /metrics.' };
}

/** Listens, and hands on what may be answered. Keeps no process alive. Fails as `listen` does. */
export async function openDoor(
  target: DoorTarget,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer((request, response) => {
    const refusal = refusalOf(request, target);
    if (refusal === null) return answer(request, response);
    const { status, why } = refusal;
    const headers = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
    response.writeHead(status, { 'Content-Type': 'text/plain', ...headers }).end(`${why}\n`);
  });
  server.on('connection', (socket) => socket.unref());
  await once(server.listen(target.port, target.host), 'listening');
  return server.unref();
}
