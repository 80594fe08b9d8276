// What the suite of known bugs judges by must itself tell right from wrong: listeners that read strictly, and a book that says who must hold
// what.
import { describe, expect, test } from 'vitest';
import { Book } from '../../bugs/book.js';
import type { CorpusMessage, Trigger } from '../../bugs/corpus.js';
import type { Expectation } from '../../bugs/expectations.js';
import { Listener } from '../../bugs/heard.js';
import { encodeMessage, MessageType } from '../../../wire/bgp/message.js';

const ORIGIN = [0x40, 1, 1, 0];
const MALFORMED_ORIGIN = [0x40, 1, 1, 3];
const NEXT_HOP = [0x40, 3, 4, 10, 0, 1, 2];
const path = (...numbers: number[]): number[] => [
  ...[0x40, 2, 2 + 4 * numbers.length, 2, numbers.length],
  ...numbers.flatMap((as) => [as >>> 24, (as >> 16) & 255, (as >> 8) & 255, as & 255]),
];

function update({ withdrawn = [] as number[], attributes = [] as number[], nlri = [] as number[] }): Uint8Array {
  const body = [0, withdrawn.length, ...withdrawn, 0, attributes.length, ...attributes, ...nlri];
  return encodeMessage(MessageType.UPDATE, Uint8Array.from(body));
}

const P1 = [24, 20, 0, 1];
const P66 = [24, 20, 66, 0];

describe('Listener', () => {
  const sound = [...ORIGIN, ...path(65000, 65001), ...NEXT_HOP];

  test('notes routes and withdrawals in order', () => {
    const listener = new Listener({ as4: true, peerAs: 65000, nextHops: ['10.0.1.2'] });
    listener.update(update({ attributes: sound, nlri: [...P1, ...P66] }));
    listener.update(update({ withdrawn: P1 }));
    expect(listener.events.map(({ prefix, route }) => [prefix, route?.path])).toEqual([
      ['20.0.1.0/24', '65000 65001'],
      ['20.66.0.0/24', '65000 65001'],
      ['20.0.1.0/24', undefined],
    ]);
    expect([...listener.table.keys()]).toEqual(['20.66.0.0/24']);
    expect(listener.malformed).toEqual([]);
  });

  test.each<[string, number[]]>([
    ['an undefined ORIGIN', [...MALFORMED_ORIGIN, ...path(65000), ...NEXT_HOP]],
    ['a path that begins with somebody else', [...ORIGIN, ...path(65001), ...NEXT_HOP]],
    ['no next hop', [...ORIGIN, ...path(65000)]],
    ['a next hop that is not the router', [...ORIGIN, ...path(65000), 0x40, 3, 4, 10, 0, 9, 9]],
    ['an attribute twice', [...sound, ...ORIGIN]],
    ['LOCAL_PREF from outside', [...sound, 0x40, 5, 4, 0, 0, 0, 100]],
  ])('finds fault with %s', (_, attributes) => {
    const listener = new Listener({ as4: true, peerAs: 65000, nextHops: ['10.0.1.2'] });
    listener.update(update({ attributes, nlri: P1 }));
    expect(listener.malformed).toHaveLength(1);
  });
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const message = (role: CorpusMessage['role'], bytes: Uint8Array, more: Partial<CorpusMessage> = {}): CorpusMessage => ({
  ...{ role, from: 'feeder', hex: hex(bytes), comment: '' },
  ...more,
});

/** A good route to 20.0.1.0/24, then `triggers` about 20.66.0.0/24. */
function bookOf(
  expectation: Expectation,
  triggers: CorpusMessage[],
  profile: Trigger['config_profile'] = 'plain',
): Book {
  const good = update({ attributes: [...ORIGIN, ...path(65001), ...NEXT_HOP], nlri: P1 });
  const trigger: Trigger = {
    ...{ id: 'made-up', title: '', category: '', correct_behaviour: '', config_profile: profile },
    ...{ expected_outcome_by_daemon: {}, open_capabilities: {} },
    ...{ good_prefixes_before: ['20.0.1.0/24'], good_prefixes_after: [], trigger_prefixes: ['20.66.0.0/24'] },
    messages: [message('good-before', good), ...triggers],
  };
  const book = new Book(trigger, expectation);
  book.sentGood('good-before');
  expect([...book.expectedTable().keys()]).toEqual(['20.0.1.0/24']);
  for (const one of triggers) book.sentTrigger(one);
  return book;
}

const announcement = update({ attributes: [...ORIGIN, ...path(65001, 65010), ...NEXT_HOP], nlri: P66 });
const malformed = update({ attributes: [...MALFORMED_ORIGIN, ...path(65001, 65010), ...NEXT_HOP], nlri: P66 });
const heard = (prefix: string, text: string) => ({ prefix, route: { path: text, nextHop: '10.0.2.1' } });

describe('Book', () => {
  test('a trigger that is passed on is expected with the path that was sent, and the profile’s prepending', () => {
    const passed: Expectation = { session: 'up', fate: 'passed on' };
    const trigger = message('trigger', announcement);
    expect(bookOf(passed, [trigger]).expectedTable().get('20.66.0.0/24')).toBe('65000 65001 65010');
    const book = bookOf(passed, [trigger], 'rm');
    expect(book.expectedTable().get('20.66.0.0/24')).toBe('65000 65001 65001 65010');
    expect(book.expectedKernel().get('20.66.0.0/24')).toBe('via 10.0.1.2 dev r1');
    expect(book.transient([heard('20.66.0.0/24', '65000 65001 65001 65010')])).toEqual([]);
    expect(book.transient([heard('20.66.0.0/24', '65000 65001 65010')])).toHaveLength(1);
  });

  test('a withheld trigger is expected nowhere, and was never to be out when it was malformed', () => {
    const book = bookOf({ session: 'up', fate: 'withheld' }, [message('trigger', malformed)]);
    expect([...book.expectedTable().keys()]).toEqual(['20.0.1.0/24']);
    expect([...book.expectedKernel().keys()]).toEqual(['20.0.1.0/24']);
    expect(book.transient([heard('20.66.0.0/24', '65000 65001 65010')])).toHaveLength(1);
    expect(book.mayForward('20.66.0.0/24', 'via 10.0.1.2 dev r1')).toBe(false);
    expect(book.mayForward('20.0.1.0/24', 'via 10.0.1.2 dev r1')).toBe(true);
    expect(book.mayForward('20.0.1.0/24', 'via 10.0.2.2 dev r2')).toBe(false);
  });

  test('the second neighbour’s route is the kernel’s and is not sent back to it', () => {
    const other = update({ attributes: [...ORIGIN, ...path(65002, 65010), 0x40, 3, 4, 10, 0, 2, 2], nlri: P66 });
    const book = bookOf({ session: 'up', fate: 'second is best' }, [
      message('trigger', other, { from: 'second peer' }),
      message('trigger', announcement),
    ]);
    expect(book.expectedTable().has('20.66.0.0/24')).toBe(false);
    expect(book.expectedKernel().get('20.66.0.0/24')).toBe('via 10.0.2.2 dev r2');
  });

  test('with the session everything goes', () => {
    const book = bookOf({ session: 'up', fate: 'passed on' }, [message('trigger', announcement)]);
    book.ended(Uint8Array.of());
    expect(book.expectedTable().size).toBe(0);
    expect(book.expectedKernel().size).toBe(0);
  });
});
