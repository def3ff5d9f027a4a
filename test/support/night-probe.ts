/** Looks at what a night left behind, past Nightreel's own code where that is possible: in the bucket and in Temporal. */

import { createHash, randomUUID } from 'node:crypto';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Client, Connection, WithStartWorkflowOperation, type WorkflowOptions } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { VariantOutcome } from '../../src/contracts/batch.ts';
import type { TestHome } from './nightreel.ts';

interface Status {
  readonly temporal: { readonly address: string; readonly namespace: string };
  readonly s3: { readonly address: string; readonly bucket: string };
}

export interface ManifestLine {
  readonly key: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly recipients: readonly string[];
}

type StartOptions = Pick<WorkflowOptions, 'workflowTaskTimeout'>;

export class NightProbe {
  private readonly s3: S3Client;
  private readonly bucket: string;
  private readonly client: Client;
  /** host:port of Temporal. */
  readonly temporalAddress: string;
  /** What names this S3 server to programs as somebody's own. */
  readonly storeVariables: Readonly<Record<string, string>>;

  private constructor(
    s3: S3Client,
    bucket: string,
    client: Client,
    temporalAddress: string,
    storeVariables: Readonly<Record<string, string>>,
  ) {
    this.temporalAddress = temporalAddress;
    this.storeVariables = storeVariables;
    this.s3 = s3;
    this.bucket = bucket;
    this.client = client;
  }

  /** @param payloadCodecs what reads memos and results of a night that was encrypted; histories are given as they lie. */
  static async connect(home: TestHome, payloadCodecs: PayloadCodec[] = []): Promise<NightProbe> {
    const { stdout } = await home.run(['status', '--json']);
    const { temporal, s3 } = JSON.parse(stdout) as Status;
    const { findStack } = await import('../../src/stack/index.ts');
    const stack = await findStack(home.folder);
    if (stack === null) throw new Error(`no stack runs in ${home.folder}`);
    const connection = await Connection.connect({ address: temporal.address });
    const { accessKeyId, secretAccessKey, region } = stack.s3;
    return new NightProbe(
      new S3Client({
        endpoint: s3.address,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
      }),
      s3.bucket,
      new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs } }),
      temporal.address,
      {
        AWS_ENDPOINT_URL_S3: s3.address,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
    );
  }

  async close(): Promise<void> {
    this.s3.destroy();
    await this.client.connection.close();
  }

  async keys(prefix: string): Promise<string[]> {
    return Object.keys(await this.versions(prefix));
  }

  /** Keys with ETag and time of the last write: equal before and after means that nothing was written. */
  async versions(prefix: string): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    let token: string | undefined;
    do {
      const page = await this.s3.send(
        new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token }),
      );
      for (const { Key, ETag, LastModified } of page.Contents ?? []) {
        if (Key !== undefined) found[Key] = `${ETag} ${LastModified?.toISOString()}`;
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  /** Copies everything into a new bucket of the same server. */
  async copyBucket(to: string): Promise<void> {
    await this.s3.send(new CreateBucketCommand({ Bucket: to }));
    for (const key of await this.keys('')) {
      await this.s3.send(
        new CopyObjectCommand({ Bucket: to, Key: key, CopySource: `${this.bucket}/${encodeURI(key)}` }),
      );
    }
  }

  async text(key: string): Promise<string> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  }

  async bytes(key: string): Promise<Uint8Array> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  }

  /** An object with what stands beside it. */
  async object(
    key: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly metadata: Readonly<Record<string, string>> }> {
    const { Body, Metadata } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return { bytes: (await Body?.transformToByteArray()) ?? new Uint8Array(), metadata: Metadata ?? {} };
  }

  /** A video with what is said of it: by itself, or by its poster where it went up in parts. */
  async video(key: string): ReturnType<NightProbe['object']> {
    const { bytes, metadata } = await this.object(key);
    if (metadata['described'] !== 'by-poster') return { bytes, metadata };
    const poster = await this.object(key.replace(/mp4$/, 'jpg'));
    return { bytes, metadata: { ...poster.metadata, ...metadata } };
  }

  /** Multipart uploads that were begun and neither completed nor aborted. */
  async openUploads(): Promise<number> {
    return (await this.s3.send(new ListMultipartUploadsCommand({ Bucket: this.bucket }))).Uploads?.length ?? 0;
  }

  async json(key: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.text(key)) as Record<string, unknown>;
  }

  async pointers(): Promise<{ recipientId: string; variantKey: string; url: string; businessDate: string }[]> {
    const keys = await this.keys('users/');
    return (await Promise.all(keys.map((key) => this.json(key)))) as never;
  }

  async manifestOf(batchId: string): Promise<ManifestLine[]> {
    const pages = await Promise.all((await this.keys(`batches/${batchId}/manifest/`)).map((key) => this.json(key)));
    return pages.flatMap((page) => page['variants'] as ManifestLine[]);
  }

  /** The lines of a batch's outcome pages. */
  async outcomesOf(batchId: string): Promise<VariantOutcome[]> {
    const pages = await Promise.all((await this.keys(`batches/${batchId}/outcomes/`)).map((key) => this.text(key)));
    return pages.flatMap((page) => page.trim().split('\n')).map((line) => JSON.parse(line) as VariantOutcome);
  }

  async workflowIds(query: string): Promise<string[]> {
    const ids: string[] = [];
    for await (const { workflowId } of this.client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  }

  async failedVariants(businessDate: string): Promise<{ key: string; failureClass: unknown }[]> {
    const failed: { key: string; failureClass: unknown }[] = [];
    const query = `BatchDate = '${businessDate}' AND ExecutionStatus = 'Failed' AND WorkflowType = 'renderVariant'`;
    for await (const { searchAttributes } of this.client.workflow.list({ query })) {
      failed.push({
        key: String(searchAttributes['VariantKey']?.[0]),
        failureClass: searchAttributes['FailureClass']?.[0],
      });
    }
    return failed;
  }

  /** Keys of the variants whose children completed; one that did twice is there twice. */
  async completedVariants(businessDate: string): Promise<string[]> {
    const keys: string[] = [];
    const query = `BatchDate = '${businessDate}' AND ExecutionStatus = 'Completed' AND WorkflowType = 'renderVariant'`;
    for await (const { searchAttributes } of this.client.workflow.list({ query })) {
      keys.push(String(searchAttributes['VariantKey']?.[0]));
    }
    return keys;
  }

  /** Runs what the schedule would have run between two instants. */
  async backfillSchedule(scheduleId: string, start: Date, end: Date): Promise<void> {
    await this.client.schedule.getHandle(scheduleId).backfill({ start, end, overlap: 'ALLOW_ALL' });
  }

  async isSchedulePaused(scheduleId: string): Promise<boolean> {
    return (await this.client.schedule.getHandle(scheduleId).describe()).state.paused;
  }

  async resultOf(workflowId: string): Promise<unknown> {
    return await this.client.workflow.getHandle(workflowId).result();
  }

  /** The newest run. */
  async runIdOf(workflowId: string): Promise<string> {
    return (await this.client.workflow.getHandle(workflowId).describe()).runId;
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }));
  }

  async remove(key: string): Promise<void> {
    await this.s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  /**
   * Starts a batch over a CSV of these people, with numbers that grow from 0, as people start one from the Temporal side. `held`: it
   * is paused with its very first task, and starts no variant.
   */
  async startCsvNight(
    {
      campaign = 'card',
      businessDate,
      workflowId = `batch/${campaign}/${businessDate}`,
      ...more
    }: { campaign?: string; businessDate: string; workflowId?: string; childrenPerRun?: number | undefined },
    people: readonly { readonly id: string; readonly name: string }[],
    { held = false, ...options }: StartOptions & { readonly held?: boolean } = {},
  ): Promise<{ workflowId: string; again: () => Promise<void> }> {
    const lines = people.map(({ id, name }, n) => `${id},${name},${n},${n * 10}\n`).join('');
    const csv = `recipient_id,name,referralCount,earnings\n${lines}`;
    const csvKey = `inputs/${createHash('sha256').update(csv).digest('hex')}.csv`;
    await this.put(csvKey, csv);
    const input = { campaign, businessDate, csvKey, ...more };
    const again = () =>
      held
        ? this.startHeld('nightlyBatch', workflowId, input)
        : this.startWorkflow('nightlyBatch', workflowId, input, options);
    await again();
    return { workflowId, again };
  }

  /** Starts a batch that is paused with its very first task. */
  async startHeld(type: string, workflowId: string, input: unknown): Promise<void> {
    const startWorkflowOperation = new WithStartWorkflowOperation(type, {
      workflowId,
      taskQueue: 'orchestrator',
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
    });
    await this.client.workflow.executeUpdateWithStart('pauseBatch', { args: [], startWorkflowOperation });
  }

  async startWorkflow(type: string, workflowId: string, input: unknown, options: StartOptions = {}): Promise<void> {
    await this.client.workflow.start(type, { workflowId, taskQueue: 'orchestrator', args: [input], ...options });
  }

  /** Runs the newest run's story again from its first workflow task. */
  async reset(workflowId: string): Promise<void> {
    await this.client.workflowService.resetWorkflowExecution({
      namespace: this.client.options.namespace,
      workflowExecution: { workflowId, runId: await this.runIdOf(workflowId) },
      reason: 'once more',
      requestId: randomUUID(),
      workflowTaskFinishEventId: await this.firstTaskOf(workflowId),
    });
  }

  private async firstTaskOf(workflowId: string) {
    const { events } = await this.client.workflow.getHandle(workflowId).fetchHistory();
    const first = events?.find((event) => event.workflowTaskCompletedEventAttributes);
    if (first?.eventId == null) throw new Error(`${workflowId} has not done a task`);
    return first.eventId;
  }

  async query(workflowId: string, name: string): Promise<unknown> {
    return await this.client.workflow.getHandle(workflowId).query(name);
  }

  async update(workflowId: string, name: string, input?: object): Promise<unknown> {
    return await this.client.workflow.getHandle(workflowId).executeUpdate(name, { args: [input] as never });
  }

  async signal(workflowId: string, name: string, argument: object): Promise<void> {
    await this.client.workflow.getHandle(workflowId).signal(name, argument);
  }

  async cancel(workflowId: string): Promise<void> {
    await this.client.workflow.getHandle(workflowId).cancel();
  }

  async terminate(workflowId: string): Promise<void> {
    await this.client.workflow.getHandle(workflowId).terminate();
  }

  async statuses(query: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { status } of this.client.workflow.list({ query })) names.push(status.name);
    return names;
  }

  /** Types of the activities that workflows scheduled. */
  async activitiesOf(query: string): Promise<string[]> {
    const types: string[] = [];
    for (const workflowId of await this.workflowIds(query)) {
      const { events } = await this.client.workflow.getHandle(workflowId).fetchHistory();
      for (const event of events ?? []) {
        const name = event.activityTaskScheduledEventAttributes?.activityType?.name;
        if (name) types.push(name);
      }
    }
    return types;
  }

  /** The runs that a query finds, with what they went through. */
  async runsWithHistory(query: string) {
    const found = [];
    for await (const { workflowId, runId, type, status } of this.client.workflow.list({ query })) {
      const history = await this.client.workflow.getHandle(workflowId, runId).fetchHistory();
      found.push({ workflowId, runId, type, status: status.name, history });
    }
    return found;
  }

  /** Bytes of every payload in every history of the namespace. */
  async payloadSizes(): Promise<number[]> {
    const sizes: number[] = [];
    JSON.stringify(await this.runsWithHistory(''), (name, value: unknown) => {
      if (name === 'data' && typeof value === 'string') sizes.push(Buffer.from(value, 'base64').length);
      return value;
    });
    return sizes;
  }

  /** Encodings of the payloads in all histories of the namespace, each once, but for search attributes and the SDK's own markers. */
  async encodings(): Promise<string[]> {
    const found = new Set<string>();
    JSON.stringify(await this.runsWithHistory(''), (name, value: unknown) => {
      if (['searchAttributes', 'header', 'markerRecordedEventAttributes'].includes(name)) return undefined;
      if (name === 'encoding' && typeof value === 'string') found.add(Buffer.from(value, 'base64').toString());
      return value;
    });
    return [...found];
  }

  /** Every history of the namespace as JSON text, payloads decoded. */
  async histories(): Promise<{ id: string; text: string }[]> {
    const found: { id: string; text: string }[] = [];
    for await (const { workflowId, runId } of this.client.workflow.list()) {
      const history = await this.client.workflow.getHandle(workflowId, runId).fetchHistory();
      // Payloads say what they hold in base64, under whatever name they have: `data`.
      const text = JSON.stringify(history, (name, value: unknown) =>
        name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
      );
      found.push({ id: workflowId, text });
    }
    return found;
  }
}
