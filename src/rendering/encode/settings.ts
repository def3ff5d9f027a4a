/** How frames become H.264: command lines, pure. Any change here changes bytes, and with them the engine's fingerprint. */

/** A keyframe at least so often: players seek to it, and verification looks at it. */
const KEYFRAME_SECONDS = 2;

export interface EncodeSettings {
  readonly fps: number;
  /** x264 constant rate factor. */
  readonly crf: number;
}

/** ffmpeg options for JPEG frames on stdin → fragmented MP4 on stdout. */
export function encodeOptions({ fps, crf }: EncodeSettings): { input: string[]; filter: string; output: string[] } {
  return {
    input: ['-f', 'image2pipe', '-framerate', String(fps), '-threads', '1', '-flags:v', '+bitexact', '-c:v', 'mjpeg'],
    // JPEG is BT.601, full range (JFIF); the video is BT.709, limited range. This filter converts in 1 ms what takes `scale` 7.
    filter:
      'colorspace=space=bt709:trc=bt709:primaries=bt709:range=tv:format=yuv420p:ispace=bt470bg:itrc=bt709:iprimaries=bt709:irange=pc',
    output: [
      ...[
        '-an',
        '-c:v',
        'libx264',
        '-preset',
        'veryfast',
        '-tune',
        'animation',
        '-crf',
        String(crf),
        '-profile:v',
        'high',
      ],
      // The number of threads changes the picture's bytes, and so does the processor unless x264 is told otherwise.
      ...['-threads', '1', '-filter_threads', '1'],
      ...['-x264-params', `keyint=${fps * KEYFRAME_SECONDS}:subme=1:open-gop=0:cpu-independent=1:force-cfr=1`],
      ...['-color_range', 'tv', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
      ...['-flags:v', '+bitexact', '-fflags', '+bitexact', '-map_metadata', '-1'],
      ...['-video_track_timescale', String(fps * 512)],
      // Never empty_moov: it leaves no edit list, and with B-frames the first picture would come late.
      ...['-movflags', 'frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4'],
    ],
  };
}
