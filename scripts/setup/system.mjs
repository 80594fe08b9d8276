// Programs that npm cannot install: the compiler, ip, the BGP daemons, and what tests look at things with. Installs what is missing on Debian
// when run by root; otherwise says what is missing and what to type. The daemons are for the hypervisor to start: their packages'
// services are neither started nor left enabled, so port 179 stays free.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { run, say, which } from './run.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const KEPT_POLICY = `${POLICY}.before-btr`;
const OUR_POLICY =
  '#!/bin/sh\n# Temporary: keeps packages from starting their services (bug-tolerant-router setup).\nexit 101\n';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** `present`: is there anything of it; the daemons' services are listed so that they can be switched off. */
const TOOLS = [
  { package: 'gcc', present: () => which('gcc') !== undefined || which('cc') !== undefined },
  { package: 'make', present: () => which('make') !== undefined },
  { package: 'libc6-dev', present: () => existsSync('/usr/include/stdlib.h') },
  { package: 'iproute2', present: () => which('ip') !== undefined },
];
const DAEMONS = [
  { package: 'frr', present: () => existsSync('/usr/lib/frr/bgpd'), service: 'frr' },
  { package: 'bird2', present: () => which('bird') !== undefined, service: 'bird' },
  { package: 'openbgpd', present: () => existsSync('/usr/sbin/bgpd'), service: 'openbgpd' },
];

function isDebian() {
  return existsSync('/etc/debian_version') && which('apt-get') !== undefined;
}

/** What only tests use: they look at the dashboard as users do, and at what is sent as others decode it. */
const TEST_TOOLS = [
  { package: 'chromium', present: () => which('chromium') !== undefined },
  { package: 'tshark', present: () => which('tshark') !== undefined },
];

/** Debian asks this script before it starts a service; 101 means no. What was there comes back whatever happens. */
function withoutServices(action) {
  mendPolicy();
  const had = existsSync(POLICY);
  // Ctrl-C ends apt-get; this process must live on to put things back.
  const ignore = () => {};
  for (const signal of SIGNALS) process.on(signal, ignore);
  try {
    if (had) renameSync(POLICY, KEPT_POLICY);
    writeFileSync(POLICY, OUR_POLICY);
    chmodSync(POLICY, 0o755);
    action();
  } finally {
    mendPolicy();
    for (const signal of SIGNALS) process.off(signal, ignore);
  }
}

/** Puts things back, also after an earlier run that was killed in between. */
function mendPolicy() {
  if (existsSync(POLICY) && readFileSync(POLICY, 'latin1') === OUR_POLICY) rmSync(POLICY);
  if (existsSync(KEPT_POLICY)) renameSync(KEPT_POLICY, POLICY);
}

const quietly = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

function canInstall(packages) {
  return quietly('apt-get', ['install', '--simulate', '-qq', '--no-install-recommends', ...packages]);
}

function install(packages) {
  say(`installing ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (!canInstall(packages)) run('apt-get', ['update', '-qq'], { env });
  const command = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', ...packages];
  // The index may be old, so that it names files that the mirror no longer has.
  if (spawnSync('apt-get', command, { env, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0) return;
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', command, { env });
}

/** Freshly installed services must not come up at the next boot either. */
function disableServices(services) {
  if (which('systemctl') === undefined) return;
  for (const service of services) quietly('systemctl', ['disable', service]);
}

/** Processes that listen on the kernel's BGP port in this namespace, as text; undefined when there are none. */
function whoHasPort179() {
  const listening = (file) =>
    existsSync(file) &&
    readFileSync(file, 'latin1')
      .split('\n')
      .some((line) => /^\s*\d+: \w+:00B3 \w+:\w+ 0A /.test(line));
  if (!['/proc/net/tcp', '/proc/net/tcp6'].some(listening)) return undefined;
  const ss = spawnSync('ss', ['-Hltnp', 'sport = :179'], { encoding: 'utf8' });
  return [...new Set((ss.stdout ?? '').match(/\("([^"]+)",pid=\d+/g) ?? [])].join(' ') || 'a process';
}

/** `daemons`: required (throw when one stays missing), wanted (warn), none (leave alone). `tests`: what only tests need, too. */
export function setUpSystem({ daemons, tests }) {
  const wanted = [...TOOLS, ...(daemons === 'none' ? [] : DAEMONS)];
  obtain(wanted);
  report(missingOf(wanted), daemons);
  if (tests) {
    // On their own: where a browser cannot be had, the daemons still can.
    obtain(TEST_TOOLS);
    report(missingOf(TEST_TOOLS), 'wanted');
  }
  const holder = daemons === 'none' ? undefined : whoHasPort179();
  if (holder !== undefined) say(`port 179 is taken by ${holder}; the router needs it for itself (stop that service)`);
}

const missingOf = (programs) => programs.filter((program) => !program.present());

/** Installs what is missing, as far as that is possible. */
function obtain(programs) {
  const missing = missingOf(programs);
  if (missing.length === 0 || !isDebian() || process.getuid() !== 0) return;
  const names = missing.map((program) => program.package);
  try {
    withoutServices(() => install(names));
    disableServices(missing.flatMap((program) => program.service ?? []));
  } catch (error) {
    say(`could not install ${names.join(', ')}: ${error.message}`);
  }
}

function report(missing, daemons) {
  if (missing.length === 0) return;
  const names = missing.map((program) => program.package);
  const how = isDebian()
    ? `as root type: apt-get install --no-install-recommends ${names.join(' ')}`
    : "install them with your package manager (the names are Debian's)";
  const text = `missing: ${names.join(', ')}; ${how}`;
  const fatal = missing.some((program) => TOOLS.includes(program)) || daemons === 'required';
  if (fatal) throw new Error(text);
  say(`${text}; what needs them is skipped`);
}
