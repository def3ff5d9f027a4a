import { describe, expect, test } from '@jest/globals';
import { scrubberFor } from '../../src/activities/scrub.ts';

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
