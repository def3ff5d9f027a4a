/** What spans of workflows and what is told of them have in common. */

/**
 * Key in a span's trace state that its trace is one of very many, of a video or a scene: these are what sampling is for. Its value says
 * which workflow began the trace.
 */
export const ONE_OF_MANY = 'nightreel';

/** The ID of the trace that a run of a variant, a scene or a batch has begun, 32 hex digits: its own, a UUID, without the dashes. */
export const traceIdOf = (runId: string): string => runId.replaceAll('-', '');
