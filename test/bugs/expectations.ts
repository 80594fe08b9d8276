// What the router must make of each known-bug input, whatever the strategy. Owns the table, and the reasons where
// it is not what the corpus calls correct; scenario.ts plays the inputs, docs/known-bugs.md prints both.
import type { Delivery, VotingStrategy } from '../../configs/model.js';

/**
 * What becomes of the trigger's prefixes at the other neighbour and in the kernel: there, with the path the feeder sent last; not there; or
 * there by the second neighbour's path, which is therefore not sent to it; or in the kernel only. `nothing`: the trigger has no prefixes to look at.
 */
export type Fate = 'passed on' | 'withheld' | 'second is best' | 'forwarded only' | 'nothing';

export interface Expectation {
  /** `up`, or the NOTIFICATION with which the router itself ends or refuses the feeder's session. */
  session: string;
  fate: Fate;
  /** Prefixes whose fate is another. */
  except?: Record<string, Fate>;
  /** The second neighbour asks for the table and gets all of it again. */
  resent?: true;
  /** What is different when replicas get the bytes as they came. */
  raw?: (strategy: VotingStrategy) => Partial<Expectation>;
  /** Why this is not what `correct_behaviour` says, or how a choice that it leaves open is made. */
  why?: string;
}

const up = (fate: Fate, more: Partial<Expectation> = {}): Expectation => ({ session: 'up', fate, ...more });
const ended = (session: string, why?: string): Expectation => ({ session, fate: 'nothing', ...(why ? { why } : {}) });

const PASSED = up('passed on');
const WITHHELD = up('withheld');
const NOTHING = up('nothing');

const NOT_NEGOTIATED =
  'The router offers IPv4 and IPv6 unicast only, so the neighbour may not send this family, and no replica has negotiated it. There is no rule or ' +
  'route that could be passed on; a replica that resets its session over the message is started again.';

export const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  'as-path-760-hops': up('passed on', { why: 'The choice is open; all three replicas pass the route on.' }),
  'as-path-wrong-flags': WITHHELD,
  'as-set-in-path': up('passed on', { why: 'The choice is open; these versions of all three daemons accept AS_SETs.' }),
  'as4-path-one-byte': up('passed on', {
    why: 'The choice is open; the attribute is discarded (RFC 6793, section 6).',
  }),
  'attribute-overruns-attribute-field': WITHHELD,
  'better-path-holds-as-zero': up('second is best'),
  'combined-malformed-message-inside-a-burst': up('passed on', { except: { '20.66.0.0/24': 'withheld' } }),
  'community-three-bytes': WITHHELD,
  'community-twice': up('passed on', {
    raw: (strategy) => ({ fate: strategy === 'master-slave' ? 'passed on' : 'forwarded only' }),
    why:
      'Byte for byte, FRR resets its session, and from then on abstains on the prefix; BIRD and OpenBGPD both pass the route on, but do not agree ' +
      'on its communities. One vote against one is no majority, so nothing is sent, while the kernel, which knows no communities, has the route. ' +
      'master-slave sends what the master says. With errors repaired all three get one attribute and agree.',
  }),
  'control-as-path-252-hops': PASSED,
  'control-attribute-99-3000-bytes': PASSED,
  'control-ordinary-route': PASSED,
  'dynamic-capability-endless-loop': ended(
    'Message Header Error/Bad Message Type',
    'CAPABILITY messages need a capability that the router does not offer. It closes that session itself; no replica sees the message.',
  ),
  'flowspec-components-out-of-order': up('nothing', { why: NOT_NEGOTIATED }),
  'flowspec-ipv6-length-zero-then-prefix': up('nothing', { why: NOT_NEGOTIATED }),
  'flowspec-without-attributes': up('nothing', { why: NOT_NEGOTIATED }),
  'ipv4-withdraw-in-mp-unreach': WITHHELD,
  'labelled-unicast-length-eight': up('nothing', { why: NOT_NEGOTIATED }),
  'llgr-stale-community': up('passed on', {
    why: 'No replica offers long-lived graceful restart, so the generated configurations remove the community on arrival (RFC 9494).',
  }),
  'malformed-community-then-fake-prefix': WITHHELD,
  'mp-reach-empty-nlri-without-attributes': WITHHELD,
  'mp-unreach-plus-nlri-without-attributes': WITHHELD,
  'mp-unreach-unknown-family': NOTHING,
  'next-hop-zero': WITHHELD,
  'open-extended-parameters-missing': ended('OPEN Message Error'),
  'open-hold-time-one': ended('OPEN Message Error/Unacceptable Hold Time'),
  'open-orf-capability-empty': NOTHING,
  'open-route-refresh-capability-with-a-byte': NOTHING,
  'open-without-four-octet-as': PASSED,
  'origin-value-three': WITHHELD,
  'originator-id-over-ebgp': up('passed on', {
    raw: () => ({ fate: 'withheld' }),
    why:
      'Byte for byte, FRR 8.4.4 and OpenBGPD 7.7 both drop the route instead of the attribute. Two of three replicas agree on what is wrong, ' +
      'and no vote can win against that. With errors repaired the attribute is gone before any of them sees it.',
  }),
  'prefix-sid-one-byte': PASSED,
  'prefix-sid-srv6-tlv-empty': NOTHING,
  'replacement-with-bad-origin': WITHHELD,
  'route-refresh-ignored': up('nothing', { resent: true }),
  'second-open-when-established': ended('Finite State Machine Error/Unexpected Message in Established'),
  'thousand-communities': up('passed on', { why: 'The choice is open; BIRD is outvoted.' }),
  'tie-oldest-or-router-id': up('passed on', {
    why: 'The choice is open; the generated configurations make all daemons take the lower router id.',
  }),
  'unknown-attribute-twice': PASSED,
  'withdraw-and-same-announcement-within-mrai': PASSED,
};

/** What must come of a trigger when replicas get messages in this form and vote in this way. */
export function expectationOf(id: string, deliver: Delivery, strategy: VotingStrategy): Expectation {
  const expectation = EXPECTATIONS[id];
  return deliver === 'raw' ? { ...expectation, ...expectation.raw?.(strategy) } : expectation;
}

/** Fate of one of the trigger's prefixes. */
export function fateOf({ fate, except }: Expectation, prefix: string): Fate {
  return except?.[prefix] ?? fate;
}
