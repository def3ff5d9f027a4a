/** Every part but the last has so many bytes or more: S3 takes no smaller ones. */
export const PART_BYTES = 5 * 1024 * 1024;

/** Takes the parts of a video's file while it is made; see `writeInParts`. */
export interface PartSink {
  /**
   * One part of the file, numbered from 1; each but the last has at least `PART_BYTES`. They come in any order, each once. Ends when
   * the part may wait no longer: a few may be under way. `bytes` are not changed afterwards. Fails when an earlier part has failed.
   */
  send(part: number, bytes: Uint8Array): Promise<void>;
}
