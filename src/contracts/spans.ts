/**
 * Key in a span's trace state that its trace is one of very many, of a video or a scene: these are what sampling is for. Its value says
 * which workflow began the trace.
 */
export const ONE_OF_MANY = 'nightreel';
