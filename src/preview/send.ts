/** Answers of the preview's server. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServedFile } from './frame-files.ts';

export function sendProblem(response: ServerResponse, status: number, message: string): void {
  sendJson(response, { problem: message }, status);
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** A file, or the part of it that was asked for: players seek by parts. */
export function sendBytes(request: IncomingMessage, response: ServerResponse, { type, bytes }: ServedFile): void {
  const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  response.setHeader('content-type', type);
  response.setHeader('accept-ranges', 'bytes');
  const range = rangeOf(request.headers.range, body.byteLength);
  if (range === 'unfit') {
    response.writeHead(416, { 'content-range': `bytes */${body.byteLength}` }).end();
  } else if (range === null) {
    response.writeHead(200, { 'content-length': body.byteLength }).end(body);
  } else {
    const [start, end] = range;
    response.writeHead(206, {
      'content-range': `bytes ${start}-${end}/${body.byteLength}`,
      'content-length': end - start + 1,
    });
    response.end(body.subarray(start, end + 1));
  }
}

/** First and last byte of a single range (RFC 9110, 14.1.2); null: all of it, as of what is no single range. Pure. */
export function rangeOf(header: string | undefined, size: number): readonly [number, number] | 'unfit' | null {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return null;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start < size && start <= end ? [start, end] : 'unfit';
}
