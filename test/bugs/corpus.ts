// The known-bug inputs of the shared folder, as they are on disk: one JSON file per trigger (bugs/README.md there says what each field
// means). Owns reading them; what the router should make of each is expectations.ts.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sharedFile } from '../support/shared.js';

export const PROFILES = ['plain', 'rm', 'mrai', 'flow', 'lu', 'dyn'] as const;
/** How the daemons are configured: `plain` is what the router generates, the others need native files (native.ts). */
export type Profile = (typeof PROFILES)[number];

export interface CorpusMessage {
  role: 'good-before' | 'trigger' | 'good-after';
  from: 'feeder' | 'second peer';
  /** One or several BGP messages that go out in one write. */
  hex: string;
  comment: string;
  pause_after_s?: number;
}

export interface Trigger {
  id: string;
  title: string;
  category: string;
  config_profile: Profile;
  correct_behaviour: string;
  /** Version (`frr-8.4.4`) to what was seen of it alone; null: not run. */
  expected_outcome_by_daemon: Record<string, string | null>;
  /** `raw_open_hex` stands in place of a sound OPEN: the OPEN is (part of) the trigger. */
  open_capabilities: { open_hex?: string; raw_open_hex?: string };
  second_peer_open_hex?: string;
  good_prefixes_before: string[];
  good_prefixes_after: string[];
  trigger_prefixes: string[];
  messages: CorpusMessage[];
  /** Versions that are wrong, or that differ where nobody is wrong. */
  misbehaving?: string[];
  differing_from_reference?: string[];
}

/** Every trigger, by id in alphabetical order; empty without the shared folder. */
export function readCorpus(): Trigger[] {
  const directory = sharedFile('bugs');
  if (directory === undefined) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json') && name !== 'index.json')
    .sort()
    .map((name) => JSON.parse(readFileSync(path.join(directory, name), 'utf8')) as Trigger);
}

export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** The OPEN that the feeder sends in this trigger. */
export function feederOpen({ open_capabilities: open }: Trigger): Uint8Array {
  return bytesOf(open.raw_open_hex ?? open.open_hex ?? '');
}

export const messagesOf = ({ messages }: Trigger, role: CorpusMessage['role']): CorpusMessage[] =>
  messages.filter((message) => message.role === role);
