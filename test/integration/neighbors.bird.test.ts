// Our sessions against BIRD on loopback addresses and high ports: who connects, TCP-MD5 with GTSM, what each hears when the other stops.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../cli/lab/lab.js';
import { freePort, side, until } from '../support/neighbor-sides.js';
import type { Side } from '../support/neighbor-sides.js';

const bird = findProgram('bird');
const birdc = findProgram('birdc');
if (!bird || !birdc) console.warn('BIRD tests skipped: install the package bird2');

const [OURS, THEIRS] = ['127.0.3.1', '127.0.3.2'];
const SECRET = 'correct horse';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Starts BIRD with one neighbour, us; returns a way to talk to it. */
async function startBird(port: number, options: string[]): Promise<(...command: string[]) => string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'btr-bird-'));
  const file = path.join(directory, 'bird.conf');
  const socket = path.join(directory, 'bird.ctl');
  writeFileSync(
    file,
    `router id 10.0.0.2;
protocol device {}
protocol static s4 { ipv4; route 192.0.2.0/24 blackhole; }
protocol bgp uplink {
  local ${THEIRS} port ${port} as 65001; neighbor ${OURS} port ${port} as 65000; strict bind on;
  connect delay time 1; connect retry time 1; error wait time 1, 2; hold time 30;
  ${options.map((option) => `${option};`).join(' ')}
  ipv4 { import all; export all; next hop self; };
}
`,
  );
  execFileSync(bird as string, ['-p', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const argv = ['-f', '-c', file, '-s', socket, '-P', path.join(directory, 'bird.pid')];
  const child = spawn(bird as string, argv, { stdio: 'ignore' });
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  });
  const control = (...command: string[]): string =>
    execFileSync(birdc as string, ['-s', socket, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  await until('BIRD answers', () => {
    try {
      return control('show', 'status').includes('Daemon is up');
    } catch {
      return false;
    }
  });
  return control;
}

async function ours(port: number, settings: object): Promise<Side> {
  const base = { address: THEIRS, localAddress: OURS, peerAs: 65001, remotePort: port };
  const us = await side(65000, '10.0.0.1', { ...base, ...settings }, port);
  cleanups.push(() => us.close());
  us.session.start();
  return us;
}

describe.skipIf(!bird || !birdc)('a neighbour that is BIRD', () => {
  const secured = { authPassword: SECRET, ttlSecurityHops: 1 };
  const securedBird = [`password "${SECRET}"`, 'multihop 1', 'ttl security on'];
  it.each([
    ['it connects', { passive: true }, ['multihop 2']],
    ['we connect', {}, ['passive', 'multihop 2']],
    ['both connect', {}, ['multihop 2']],
    ['it connects, with TCP-MD5 and GTSM', { passive: true, ...secured }, securedBird],
    ['we connect, with TCP-MD5 and GTSM', secured, ['passive', ...securedBird]],
  ] as [string, object, string[]][])('establishes and exchanges routes: %s', async (_name, settings, options) => {
    const port = await freePort();
    const control = await startBird(port, options);
    const us = await ours(port, settings);
    await until('established', () => us.session.state === 'Established', 20_000);
    expect(us.recorder.established[0]).toMatchObject({
      peerAs: 65001,
      peerRouterId: '10.0.0.2',
      holdTime: 30,
      families: 1,
      as4: true,
      routeRefresh: true,
      extendedMessage: false,
    });
    await until('its route', () =>
      us.recorder.updates.some((update) => Buffer.from(update).includes(Buffer.of(24, 192, 0, 2))),
    );
    await until('BIRD agrees', () => control('show', 'protocols', 'uplink').includes('Established'));
  });

  it('tells us its shutdown message, and comes back when enabled', async () => {
    const port = await freePort();
    const control = await startBird(port, ['multihop 2']);
    const us = await ours(port, { passive: true });
    await until('established', () => us.session.state === 'Established', 20_000);
    control('disable', 'uplink', '"back at noon"');
    await until('we hear it', () => us.recorder.downs.length === 1);
    expect(us.recorder.downs[0]).toMatchObject({ origin: 'received', code: 6, subcode: 2 });
    expect(us.recorder.downs[0].text).toContain('back at noon');
    control('enable', 'uplink');
    await until('established again', () => us.recorder.established.length === 2, 20_000);
  });

  it('hears our shutdown message', async () => {
    const port = await freePort();
    const control = await startBird(port, ['multihop 2']);
    const us = await ours(port, { passive: true });
    await until('established', () => us.session.state === 'Established', 20_000);
    await us.session.stop(2, 'until tomorrow');
    await until('BIRD says so', () => control('show', 'protocols', 'all', 'uplink').includes('until tomorrow'));
    expect(control('show', 'protocols', 'all', 'uplink')).toContain('Administrative shutdown');
  });
});
