// What the door makes of inputs that have broken released daemons. The right answers below are read off `correct_behaviour` of each file in the
// shared folder, not off the code.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MessageFramer } from '../../../wire/bgp/framing.js';
import { MessageType } from '../../../wire/bgp/message.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { missing, sharedFile } from '../../support/shared.js';
import { fromHex } from './build.js';

interface Trigger {
  correct_behaviour: string;
  messages: { role: string; from: string; hex: string }[];
}

// One entry per UPDATE among the trigger messages, in order. `sound -9` = sound, attribute 9 discarded.
const EXPECTED: Record<string, string[]> = {
  'as-path-760-hops': ['sound'],
  'as-path-wrong-flags': ['treat-as-withdraw'],
  'as-set-in-path': ['sound'],
  'as4-path-one-byte': ['sound -17'],
  'attribute-overruns-attribute-field': ['treat-as-withdraw'],
  'better-path-holds-as-zero': ['sound', 'treat-as-withdraw'],
  'combined-malformed-message-inside-a-burst': [
    ...new Array<string>(5).fill('sound'),
    'treat-as-withdraw',
    ...new Array<string>(5).fill('sound'),
  ],
  'community-three-bytes': ['treat-as-withdraw'],
  'community-twice': ['sound -8'],
  'control-as-path-252-hops': ['sound'],
  'control-attribute-99-3000-bytes': ['sound'],
  'control-ordinary-route': ['sound'],
  'dynamic-capability-endless-loop': ['header 1/3'],
  // Families that the router does not negotiate: nothing is installed, nothing is reset.
  'flowspec-components-out-of-order': ['sound'],
  'flowspec-ipv6-length-zero-then-prefix': ['sound'],
  'flowspec-without-attributes': ['treat-as-withdraw'],
  'ipv4-withdraw-in-mp-unreach': ['sound', 'sound'],
  'labelled-unicast-length-eight': ['sound'],
  'llgr-stale-community': ['sound'],
  'malformed-community-then-fake-prefix': ['treat-as-withdraw'],
  'mp-reach-empty-nlri-without-attributes': ['treat-as-withdraw'],
  'mp-unreach-plus-nlri-without-attributes': ['treat-as-withdraw'],
  'mp-unreach-unknown-family': ['sound'],
  'next-hop-zero': ['treat-as-withdraw'],
  'origin-value-three': ['treat-as-withdraw'],
  'originator-id-over-ebgp': ['sound -9'],
  'prefix-sid-one-byte': ['sound -40'],
  'prefix-sid-srv6-tlv-empty': ['sound -40'],
  'replacement-with-bad-origin': ['sound', 'treat-as-withdraw'],
  'thousand-communities': ['sound'],
  'tie-oldest-or-router-id': ['sound', 'sound'],
  'unknown-attribute-twice': ['sound -99'],
  'withdraw-and-same-announcement-within-mrai': ['sound', 'sound', 'sound', 'sound'],
};

// Whose speaker has no four-octet AS numbers.
const TWO_OCTET: Record<string, string[]> = { 'open-without-four-octet-as': ['sound'] };

/** What becomes of each UPDATE, and how many bytes of prefixes the last one touches. */
function judge(trigger: Trigger, as4: boolean): { verdicts: string[]; touched: number } {
  const view = new UpdateView();
  const verdicts: string[] = [];
  let touched = 0;
  for (const { hex } of trigger.messages.filter(({ role }) => role === 'trigger')) {
    const framer = new MessageFramer();
    framer.push(fromHex(hex));
    while (framer.next()) {
      if (framer.type !== MessageType.UPDATE) continue;
      const context = { as4, ebgp: true, families: 3 };
      const verdict = parseUpdate(framer.buffer, framer.start, framer.end, context, view);
      verdicts.push([verdict.kind, ...verdict.discard.map((type) => `-${type}`)].join(' '));
      touched = view.sections.slice(0, view.sectionCount).reduce((sum, { start, end }) => sum + end - start, 0);
    }
    if (framer.error) verdicts.push(`header ${framer.error.code}/${framer.error.subcode}`);
  }
  return { verdicts, touched };
}

function load(id: string): Trigger | undefined {
  const file = sharedFile(`bugs/${id}.json`);
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as Trigger);
}

describe('known bugs', () => {
  for (const [table, as4] of [
    [EXPECTED, true],
    [TWO_OCTET, false],
  ] as const) {
    for (const [id, expected] of Object.entries(table)) {
      const trigger = load(id);
      it(`${id}: ${expected.join(', ')}`, (test) => {
        if (!trigger) return test.skip(missing(`bugs/${id}.json`));
        expect(judge(trigger, as4).verdicts, trigger.correct_behaviour).toEqual(expected);
      });
    }
  }

  for (const [id, bytes] of [
    // 20.66.0.0/24 only (4 bytes of NLRI): the fake prefix inside the attribute is not one.
    ['malformed-community-then-fake-prefix', 4],
    ['mp-unreach-unknown-family', 0],
    ['flowspec-ipv6-length-zero-then-prefix', 0],
    ['labelled-unicast-length-eight', 0],
  ] as const) {
    const trigger = load(id);
    it(`${id} touches ${bytes} bytes of prefixes`, (test) => {
      if (!trigger) return test.skip(missing(`bugs/${id}.json`));
      expect(judge(trigger, true).touched).toBe(bytes);
    });
  }
});
