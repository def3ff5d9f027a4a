/** Where a recipient's pointer lies. Two recipients never share a key; the rules are in docs/storage.md. */

import { createHash } from 'node:crypto';
import { Failure } from '../contracts/failures.ts';
import { OWN_PREFIXES } from './storage-failure.ts';

/** An encoded ID longer than this ends in a digest, so that file-backed stores (255 bytes a segment) can hold it. */
const MAX_ENCODED_ID = 165;
const KEPT_OF_A_LONG_ID = 100;
/** Longest campaign ID, digest prefix and encoded ID: what a pattern must leave room for. */
const LONGEST = { campaign: 63, hash2: 2, recipientId: MAX_ENCODED_ID } as const;
const MAX_SEGMENT_BYTES = 255;
const MAX_KEY_BYTES = 1_024;

const PLACEHOLDER = /\{([^{}]*)\}/g;
const LITERAL = /^[A-Za-z0-9._/-]*$/;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Checks a campaign's pointer pattern: literal text with `{recipientId}` (once), and if wanted `{campaign}` and `{hash2}`
 * (two hex digits that spread keys over prefixes). Throws `Failure('CampaignInvalid')` with what is wrong.
 */
export function checkPointerPattern(pattern: string): string {
  const names = [...pattern.matchAll(PLACEHOLDER)].map(([, name]) => name);
  const refuse = (why: string): never => {
    throw new Failure('CampaignInvalid', `The pointer key pattern '${pattern}' ${why}`);
  };
  const unknown = names.find((name) => name === undefined || !Object.hasOwn(LONGEST, name));
  if (unknown !== undefined) refuse(`has {${unknown}}; it may have {recipientId}, {campaign} and {hash2}.`);
  if (names.filter((name) => name === 'recipientId').length !== 1) refuse('must have {recipientId}, once.');
  if (!LITERAL.test(pattern.replaceAll(PLACEHOLDER, '')))
    refuse('may have only letters, digits and . _ - / around the placeholders.');
  const segments = pattern.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    refuse("may not have empty, '.' or '..' segments.");
  if (OWN_PREFIXES.some((prefix) => pattern.startsWith(prefix)) || pattern.startsWith('{')) {
    refuse(`must begin with a folder of its own, not with a placeholder or one of ${OWN_PREFIXES.join(' ')}.`);
  }
  const longest = (text: string): number =>
    text.replaceAll(PLACEHOLDER, (_, name: keyof typeof LONGEST) => 'x'.repeat(LONGEST[name])).length;
  if (segments.some((segment) => longest(segment) > MAX_SEGMENT_BYTES) || longest(pattern) > MAX_KEY_BYTES) {
    refuse(`is too long: a segment may come to ${MAX_SEGMENT_BYTES} bytes, a key to ${MAX_KEY_BYTES}.`);
  }
  return pattern;
}

/** The pointer's key for one recipient, under a pattern that `checkPointerPattern` accepts. */
export function pointerKey(pattern: string, campaign: string, recipientId: string): string {
  const values: Readonly<Record<string, string>> = {
    campaign,
    recipientId: encodeRecipientId(recipientId),
    hash2: sha256(recipientId).slice(0, 2),
  };
  return checkPointerPattern(pattern).replaceAll(PLACEHOLDER, (_, name: string) => values[name] ?? '');
}

/**
 * Percent-encodes every UTF-8 byte outside `A-Z a-z 0-9 . _ -`, and the dots of an ID that is nothing but dots. One that
 * comes out longer than 165 bytes is cut at 100 and ends in `~` and the sha256 of the ID: no short one has a `~`.
 */
export function encodeRecipientId(recipientId: string): string {
  if (recipientId === '') throw new Failure('ParamsInvalid', 'A recipient has an empty ID. Give every recipient one.');
  if (!recipientId.isWellFormed()) {
    throw new Failure(
      'ParamsInvalid',
      "A recipient's ID is broken Unicode (half a surrogate pair). Correct it at the source.",
    );
  }
  const encoded = /^\.+$/.test(recipientId)
    ? '%2E'.repeat(recipientId.length)
    : encodeURIComponent(recipientId).replaceAll(
        /[!'()*~]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      );
  if (encoded.length <= MAX_ENCODED_ID) return encoded;
  // A cut may fall into an escape: `%`, `%A`. What is left of it goes too.
  const kept = encoded.slice(0, KEPT_OF_A_LONG_ID).replace(/%[0-9A-F]?$/, '');
  return `${kept}~${sha256(recipientId)}`;
}
