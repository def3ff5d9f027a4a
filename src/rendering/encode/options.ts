/**
 * How raw frames become H.264: ffmpeg's command lines, pure. Any change here changes bytes, and with them the engine's
 * fingerprint. Why x264 is set as it is: docs/encoding.md.
 */

import type { Size } from '../geometry.ts';
import { levelFor } from './level.ts';

export const ENCODERS = ['x264', 'nvenc', 'vaapi', 'videotoolbox'] as const;
/** x264 unless somebody asks for a device of the machine: only x264 gives the same bytes everywhere. */
export type EncoderName = (typeof ENCODERS)[number];

export interface Quality {
  /** Constant quantiser of x264, and the like of other encoders: lower is better and larger. */
  readonly qp: number;
  /**
   * Kilobits a second at which it plays without a pause for whoever has loaded two seconds ahead; quality falls where it
   * would take more.
   */
  readonly maxKbps?: number | undefined;
}

/** One encoded video: a track of what ffmpeg writes. Width and height are even. */
export interface Track {
  readonly size: Size;
  readonly quality: Quality;
}

export interface EncodeSettings extends Track {
  readonly fps: number;
  readonly encoder?: EncoderName | undefined;
}

export interface LadderSettings {
  readonly fps: number;
  /** The first has the size of the frames; the others are scaled from them. */
  readonly tracks: readonly [Track, ...Track[]];
  readonly encoder?: EncoderName | undefined;
  /** Whether what comes out is joined with other runs of equal settings: nothing in its headers may depend on the frames. */
  readonly isJoinable?: boolean | undefined;
}

/** Options of ffmpeg's one input, stdin, and one output, stdout: the fields of `FfmpegRun`. */
export interface EncodeOptions {
  readonly input: string[];
  readonly output: string[];
}

/** A keyframe at least so often: players seek to it, and verification looks at it. */
const KEYFRAME_SECONDS = 2;
/** How far a player loads ahead, where a maximum bitrate is kept. */
const BUFFER_SECONDS = 2;
/** x264's pictures between two that others are predicted from, always so many. */
const B_FRAMES = 3;
/** Units of time per frame in the container: any, as long as frames last a whole number of them. */
const TICKS_PER_FRAME = 512;

const BT709 = ['-color_range', 'tv', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'];

/** Down from the frames, sharp: downscaling without aliasing, the same arithmetic on every processor. */
const SCALING = 'flags=bicubic+accurate_rnd+bitexact';

/** The constant rate factor, or the like of another encoder, that takes as many bytes of drawn pages as a quantiser. */
const CRF_ABOVE_QP = 3;

const X264 = [
  `cabac=1:8x8dct=1:analyse=i4x4,i8x8:subme=1:deblock=1,1:bframes=${B_FRAMES}:b-adapt=0:b-pyramid=0:pbratio=1.8`,
  // Of these the bytes depend on nothing but the frames: neither on the processor nor on the number of cores.
  'cpu-independent=1:open-gop=0:force-cfr=1',
].join(':');

/** Which frames an encoder gets, and how it codes them. */
export interface Pattern {
  /** Of the frames that it gets, so many after a keyframe, and then every so many, is one that others are predicted from. */
  readonly anchorEvery: number;
  /** A frame whose number is a multiple of this is a keyframe, whichever the encoder got before. */
  readonly keyframeEvery: number;
}

/**
 * Null: it gets all frames. Of another encoder than x264 nobody knows how it codes them; and one that keeps a bitrate counts
 * how many bits it may use by the frames that it gets.
 */
export const patternOf = ({ fps, tracks, encoder = 'x264' }: LadderSettings): Pattern | null =>
  encoder === 'x264' && tracks.every(({ quality }) => quality.maxKbps === undefined)
    ? { anchorEvery: B_FRAMES + 1, keyframeEvery: keyframeEvery(fps) }
    : null;

const keyframeEvery = (fps: number): number => fps * KEYFRAME_SECONDS;

/** What a `FrameFeed` sends (I420, BT.709, limited range) on stdin → fragmented MP4 with one video track on stdout. */
export function encodeOptions({ fps, size, quality, encoder }: EncodeSettings): EncodeOptions {
  return ladderOptions({ fps, tracks: [{ size, quality }], encoder });
}

/**
 * The same with several tracks, in the order given: one capture, several renditions. The first track has the packets that
 * `encodeOptions` gives it alone; unless pictures stand still and another track keeps a bitrate, for which all are encoded.
 */
export function ladderOptions(settings: LadderSettings): EncodeOptions {
  const { fps, tracks, encoder = 'x264', isJoinable = false } = settings;
  const isSparse = patternOf(settings) !== null;
  return {
    input: [...DEVICE[encoder], '-f', 'matroska', ...BT709],
    output: [
      ...streamsOf(tracks, encoder, isSparse ? [] : [`fps=${fps}`]),
      ...['-an', '-threads', '1', ...BT709],
      ...[...encoderOptions(encoder, isJoinable), '-profile:v', 'high', '-g', String(keyframeEvery(fps))],
      ...['-fps_mode', 'passthrough', ...(isSparse ? timingOf(fps) : [])],
      ...tracks.flatMap((track, index) => trackOptions(track, { index, fps, encoder })),
      ...['-flags:v', '+bitexact', '-fflags', '+bitexact', '-map_metadata', '-1'],
      ...['-video_track_timescale', String(fps * TICKS_PER_FRAME)],
      // Never empty_moov: it leaves no edit list, and with B-frames the first picture would come late.
      ...['-movflags', 'frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4'],
    ],
  };
}

/** Of an encoder that gets some of the frames only, each keeps its time, and keyframes are where they would be among all. */
function timingOf(fps: number): string[] {
  // Times are rounded: half a frame earlier is early enough, and no frame is there then.
  const nextKeyframe = `gte(t,n_forced*${KEYFRAME_SECONDS}-${(1 / (2 * fps)).toFixed(5)})`;
  return ['-enc_time_base', `1:${fps}`, '-force_key_frames', `expr:${nextKeyframe}`];
}

/** The frames through filters that time them, and scaled from them for the other tracks. */
function streamsOf(tracks: LadderSettings['tracks'], encoder: EncoderName, timed: readonly string[]): string[] {
  const upload = UPLOAD[encoder];
  if (tracks.length === 1) return ['-map', '0:v', ...filtersOf([...timed, ...upload])];
  const [first] = tracks;
  const chains = tracks.map(({ size: { width, height } }, index) => {
    const isScaled = width !== first.size.width || height !== first.size.height;
    // Pixels stay square: rounding to even sides would otherwise stretch them by a hair.
    const filters = [...(isScaled ? [`scale=${width}:${height}:${SCALING}`, 'setsar=1'] : []), ...upload];
    return `[in${index}]${filters.length === 0 ? 'null' : filters.join(',')}[out${index}]`;
  });
  const inputs = tracks.map((_, index) => `[in${index}]`).join('');
  const graph = [`[0:v]${[...timed, `split=${tracks.length}`].join(',')}${inputs}`, ...chains].join(';');
  return [
    ...['-filter_complex_threads', '1', '-filter_complex', graph],
    ...tracks.flatMap((_, index) => ['-map', `[out${index}]`]),
  ];
}

const filtersOf = (filters: readonly string[]): string[] => (filters.length === 0 ? [] : ['-vf', filters.join(',')]);

interface Place {
  readonly index: number;
  readonly fps: number;
  readonly encoder: EncoderName;
}

function trackOptions({ size, quality }: Track, { index, fps, encoder }: Place): string[] {
  const { maxKbps } = quality;
  const level = levelFor({ ...size, fps, maxKbps });
  const options = [...rateOptions(encoder, quality), ['level', level]];
  if (maxKbps !== undefined) options.push(['maxrate', `${maxKbps}k`], ['bufsize', `${maxKbps * BUFFER_SECONDS}k`]);
  return options.flatMap(([name, value]) => [`-${name}:v:${index}`, String(value)]);
}

/** How an encoder is told the quality. */
function rateOptions(encoder: EncoderName, { qp, maxKbps }: Quality): (readonly [string, string | number])[] {
  const crf = qp + CRF_ABOVE_QP;
  switch (encoder) {
    case 'x264':
      // For a rate factor it looks at a small copy of every frame beforehand; but only with one does it keep a bitrate.
      return [maxKbps === undefined ? ['qp', qp] : ['crf', crf]];
    case 'nvenc':
      return [
        ['rc', 'vbr'],
        ['cq', crf],
        ['b', 0],
      ];
    case 'vaapi':
      if (maxKbps === undefined) {
        return [
          ['rc_mode', 'CQP'],
          ['qp', qp],
        ];
      }
      return [
        ['rc_mode', 'VBR'],
        ['b', `${maxKbps}k`],
      ];
    case 'videotoolbox':
      // Its scale of quality goes from 1 to 100, upwards; Macs with Intel processors have none.
      return maxKbps === undefined ? [['q', Math.max(1, 100 - 2 * crf)]] : [['b', `${maxKbps}k`]];
  }
}

function encoderOptions(encoder: EncoderName, isJoinable: boolean): string[] {
  switch (encoder) {
    case 'x264':
      return [
        ...['-c:v', 'libx264', '-preset', 'ultrafast'],
        '-x264-params',
        isJoinable ? `${X264}:stitchable=1` : X264,
      ];
    case 'nvenc':
      return ['-c:v', 'h264_nvenc', '-preset', 'p4', '-bf', '0'];
    case 'vaapi':
      return ['-c:v', 'h264_vaapi', '-bf', '0'];
    case 'videotoolbox':
      return ['-c:v', 'h264_videotoolbox', '-bf', '0'];
  }
}

/** What an encoder needs before the input is opened. */
const DEVICE: Readonly<Record<EncoderName, readonly string[]>> = {
  x264: [],
  nvenc: [],
  vaapi: ['-vaapi_device', '/dev/dri/renderD128'],
  videotoolbox: [],
};

/** Filters that bring frames to where the encoder takes them. */
const UPLOAD: Readonly<Record<EncoderName, readonly string[]>> = {
  x264: [],
  nvenc: [],
  vaapi: ['format=nv12', 'hwupload'],
  videotoolbox: [],
};
