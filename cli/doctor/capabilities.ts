// Which of Linux's capabilities (capabilities(7)) the router uses, and whether this process has them. The systemd unit grants the same ones.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { note, ok, problem, warning, type Finding } from './finding.js';
import type { Wants } from './wants.js';

export interface Capability {
  name: string;
  /** Number in linux/capability.h. */
  bit: number;
  /** What it is needed to do. */
  purpose: string;
  needed(wants: Wants, lowestFreePort: number): boolean;
}

const always = (): boolean => true;

export const CAPABILITIES: readonly Capability[] = [
  {
    name: 'CAP_NET_ADMIN',
    bit: 12,
    purpose: "write the kernel's routes",
    needed: ({ kernel }) => kernel,
  },
  {
    name: 'CAP_NET_BIND_SERVICE',
    bit: 10,
    purpose: 'listen on a port below 1024',
    needed: ({ port }, lowestFreePort) => port < lowestFreePort,
  },
  { name: 'CAP_SETUID', bit: 7, purpose: 'run replicas as users of their own', needed: always },
  { name: 'CAP_SETGID', bit: 6, purpose: 'run replicas as users of their own', needed: always },
  { name: 'CAP_CHOWN', bit: 0, purpose: "give replicas' directories to their users", needed: always },
  { name: 'CAP_FOWNER', bit: 3, purpose: "set the modes of replicas' files", needed: always },
  { name: 'CAP_DAC_OVERRIDE', bit: 1, purpose: "write and remove replicas' files", needed: always },
  { name: 'CAP_KILL', bit: 5, purpose: 'end replicas', needed: always },
  {
    name: 'CAP_SYS_NICE',
    bit: 23,
    purpose: "raise replicas' priority (diversity.nice)",
    needed: ({ config }) => (config?.replicas ?? []).some(({ diversity }) => (diversity.nice ?? 0) < 0),
  },
];

/** First port that needs no privilege. */
function lowestFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}

/** The effective set of a process, out of its /proc/PID/status. */
export function effectiveSet(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

export function privileges(wants: Wants): Finding[] {
  const effective = effectiveSet(readFileSync('/proc/self/status', 'utf8'));
  return [...user(wants), ...judge(wants, effective, process.getuid?.() === 0, lowestFreePort())];
}

function user({ kernel }: Wants): Finding[] {
  const { username, uid } = whoAmI();
  if (uid === 0) return [ok('privileges', 'user', 'root: replicas run as users of their own')];
  const advice = kernel
    ? 'run it as root (the systemd unit does), or set fib.backend: dry-run and a port from 1024 on'
    : null;
  return [
    note('privileges', 'user', `${username}: replicas run as the same user, and could disturb each other`, advice),
  ];
}

function whoAmI(): { username: string; uid: number } {
  const uid = process.getuid?.() ?? -1;
  return { username: process.env.USER ?? `uid ${uid}`, uid };
}

/** `asRoot`: replicas are to be other users'; otherwise only what the network needs is asked for. */
export function judge(wants: Wants, effective: bigint, asRoot: boolean, freePort: number): Finding[] {
  const missing = CAPABILITIES.filter(({ bit }) => ((effective >> BigInt(bit)) & 1n) === 0n);
  const wanted = missing.filter(({ name, needed }) => needed(wants, freePort) && (asRoot || /NET_/.test(name)));
  const findings = wanted.map(({ name, purpose }) => {
    const text = `missing: it is needed to ${purpose}`;
    const advice = `grant it (CapabilityBoundingSet= of the unit, --cap-add of a container)${insteadOf(name)}`;
    return name === 'CAP_SYS_NICE'
      ? warning('privileges', name, text, advice)
      : problem('privileges', name, text, advice);
  });
  return findings.length > 0 ? findings : [ok('privileges', 'capabilities', 'all that this configuration uses')];
}

function insteadOf(name: string): string {
  if (name === 'CAP_NET_ADMIN') return ', or set fib.backend: dry-run';
  return name === 'CAP_NET_BIND_SERVICE' ? ', or set router.port to 1024 or higher' : '';
}
