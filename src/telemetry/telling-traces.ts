/** Sampling that keeps what one would look for. */

import { ROOT_CONTEXT, SpanStatusCode } from '@opentelemetry/api';
import {
  type ReadableSpan,
  SamplingDecision,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { LRUCache } from 'lru-cache';
import { ONE_OF_MANY } from '../contracts/spans.ts';
import { UsualDurations } from './usual-durations.ts';

/**
 * Spans of a variant or a scene that have ended and wait for what becomes of it: of some 1,000 videos that are rendered and not yet published, or
 * were rendered last where other processes publish them; 20 MB.
 */
const HELD_SPANS = 20_000;
/** Traces of which it is remembered that they are kept. */
const KEPT_TRACES = 2_000;

export interface TellingTracesOptions {
  /** Share of the traces of variants and scenes that is exported in any case, 0 to 1. */
  readonly ratio: number;
}

/**
 * Decides which spans leave this process. Those of batches all do. Of a variant or a scene the ratio decides, by the ID of its trace: all
 * processes choose the same. What it does not choose is held until it is over, and exported all the same when anything in it fails, or
 * takes far longer than usual. Of what is over, or too much to hold, nothing is left.
 */
export class TellingTraces implements SpanProcessor {
  private readonly next: SpanProcessor;
  private readonly ratio: TraceIdRatioBasedSampler;
  private readonly usual = new UsualDurations();
  private readonly kept = new LRUCache<string, true>({ max: KEPT_TRACES });
  /** By trace, the one first that waits longest. */
  private readonly held = new Map<string, ReadableSpan[]>();
  private heldSpans = 0;

  constructor(next: SpanProcessor, { ratio }: TellingTracesOptions) {
    this.next = next;
    this.ratio = new TraceIdRatioBasedSampler(ratio);
  }

  onStart(...started: Parameters<SpanProcessor['onStart']>): void {
    this.next.onStart(...started);
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, traceState } = span.spanContext();
    if (traceState?.get(ONE_OF_MANY) === undefined) {
      this.next.onEnd(span);
      return;
    }
    const tells = span.status.code === SpanStatusCode.ERROR || this.isSlow(span);
    if (this.isChosen(traceId) || this.kept.has(traceId)) this.next.onEnd(span);
    else this.hold(traceId, span);
    if (tells) this.keep(traceId);
    else if (span.parentSpanContext === undefined) this.drop(traceId);
  }

  async forceFlush(): Promise<void> {
    await this.next.forceFlush();
  }

  async shutdown(): Promise<void> {
    this.held.clear();
    await this.next.shutdown();
  }

  private isChosen(traceId: string): boolean {
    const { decision } = this.ratio.shouldSample(ROOT_CONTEXT, traceId);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }

  /** Judges what begins in this process: a workflow, an activity. What is within one is part of its time. */
  private isSlow({ name, duration: [seconds, nanoseconds], parentSpanContext }: ReadableSpan): boolean {
    if (parentSpanContext !== undefined && parentSpanContext.isRemote !== true) return false;
    return this.usual.isExceededBy(name, seconds * 1_000 + nanoseconds / 1_000_000);
  }

  private hold(traceId: string, span: ReadableSpan): void {
    const spans = this.held.get(traceId) ?? [];
    this.held.set(traceId, [...spans, span]);
    this.heldSpans += 1;
    for (const oldest of this.held.keys()) {
      if (this.heldSpans <= HELD_SPANS) break;
      this.drop(oldest);
    }
  }

  private keep(traceId: string): void {
    this.kept.set(traceId, true);
    for (const span of this.drop(traceId)) this.next.onEnd(span);
  }

  private drop(traceId: string): readonly ReadableSpan[] {
    const spans = this.held.get(traceId) ?? [];
    this.held.delete(traceId);
    this.heldSpans -= spans.length;
    return spans;
  }
}
