// The machine: open files, memory, processors, clock.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import koffi from 'koffi';
import { bytes } from '../output/table.js';
import { note, ok, warning, type Finding } from './finding.js';
import type { Wants } from './wants.js';

/** FRR takes 1024 and some; each neighbour has a connection to the outside and one to each replica. */
const LEAST_FILES = 4096;
const FILES_PER_SESSION = 2;
/** A full table in one replica takes about that (docs/bench.md). */
const LEAST_MEMORY = 2 ** 30;
/** adjtimex(2): the clock is not synchronised. */
const TIME_ERROR = 5;
const SIZEOF_TIMEX = 208;
/** This program is not older than that: a clock that says so is wrong. */
const RELEASED = Date.parse('2026-01-01');

export function machine(wants: Wants): Finding[] {
  return [
    openFiles(wants, readFileSync('/proc/self/limits', 'utf8')),
    memory(wants),
    processors(),
    clock(Date.now(), clockState()),
  ];
}

/** `limits`: text of /proc/PID/limits. Node raises the soft limit to the hard one by itself. */
export function openFiles({ config, replicas }: Wants, limits: string): Finding {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? [];
  const files = hard === 'unlimited' ? Infinity : Number(hard);
  const wanted = LEAST_FILES + (config?.neighbors.length ?? 0) * (replicas.length + 1) * FILES_PER_SESSION;
  if (files >= wanted) return ok('machine', 'open files', `up to ${hard}`);
  const advice = `LimitNOFILE=65536 in the unit, or ulimit -Hn 65536 before btr run`;
  return warning('machine', 'open files', `at most ${hard}, and ${wanted} may be needed`, advice);
}

function memory({ replicas }: Wants): Finding {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const wanted = LEAST_MEMORY * (replicas.length + 1);
  const text = `${bytes(available)} available`;
  if (available >= wanted) return ok('machine', 'memory', text);
  const advice = `a full Internet table takes about ${bytes(wanted)} with ${replicas.length} replicas; small tables need little`;
  return note('machine', 'memory', text, advice);
}

function processors(): Finding {
  const count = os.availableParallelism();
  if (count > 1) return ok('machine', 'processors', String(count));
  return note(
    'machine',
    'processors',
    '1',
    'replicas and router take turns: expect bursts to take as many times longer',
  );
}

/** What adjtimex(2) returns, asked and not changed; -1 when it cannot be asked. */
function clockState(): number {
  return koffi.load(null).func('int adjtimex(void *timex)')(new Uint8Array(SIZEOF_TIMEX)) as number;
}

/** `now` in ms since 1970, `state` as adjtimex returns it. */
export function clock(now: number, state: number): Finding {
  const text = new Date(now).toISOString();
  if (now < RELEASED) return warning('machine', 'clock', `${text} is wrong`, 'set it: logs and recordings tell times');
  if (state !== TIME_ERROR) return ok('machine', 'clock', `${text}, synchronised`);
  const advice = 'run an NTP client (apt-get install chrony): logs of several machines are compared by their times';
  return warning('machine', 'clock', `${text}, not synchronised`, advice);
}
