/** `nightreel preview`'s server: the app on one origin, the template on another, both on this machine alone. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure } from '../contracts/failures.ts';
import { AppApi, type PreviewSources } from './api.ts';
import { readApp } from './app-files.ts';
import { appAddress, appHeaders, type Doors, entryOf, frameHeaders, frameOrigin } from './doors.ts';
import { Events } from './events.ts';
import { frameFile } from './frame-files.ts';
import { LiveTemplate, type TemplatePlace, type TemplateState } from './live-template.ts';
import { sendBytes, sendProblem } from './send.ts';
import { Studio } from './studio.ts';

export interface PreviewOptions extends TemplatePlace, Omit<PreviewSources, 'live' | 'studio' | 'events'> {
  /** 0: any that is free. */
  readonly port: number;
  readonly start: ConstructorParameters<typeof Studio>[0]['start'];
  /** Told of each change of the template's files. */
  readonly onTemplate?: (state: TemplateState) => void;
}

export class PreviewServer implements AsyncDisposable {
  /** With the token: whoever has it sees everything. */
  readonly address: string;
  private readonly server: Server;
  private readonly owned: AsyncDisposableStack;

  private constructor(address: string, server: Server, owned: AsyncDisposableStack) {
    this.address = address;
    this.server = server;
    this.owned = owned;
  }

  /** Failure `EnvironmentInvalid` when the port is taken. */
  static async start({ folder, page, port, start, people, onTemplate }: PreviewOptions): Promise<PreviewServer> {
    await using stack = new AsyncDisposableStack();
    const events = stack.use(new Events());
    const live = stack.use(
      await LiveTemplate.open({ folder, page }, (state) => {
        onTemplate?.(state);
        events.send('template', { version: state.version });
      }),
    );
    const studio = stack.use(new Studio({ start, onJob: (job) => events.send('job', job) }));
    const app = await readApp();
    const server = createServer();
    await listen(server, port);
    const doors: Doors = {
      port: (server.address() as AddressInfo).port,
      appToken: randomBytes(24).toString('base64url'),
      // A name has no case.
      frameToken: randomBytes(16).toString('hex'),
    };
    const api = new AppApi({ live, studio, events, people }, frameOrigin(doors));
    const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { host, origin } = request.headers;
      const entry = entryOf({ host, origin, url: request.url ?? '' }, doors);
      switch (entry.room) {
        case 'refused':
          return sendProblem(response, 403, entry.why);
        case 'frame':
          setHeaders(response, frameHeaders(doors));
          return sendFrameFile(request, response, { live, events, path: entry.path });
        case 'app': {
          setHeaders(response, appHeaders(doors));
          const file = request.method === 'GET' ? app.get(entry.path) : undefined;
          return file === undefined
            ? await api.handle(request, response, entry.path)
            : sendBytes(request, response, file);
        }
      }
    };
    server.on('request', (request, response) => {
      handle(request, response).catch((error: unknown) => sendError(response, error));
    });
    return new PreviewServer(appAddress(doors), server, stack.move());
  }

  /** Ends what is under way, the browser included, and every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await this.owned[Symbol.asyncDispose]();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new Failure(
      'EnvironmentInvalid',
      `Port ${port} of 127.0.0.1 cannot be listened on (${cause instanceof Error ? cause.message : cause}). Take another one with --port, or leave it out.`,
      { cause },
    );
  }
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

function sendFrameFile(
  request: IncomingMessage,
  response: ServerResponse,
  { live, events, path }: { readonly live: LiveTemplate; readonly events: Events; readonly path: string },
): void {
  const { template } = live.state;
  const file = template === null ? null : frameFile(template, path);
  if (request.method !== 'GET') {
    sendProblem(response, 405, 'A template can be read, and nothing else.');
  } else if (file === null) {
    events.send('missing', { path });
    sendProblem(response, 404, 'The template has no such file.');
  } else {
    sendBytes(request, response, file);
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof Failure) sendProblem(response, 422, error.message);
  else sendProblem(response, 500, error instanceof Error ? error.message : String(error));
}
