import type { Attributes } from '@opentelemetry/api';
import { activityInfo } from '@temporalio/activity';
import { batchIdOf } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { Evidence } from '../rendering/evidence.ts';
import { Meter } from '../rendering/measuring/meter.ts';
import type { FailedStage } from '../reporting/why/failure-line.ts';
import { recordCpu } from '../telemetry/metrics.ts';
import { activeTraceId, withSpan } from '../telemetry/tracing.ts';
import type { Template } from '../templates/template.ts';
import { withoutPersonalData } from './harmless.ts';

export interface AttemptWork {
  /** Name of its span. */
  readonly span: string;
  readonly attributes: Attributes;
  readonly plan: PlanDocument;
  readonly params: Params;
}

/** An attempt at a video or a scene while it is under way: what is known of it if it fails. */
export class Attempt {
  stage: FailedStage = 'prepare';
  plan: PlanDocument | null = null;
  template: Template | null = null;
  params: Params = {};
  evidence: Evidence | null = null;
  /** The error before it was scrubbed. */
  error: unknown = null;
  traceId: string | null = null;

  /** Takes what a render that fails has to show. */
  readonly onFailure = (evidence: Evidence): void => {
    this.evidence = evidence;
    this.stage = evidence.stage;
  };

  /** A scene is rendered, and is to be stored. */
  readonly onMade = (): void => {
    this.stage = 'upload';
  };

  /** A scene is there. What comes next, until another one is made, is a part of joining. */
  readonly onThere = (): void => {
    this.stage = 'join';
  };

  /** Does the work of it, metered, in a span of its own. When it fails, neither this nor anybody outside is told of the params. */
  async perform<T>({ span, attributes, plan, params }: AttemptWork, work: (meter: Meter) => Promise<T>): Promise<T> {
    const common = {
      'nightreel.campaign': plan.batch.campaign,
      'nightreel.batch': batchIdOf(plan.batch),
      'nightreel.attempt': activityInfo().attempt,
      'nightreel.template': plan.template.id,
    };
    using meter = new Meter();
    try {
      return await withSpan(span, { ...common, ...attributes }, () =>
        withoutPersonalData(
          params,
          () => this.template,
          () => this.observe(() => meter.measured(() => work(meter))),
        ),
      );
    } finally {
      recordCpu(meter.cpuMs);
    }
  }

  private async observe<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      this.error = error;
      this.traceId = activeTraceId();
      throw error;
    }
  }
}
