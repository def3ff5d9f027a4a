/** Scenes that several videos share: in this worker's memory, in the bucket, or made once by whoever asks first. */

import { LRUCache } from 'lru-cache';
import { Failure } from '../contracts/failures.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ObjectStore } from './object-store.ts';

/** Times that a damaged entry is replaced before others who keep writing it are given up on. */
const STORE_ATTEMPTS = 4;

export interface SceneStoreOptions {
  readonly store: ObjectStore;
  /** Entries kept in this worker's memory, all together. */
  readonly memoryBytes: number;
  /** Throws Failure `SceneDamaged` when these are not the bytes of a whole, unaltered entry. */
  readonly check: (bytes: Uint8Array) => void;
  readonly log: Logger;
}

export interface SceneStats {
  /** Calls that were answered from memory. */
  readonly memoryHits: number;
  /** Entries read from the bucket and found sound; several who wait for one count once. */
  readonly storeHits: number;
  readonly made: number;
  /** Reads of the bucket that did not pass the check. */
  readonly damaged: number;
  readonly memoryBytes: number;
}

export interface FoundScene {
  readonly bytes: Uint8Array;
  /** Where it came from; who waited for somebody else's making gets `made` too. */
  readonly origin: 'memory' | 'store' | 'made';
}

export interface SceneOptions {
  readonly signal?: AbortSignal;
}

/**
 * Entries are opaque bytes under an object key and never change; nobody may write into what is handed out. Every method
 * throws the `Failure`s of `ObjectStore`, and Cancelled to a caller whose own signal aborts.
 */
export class SceneStore {
  private readonly store: ObjectStore;
  private readonly check: (bytes: Uint8Array) => void;
  private readonly log: Logger;
  private readonly memory: LRUCache<string, Uint8Array>;
  private readonly lookups = new SharedWork<Uint8Array | null>();
  private readonly makings = new SharedWork<FoundScene>();
  private readonly counts = { memoryHits: 0, storeHits: 0, made: 0, damaged: 0 };

  constructor({ store, memoryBytes, check, log }: SceneStoreOptions) {
    this.store = store;
    this.check = check;
    this.log = log;
    this.memory = new LRUCache({
      maxSize: memoryBytes,
      sizeCalculation: ({ byteLength }) => Math.max(1, byteLength),
    });
  }

  get stats(): SceneStats {
    return { ...this.counts, memoryBytes: this.memory.calculatedSize };
  }

  /** The entry; null when there is no sound one. */
  async get(key: string, { signal }: SceneOptions = {}): Promise<Uint8Array | null> {
    const kept = this.remembered(key, signal);
    if (kept !== undefined) return kept;
    return await this.lookUp(key, signal);
  }

  /**
   * The entry; when there is no sound one, what `make` returns, which is then stored. However many ask at once, `make`
   * runs once; its failure is that of all who wait, and its signal aborts when none of them waits any more.
   */
  async getOrMake(
    key: string,
    make: (signal: AbortSignal) => Promise<Uint8Array>,
    { signal }: SceneOptions = {},
  ): Promise<FoundScene> {
    const kept = this.remembered(key, signal);
    if (kept !== undefined) return { bytes: kept, origin: 'memory' };
    return await this.makings.join(key, signal, async (shared) => {
      const found = await this.lookUp(key, shared);
      if (found !== null) return { bytes: found, origin: 'store' };
      const made = await make(shared);
      this.check(made);
      const bytes = await this.keep(key, made, shared);
      this.counts.made += 1;
      return { bytes, origin: 'made' };
    });
  }

  private remembered(key: string, signal: AbortSignal | undefined): Uint8Array | undefined {
    if (signal?.aborted) throw cancelled(key, signal);
    const kept = this.memory.get(key);
    if (kept !== undefined) this.counts.memoryHits += 1;
    return kept;
  }

  private lookUp(key: string, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
    return this.lookups.join(key, signal, async (shared) => {
      const stored = await this.store.get(key, shared);
      if (stored === null) return null;
      // What is damaged stays where it is until it is replaced: that takes no permission to delete.
      if (!this.isSound(key, stored.body)) return null;
      this.counts.storeHits += 1;
      return this.remember(key, stored.body);
    });
  }

  /** Stores what was made and returns what counts: what somebody else stored first, if that is sound. */
  private async keep(key: string, made: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const options = { contentType: 'application/octet-stream' };
    for (let attempt = 1; attempt <= STORE_ATTEMPTS; attempt += 1) {
      if ((await this.store.putImmutable(key, made, options, signal)) === 'stored') return this.remember(key, made);
      const first = await this.store.get(key, signal);
      if (first === null) continue;
      if (this.isSound(key, first.body)) return this.remember(key, first.body);
      const swapped = await this.store.compareAndSwap(key, first.etag, made, options, signal);
      if (swapped === 'stored') return this.remember(key, made);
    }
    throw new Failure(
      'StorageUnavailable',
      `${key} was written and damaged by others ${STORE_ATTEMPTS} times over. Find out what else writes there.`,
    );
  }

  private isSound(key: string, bytes: Uint8Array): boolean {
    try {
      this.check(bytes);
      return true;
    } catch (error) {
      if (!(error instanceof Failure && error.failureClass === 'SceneDamaged')) throw error;
      this.counts.damaged += 1;
      this.log.warn(
        { key, sizeBytes: bytes.byteLength, reason: error.message },
        'a stored scene is damaged; it is rendered again',
      );
      return false;
    }
  }

  private remember(key: string, bytes: Uint8Array): Uint8Array {
    // A view keeps all that it looks into, which the bound would not count.
    const own = bytes.byteLength < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes;
    this.memory.set(key, own);
    return own;
  }
}

const cancelled = (key: string, signal: AbortSignal): Failure =>
  new Failure('Cancelled', `Waiting for ${key} was cancelled.`, { cause: signal.reason });

interface Work<T> {
  readonly result: Promise<T>;
  readonly abandon: AbortController;
  waiting: number;
}

/** One piece of work per key, for however many want its result. Who aborts leaves; the last one takes the work along. */
class SharedWork<T> {
  private readonly underway = new Map<string, Work<T>>();

  async join(key: string, signal: AbortSignal | undefined, begin: (shared: AbortSignal) => Promise<T>): Promise<T> {
    if (signal?.aborted) throw cancelled(key, signal);
    const work = this.underway.get(key) ?? this.start(key, begin);
    work.waiting += 1;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(signal === undefined ? undefined : cancelled(key, signal));
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([work.result, left]);
    } finally {
      signal?.removeEventListener('abort', leave);
      work.waiting -= 1;
      if (work.waiting === 0) {
        // Whoever comes now begins anew: this work is as good as gone.
        this.forget(key, work);
        work.abandon.abort();
      }
    }
  }

  private start(key: string, begin: (shared: AbortSignal) => Promise<T>): Work<T> {
    const abandon = new AbortController();
    const work: Work<T> = { result: begin(abandon.signal), abandon, waiting: 0 };
    this.underway.set(key, work);
    const settled = (): void => this.forget(key, work);
    // Also keeps the rejection of work that everybody has left from being nobody's.
    work.result.then(settled, settled);
    return work;
  }

  private forget(key: string, work: Work<T>): void {
    if (this.underway.get(key) === work) this.underway.delete(key);
  }
}
