import { describe, expect, test } from '@jest/globals';
import { scrubberFor, withoutPersonalData } from '../../src/activities/scrub.ts';
import { Failure } from '../../src/contracts/failures.ts';

describe('scrubbing a message of the recipient it is about', () => {
  test('every value of the params is replaced by the name of its param', () => {
    const scrub = scrubberFor({ name: 'Zoë O’Brien', earnings: 98765, address: { city: 'Łódź' } });
    expect(scrub('no scene for Zoë O’Brien with 98765 in Łódź, Zoë O’Brien!')).toBe(
      'no scene for ‹name› with ‹earnings› in ‹address›, ‹name›!',
    );
  });

  test('a value that contains another is taken out whole', () => {
    const scrub = scrubberFor({ first: 'Anna', full: 'Anna Lindqvist' });
    expect(scrub('Anna Lindqvist and Anna')).toBe('‹full› and ‹first›');
  });

  test('single characters and blanks stay, for they stand in any sentence', () => {
    expect(scrubberFor({ initial: 'a', count: 3, blank: '  ' })('a frame of 3  takes')).toBe('a frame of 3  takes');
  });
});

describe('a failure that may quote a recipient', () => {
  test('keeps its class and loses the values, in its message and in what caused it', async () => {
    const cause = new Error('cannot place 98765', { cause: new Error('Zoë is too wide') });
    const failing = withoutPersonalData({ name: 'Zoë', earnings: 98765 }, async () => {
      throw new Failure('TemplateCrashed', 'seek threw for Zoë', { cause });
    });
    await expect(failing).rejects.toMatchObject({
      failureClass: 'TemplateCrashed',
      message: 'seek threw for ‹name›',
      cause: 'cannot place ‹earnings› <- ‹name› is too wide',
    });
  });
});
