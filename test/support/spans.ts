/** What is in the requests that a collector gets: OTLP, protobuf, as far as tests ask for it. */

import protobuf from 'protobufjs';

/** Field numbers of opentelemetry-proto 1, which are fixed. */
const SCHEMA = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    string trace_state = 3;
    bytes parent_span_id = 4;
    string name = 5;
    fixed64 start_time_unix_nano = 7;
    fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9;
    repeated Link links = 13;
    Status status = 15;
  }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
`;
const request = protobuf.parse(SCHEMA).root.lookupType('Request');

interface RawAttribute {
  readonly key: string;
  readonly value?: Readonly<Record<string, unknown>>;
}

interface RawSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly RawAttribute[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code: number };
}

interface RawRequest {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes: readonly RawAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
}

export interface ReceivedSpan {
  /** Hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** As W3C Trace Context writes it; empty: it has none. */
  readonly traceState: string;
  /** Null: a root. */
  readonly parentId: string | null;
  readonly name: string;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
}

/** The spans of one request. */
export function spansIn(body: Uint8Array): ReceivedSpan[] {
  const options = { longs: String, bytes: String, arrays: true, defaults: true };
  const { resourceSpans } = request.toObject(request.decode(body), options) as RawRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        traceState: span.traceState,
        parentId: span.parentSpanId === '' ? null : hex(span.parentSpanId),
        name: span.name,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: recordOf(span.attributes),
        resource: recordOf(resource?.attributes ?? []),
        links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        isError: span.status?.code === 2,
      })),
    ),
  );
}

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

const recordOf = (attributes: readonly RawAttribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));

/** Of each trace, its spans. */
export const byTrace = (spans: readonly ReceivedSpan[]): Map<string, readonly ReceivedSpan[]> =>
  Map.groupBy(spans, ({ traceId }) => traceId);

/** A trace as text, one span a line, each below the one it is part of; what has no parent among them comes first. */
export function drawn(spans: readonly ReceivedSpan[]): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = (parentId: string | null, depth: number): string[] =>
    spans
      .filter((span) => (span.parentId !== null && known.has(span.parentId) ? span.parentId : null) === parentId)
      .toSorted((a, b) => Number(a.start - b.start))
      .flatMap((span) => [`${'  '.repeat(depth)}${span.name}`, ...below(span.spanId, depth + 1)]);
  return below(null, 0);
}
