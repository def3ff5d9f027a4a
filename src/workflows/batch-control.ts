/** The wheel of a running batch: takes what people, the breaker and the deadline say, and tells every lane. */

import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  isCancellation,
  log,
  proxySinks,
  setHandler,
  sleep,
  type Workflow,
  type WorkflowResultType,
} from '@temporalio/workflow';
import type { BatchEvent } from '../contracts/alarms.ts';
import { addTallies, type BatchPlan, type LaneTally, NO_TALLY } from '../contracts/batch.ts';
import type { FailureClass } from '../contracts/failures.ts';
import { batchIdOf } from '../contracts/ids.ts';
import type { BatchSinks } from '../contracts/sinks.ts';
import {
  type FailureCounts,
  type Interruptions,
  type LaneReport,
  type Outlook,
  type Pause,
  type PauseRequest,
  type Steering,
  type Stop,
  type StopRequest,
  UNSTEERED,
} from '../contracts/steering.ts';
import { BatchNews } from './batch-news.ts';
import {
  cancelRemainingUpdate,
  laneReportSignal,
  pauseUpdate,
  resumeUpdate,
  setWindowUpdate,
  steerSignal,
} from './messages.ts';
import { Pace } from './pace.ts';
import { assertPauseRequest, assertStopRequest, assertWindowRequest, refuse } from './validate.ts';

const LOOK_EVERY_MS = 10 * 60_000;
/** Pauses that the report names. */
const MAX_PAUSES = 5;

type LaneHandle = ChildWorkflowHandle<Workflow>;

const { nightreel } = proxySinks<BatchSinks>();

export class BatchControl {
  steering: Steering = UNSTEERED;
  readonly #onChange: () => void;
  readonly #lanes = new Set<LaneHandle>();
  readonly #reports = new Map<number, LaneReport>();
  readonly #news = new BatchNews();
  #pauses: readonly Pause[] = [];
  #plan: BatchPlan | null = null;
  #isClosing = false;
  #isToldAtRisk = false;
  #isOver = false;
  #isToldLate = false;
  readonly #pace = new Pace();
  #startedAt = 0;
  /** What the breaker has let pass: it counts from the last time that a person resumed. */
  #forgiven: { readonly tried: number; readonly failures: FailureCounts } = { tried: 0, failures: {} };

  /** @param onChange called whenever something is worth showing. */
  constructor(onChange: () => void) {
    this.#onChange = () => {
      this.#tellRisk();
      this.#tellProgress();
      onChange();
    };
    const running = (): void => {
      if (this.#isClosing)
        refuse('Every variant is settled and the report is being written: there is nothing to steer.');
    };
    setHandler(
      pauseUpdate,
      (request?: PauseRequest) =>
        this.#change({ paused: { by: 'person', reason: request?.reason ?? 'No reason was given.' } }),
      {
        description: 'Starts no more variants until resumeBatch; those in flight end. {"reason":"why"}',
        validator: (request?: PauseRequest) => {
          running();
          assertPauseRequest(request);
        },
      },
    );
    setHandler(resumeUpdate, () => this.#resume(), {
      description: 'Goes on after pauseBatch or the breaker, which then counts anew.',
      validator: () => {
        running();
        if (this.steering.paused === null) refuse('The batch is not paused.');
      },
    });
    setHandler(setWindowUpdate, ({ window }) => this.#change({ window }), {
      description: 'Variants in flight per lane from now on. {"window":16}',
      validator: (request) => {
        running();
        assertWindowRequest(request);
      },
    });
    setHandler(
      cancelRemainingUpdate,
      (request?: StopRequest) => this.#change({ stopped: { by: 'person', running: request?.running ?? 'finish' } }),
      {
        description: 'Starts nothing more, then closes the batch with what there is. {"running":"finish"} or "abort"',
        validator: (request?: StopRequest) => {
          running();
          assertStopRequest(request);
        },
      },
    );
    setHandler(laneReportSignal, (report) => this.#take(report));
  }

  get tally(): LaneTally {
    return [...this.#reports.values()].map(({ tally }) => tally).reduce(addTallies, NO_TALLY);
  }

  get failures(): FailureCounts {
    const counts: Partial<Record<FailureClass, number>> = {};
    for (const report of this.#reports.values()) {
      for (const [failureClass, count] of entriesOf(report.failures)) {
        counts[failureClass] = (counts[failureClass] ?? 0) + count;
      }
    }
    return counts;
  }

  /** From the lanes' reports, which come every few per cent. */
  get outlook(): Outlook {
    const deadline = this.#plan?.limits?.deadline?.at ?? null;
    const isLate = this.#isLate();
    const forecast = this.#pace.forecast(Date.now());
    if (forecast === null) return { perSecond: null, expectedEnd: null, deadline, atRisk: isLate };
    const { perSecond, endMs, isTelling } = forecast;
    const willBeLate = deadline !== null && isTelling && endMs > Date.parse(deadline);
    return { perSecond, expectedEnd: new Date(endMs).toISOString(), deadline, atRisk: isLate || willBeLate };
  }

  /** Undefined: nothing held the batch up. */
  get interruptions(): Interruptions | undefined {
    const { stopped } = this.steering;
    return this.#pauses.length === 0 && stopped === null ? undefined : { pauses: this.#pauses, stopped };
  }

  /** From now on there are lanes to steer, and a deadline to keep. */
  begin(plan: BatchPlan): void {
    this.#plan = plan;
    this.#startedAt = Date.now();
    this.#tellProgress();
    if (this.steering.paused === null) return;
    this.#pace.hold(this.#startedAt);
    this.#tell('paused');
  }

  /** From now on variants are made: what is needed for several of them is there. */
  beginVariants(lanes: number): void {
    if (this.#plan === null) return;
    const { variants, cached } = this.#plan.counts;
    this.#pace.begin(Date.now(), lanes, variants - cached);
  }

  /** Does work that may wait for long. Failure `Cancelled` when the batch is stopped meanwhile: there is nothing yet to close. */
  async unlessStopped<T>(work: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    let isDone = false;
    // Whoever stopped it is answered first, however many interceptors that takes: a history replays with and without the spans of workflows.
    condition(() => isDone || (this.steering.stopped !== null && allHandlersFinished()))
      .then(() => isDone || scope.cancel())
      .catch(() => undefined);
    try {
      return await scope.run(work);
    } catch (error) {
      if (this.steering.stopped === null || !isCancellation(error)) throw error;
      throw ApplicationFailure.create({
        ...{ type: 'Cancelled', nonRetryable: true },
        message:
          'The batch was stopped before it was planned: nothing was rendered, and the next night reads the same rows.',
      });
    } finally {
      isDone = true;
    }
  }

  /**
   * Waits until all lanes have ended, one that failed or was cancelled included, and only then throws what went wrong. Returns what each
   * came to.
   */
  async run<T extends Workflow>(
    starts: readonly (() => Promise<ChildWorkflowHandle<T>>)[],
  ): Promise<WorkflowResultType<T>[]> {
    const clock = new CancellationScope();
    clock.run(() => this.#keepDeadline()).catch(() => undefined);
    try {
      const ends = await Promise.allSettled(starts.map((start) => this.#follow(start)));
      const lost = ends.find((end) => end.status === 'rejected');
      if (lost !== undefined) throw lost.reason;
      return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    } finally {
      clock.cancel();
    }
  }

  /** The workflow was cancelled, and its lanes with it. */
  cancelled(): void {
    this.steering = { ...this.steering, stopped: { by: 'cancellation', running: 'abort' } };
  }

  /** The lanes have ended, however. */
  over(): void {
    this.#isOver = true;
    if (this.#plan !== null) nightreel.over(this.#plan.batch.campaign, batchIdOf(this.#plan.batch));
  }

  close(): void {
    this.#isClosing = true;
  }

  async #follow<T extends Workflow>(start: () => Promise<ChildWorkflowHandle<T>>): Promise<WorkflowResultType<T>> {
    const before = this.steering;
    const lane = await start();
    this.#lanes.add(lane);
    if (this.steering !== before) await lane.signal(steerSignal, this.steering).catch(() => undefined);
    try {
      return await lane.result();
    } finally {
      this.#lanes.delete(lane);
    }
  }

  async #change(change: Partial<Steering>): Promise<Steering> {
    const before = this.steering.paused;
    this.steering = { ...this.steering, ...change };
    if (change.paused) this.#pauses = [...this.#pauses, change.paused].slice(-MAX_PAUSES);
    if (this.#plan !== null && change.paused !== undefined) {
      if (change.paused === null) this.#pace.goOn(Date.now());
      else this.#pace.hold(Date.now());
      // A pause that takes another's place holds what is held already.
      if ((before === null) !== (change.paused === null))
        this.#tell(change.paused === null ? 'resumed' : 'paused', before);
    }
    this.#onChange();
    const { steering } = this;
    // One that has ended meanwhile needs to hear nothing.
    await Promise.all([...this.#lanes].map((lane) => lane.signal(steerSignal, steering).catch(() => undefined)));
    return steering;
  }

  #tell(kind: BatchEvent['kind'], before: Pause | null = null): void {
    if (this.#plan !== null) this.#news.tell(kind, this.#plan, this, before);
  }

  /** Once: for metrics and alerts. The details say it as long as it is so. */
  #tellRisk(): void {
    if (this.#isToldAtRisk || this.#plan === null || !this.outlook.atRisk) return;
    this.#isToldAtRisk = true;
    if (!this.#isToldLate && !this.#isLate()) this.#tell('atRisk');
    const { campaign } = this.#plan.batch;
    log.warn('the batch is at risk of missing its deadline', { deadline: this.#plan.limits?.deadline?.at });
    nightreel.atRisk(campaign);
  }

  /** For metrics. */
  #tellProgress(): void {
    if (this.#plan === null || this.#isOver) return;
    const { batch, counts } = this.#plan;
    const { cached, rendered, failed } = this.tally;
    const { expectedEnd, deadline } = this.outlook;
    nightreel.progress({
      campaign: batch.campaign,
      batchId: batchIdOf(batch),
      settled: cached + rendered + failed,
      variants: counts.variants,
      expectedEndMs: expectedEnd === null ? null : Date.parse(expectedEnd),
      deadlineMs: deadline === null ? null : Date.parse(deadline),
    });
  }

  /** Once. A night of the past that is made up for was late before it began. */
  #tellLate(deadlineMs: number): void {
    if (this.#isToldLate || this.#startedAt >= deadlineMs) return;
    this.#isToldLate = true;
    this.#tell('late');
  }

  #isLate(): boolean {
    const deadline = this.#plan?.limits?.deadline ?? null;
    return deadline !== null && Date.now() > Date.parse(deadline.at);
  }

  async #resume(): Promise<Steering> {
    this.#forgiven = { tried: this.#tried(), failures: this.failures };
    return await this.#change({ paused: null });
  }

  #tried(): number {
    const { rendered, failed } = this.tally;
    return rendered + failed;
  }

  #take(report: LaneReport): void {
    this.#reports.set(report.lane, report);
    this.#pace.note(report.lane, report.tally.rendered + report.tally.failed, Date.now());
    this.#onChange();
    const broken = this.#whyBroken();
    if (broken === null || this.steering.paused !== null || this.steering.stopped !== null) return;
    log.warn('the breaker paused the batch', { reason: broken });
    // Nobody is expected any more who would resume it.
    const stopped: Stop | null = this.#isLate() ? { by: 'deadline', running: 'finish' } : null;
    void this.#change({ paused: { by: 'breaker', reason: broken }, ...(stopped && { stopped }) });
  }

  #whyBroken(): string | null {
    const breaker = this.#plan?.limits?.breaker ?? null;
    const tried = this.#tried() - this.#forgiven.tried;
    if (breaker === null || tried < breaker.atLeast) return null;
    for (const [failureClass, count] of entriesOf(this.failures)) {
      const failed = count - (this.#forgiven.failures[failureClass] ?? 0);
      if (failed > breaker.share * tried) {
        return `${failed} of ${tried} variants failed with ${failureClass}, more than ${breaker.share * 100} %.`;
      }
    }
    return null;
  }

  async #keepDeadline(): Promise<void> {
    const deadline = this.#plan?.limits?.deadline ?? null;
    if (deadline === null) return;
    const at = Date.parse(deadline.at);
    for (;;) {
      await sleep(Math.max(1, Math.min(LOOK_EVERY_MS, at - Date.now())));
      if (Date.now() >= at) break;
      // While nothing moves no lane reports: that a batch stands still is seen here.
      this.#onChange();
    }
    if (this.steering.stopped !== null) return;
    // A batch that the breaker holds would wait for somebody who has not come.
    if (deadline.whenLate === 'stop' || this.steering.paused?.by === 'breaker') {
      await this.#change({ stopped: { by: 'deadline', running: 'finish' } });
    } else {
      this.#tellLate(at);
      this.#onChange();
    }
  }
}

const entriesOf = (counts: FailureCounts) => Object.entries(counts) as [FailureClass, number][];
