// The probe's UPDATE: its number as MED and, with a FIB, in its next hop.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbeMessages } from '../../../hypervisor/probe-messages.js';
import { extractRouteAttributes } from '../../../wire/bgp/route-attributes.js';
import { describeAttributes } from '../../../wire/bgp/describe.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';

const SETTINGS = { probeAddress: '198.18.0.2', probeAs: 4200000001, probePrefix: '198.18.255.0/24' };

function nextHop(messages: ProbeMessages, sequence: number): string | undefined {
  const message = messages.announce(sequence);
  const view = new UpdateView();
  const verdict = parseUpdate(message, 0, message.length, { as4: true, ebgp: true, families: 1 }, view);
  expect(verdict.kind).toBe('sound');
  const out = new Uint8Array(4096);
  const end = extractRouteAttributes(message, view, false, out, 0);
  return describeAttributes(out.subarray(0, end)).find(({ name }) => name === 'NEXT_HOP')?.text;
}

const number = fc.integer({ min: 1, max: 0xffffffff });

describe('probe messages', () => {
  it('come from the probe without a FIB', () => {
    const messages = new ProbeMessages(SETTINGS);
    expect([1, 2, 300].map((sequence) => nextHop(messages, sequence))).toEqual(new Array(3).fill('198.18.0.2'));
  });

  it('have another next hop each with a FIB', () => {
    const messages = new ProbeMessages({ ...SETTINGS, nextHops: '198.18.254.0/24' });
    const hops = [1, 2, 249, 250, 251].map((sequence) => nextHop(messages, sequence));
    expect(hops).toEqual(['198.18.254.2', '198.18.254.3', '198.18.254.250', '198.18.254.1', '198.18.254.2']);
  });

  it('keep their number as MED', () => {
    const messages = new ProbeMessages({ ...SETTINGS, nextHops: '198.18.254.0/24' });
    fc.assert(
      fc.property(number, (sequence) => {
        const message = messages.announce(sequence);
        expect(messages.sequenceOf(message, 0, message.length)).toBe(sequence);
      }),
    );
  });
});
