/** Every part but the last has so many bytes or more: S3 takes no smaller ones. */
export const PART_BYTES = 5 * 1024 * 1024;
/** A file with less media goes up whole: its first part is held back, and there would be nothing to send meanwhile. */
export const LEAST_MEDIA_IN_PARTS = 2 * PART_BYTES;

/** Takes the parts of a video's file while it is made; see `writeInParts`. */
export interface PartSink {
  /**
   * One part of the file, numbered from 1; each but the last has at least `PART_BYTES`. They come in any order, each once; nobody waits
   * for one before sending the next. `bytes` are not changed afterwards. Ends when the part is where it belongs.
   */
  send(part: number, bytes: Uint8Array): Promise<void>;
}
