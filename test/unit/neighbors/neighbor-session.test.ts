// Neighbour sessions over real sockets on loopback: establishing each way, hostile peers, back-pressure, MD5 and GTSM.
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { encodeMessage, KEEPALIVE, MessageType } from '../../../wire/bgp/message.js';
import { encodeRouteRefresh } from '../../../wire/bgp/route-refresh.js';
import { close as closeFd } from '../../../preload/native.js';
import { setMd5Key, tcpSocket } from '../../../hypervisor/neighbors/tcp-native.js';
import { freePort, RawPeer, Recorder, side, until } from '../../support/neighbor-sides.js';
import type { Side } from '../../support/neighbor-sides.js';
import { openReplicaSession } from '../../../hypervisor/replica-sessions/replica-session.js';

const OUR_AS = 65000;
const PEER_AS = 4_200_000_001;
const OURS = '127.0.2.1';
const THEIRS = '127.0.2.2';
const SLOW = 20_000;
const SECRET = 'correct horse';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(...parameters: Parameters<typeof side>): Promise<Side> {
  const made = await side(...parameters);
  cleanups.push(() => made.close());
  made.session.start();
  return made;
}

/** Our router waits passively; resolves with it and the port it listens on. */
async function passive(settings: Partial<Parameters<typeof side>[2]> = {}): Promise<{ us: Side; port: number }> {
  const base = { address: THEIRS, localAddress: OURS, peerAs: PEER_AS, passive: true };
  const us = await started(OUR_AS, '10.0.0.1', { ...base, ...settings }, 0);
  return { us, port: us.listener.ports[0] };
}

async function rawPeer(port: number): Promise<RawPeer> {
  const peer = await RawPeer.connect(OURS, port, THEIRS);
  cleanups.push(() => peer.socket.destroy());
  return peer;
}

async function establishedRaw(port: number, us: Side): Promise<RawPeer> {
  const peer = await rawPeer(port);
  peer.open(PEER_AS, '10.0.0.2');
  peer.send(KEEPALIVE);
  await until('established', () => us.recorder.established.length === 1);
  return peer;
}

async function pair(passives: [boolean, boolean], extra: [object, object] = [{}, {}]): Promise<[Side, Side]> {
  const port = await freePort();
  const common = { remotePort: port, holdTime: 30 };
  const a = { ...common, address: THEIRS, localAddress: OURS, peerAs: PEER_AS, passive: passives[0], ...extra[0] };
  const b = { ...common, address: OURS, localAddress: THEIRS, peerAs: OUR_AS, passive: passives[1], ...extra[1] };
  const us = await started(OUR_AS, '10.0.0.1', a, port);
  const them = await started(PEER_AS, '10.0.0.2', b, port);
  return [us, them];
}

const bothUp = (sides: Side[]): boolean => sides.every(({ session }) => session.state === 'Established');

test.each([
  ['we accept', [true, false]],
  ['we connect', [false, true]],
  ['both connect at once', [false, false]],
] as [string, [boolean, boolean]][])('establishes when %s', async (_name, passives) => {
  const sides = await pair(passives);
  await until('both established', () => bothUp(sides));
  expect(sides[0].recorder.established[0]).toMatchObject({
    peerAs: PEER_AS,
    peerRouterId: '10.0.0.2',
    holdTime: 30,
    families: 3,
    as4: true,
    routeRefresh: true,
    extendedMessage: true,
  });
  const update = encodeMessage(MessageType.UPDATE, new Uint8Array(9000));
  sides[0].session.write(update);
  await until('the extended UPDATE arrives', () => sides[1].recorder.updates.length === 1);
  expect(sides[1].recorder.updates[0]).toEqual(update);
  expect(sides[0].session.info().sent.update).toBe(1);
  expect(sides[0].recorder.downs.concat(sides[1].recorder.downs)).toEqual([]);
});

test('stop tells the neighbour why, with the text', async () => {
  const [us, them] = await pair([true, false]);
  await until('both established', () => bothUp([us, them]));
  await us.session.stop(2, 'back at noon');
  await until('the other side hears it', () => them.recorder.downs.length === 1);
  expect(them.recorder.downs[0]).toMatchObject({ origin: 'received', code: 6, subcode: 2 });
  expect(them.recorder.downs[0].text).toContain('back at noon');
});

test.each([
  ['garbage', '1/1', (peer: RawPeer) => peer.send(new Uint8Array(64).fill(0x47))],
  ['a wrong AS', '2/2', (peer: RawPeer) => peer.open(65099, '10.0.0.2')],
  ['our own identifier from our own AS', '2/2', (peer: RawPeer) => peer.open(OUR_AS, '10.0.0.1')],
  ['hold time 1', '2/6', (peer: RawPeer) => peer.open(PEER_AS, '10.0.0.2', { holdTime: 1 })],
  ['version 3', '2/1', (peer: RawPeer) => peer.open(PEER_AS, '10.0.0.2', { version: 3 })],
  ['a KEEPALIVE in place of an OPEN', '5/1', (peer: RawPeer) => peer.send(KEEPALIVE)],
  [
    'no family in common',
    '2/7',
    (peer: RawPeer) =>
      peer.open(PEER_AS, '10.0.0.2', {
        capabilities: [
          { code: 65, value: Uint8Array.of(0xfa, 0x56, 0xea, 0x01) },
          { code: 1, value: Uint8Array.of(0, 25, 0, 65) },
        ],
      }),
  ],
] as [string, string, (peer: RawPeer) => void][])('answers %s with %s', async (_name, code, act) => {
  const { us, port } = await passive();
  const peer = await rawPeer(port);
  act(peer);
  await until('the NOTIFICATION and the end', () => peer.ended);
  expect(peer.notification).toBe(code);
  expect(us.recorder.failures).toHaveLength(1);
  expect(us.recorder.established).toHaveLength(0);
  expect(us.session.info().lastError).toContain('sent ');
});

test.each([
  ['a second OPEN', '5/3', (peer: RawPeer) => peer.open(PEER_AS, '10.0.0.2')],
  ['a broken marker', '1/1', (peer: RawPeer) => peer.send(encodeMessage(2, new Uint8Array(4)).fill(0, 3, 4))],
  [
    'an oversized message',
    '1/2',
    (peer: RawPeer) => peer.send(Uint8Array.of(...new Uint8Array(16).fill(255), 0x10, 0x01, 2)),
  ],
] as [string, string, (peer: RawPeer) => void][])('drops the session for %s with %s', async (_name, code, act) => {
  const { us, port } = await passive();
  const peer = await rawPeer(port);
  // Without the extended message capability 4096 bytes are the limit.
  const capabilities = [{ code: 65, value: Uint8Array.of(0xfa, 0x56, 0xea, 0x01) }];
  peer.open(PEER_AS, '10.0.0.2', { capabilities });
  peer.send(KEEPALIVE);
  await until('established', () => us.recorder.established.length === 1);
  act(peer);
  await until('the NOTIFICATION and the end', () => peer.ended);
  expect(peer.notification).toBe(code);
  expect(us.recorder.downs).toHaveLength(1);
});

test('a peer that never sends an OPEN makes way for its own next connection', async () => {
  const { us, port } = await passive();
  const mute = await rawPeer(port);
  await until('our OPEN', () => mute.messages.length === 1);
  await establishedRaw(port, us);
  await until('the mute connection is closed', () => mute.ended);
  expect(mute.notification).toBe('6/7');
});

test('a stranger is turned away and logged, and disturbs nobody', async () => {
  const { us, port } = await passive();
  await establishedRaw(port, us);
  const stranger = await RawPeer.connect(OURS, port, '127.0.2.9');
  await until('the stranger is cut off', () => stranger.ended);
  expect(us.warnings).toEqual([`connection from 127.0.2.9 to ${OURS} refused: no such neighbour`]);
  expect(us.session.state).toBe('Established');
});

test('a second connection of an established peer is refused as a collision', async () => {
  const { us, port } = await passive();
  await establishedRaw(port, us);
  const second = await rawPeer(port);
  await until('it is refused', () => second.ended);
  expect(second.notification).toBe('6/7');
  expect(us.session.state).toBe('Established');
});

test('a peer that goes away may come back at once', async () => {
  const { us, port } = await passive();
  const first = await establishedRaw(port, us);
  first.socket.destroy();
  await until('the loss is seen', () => us.recorder.downs.length === 1);
  const second = await rawPeer(port);
  second.open(PEER_AS, '10.0.0.2');
  second.send(KEEPALIVE);
  await until('established again', () => us.recorder.established.length === 2);
  expect(us.recorder.downs[0].origin).toBe('transport');
});

test('ROUTE-REFRESH is told with its family', async () => {
  const { us, port } = await passive();
  const peer = await establishedRaw(port, us);
  peer.send(encodeRouteRefresh(1));
  await until('the refresh', () => us.recorder.refreshes.length === 1);
  expect(us.recorder.refreshes).toEqual([1]);
});

test('resetWith sends the NOTIFICATION and drops the session', async () => {
  const { us, port } = await passive();
  const peer = await establishedRaw(port, us);
  us.session.resetWith({ code: 3, subcode: 1, data: Uint8Array.of(14), reason: 'two MP_REACH_NLRI' });
  await until('the end', () => peer.ended);
  expect(peer.notification).toBe('3/1');
  expect(us.recorder.downs[0].text).toContain('two MP_REACH_NLRI');
});

test(
  'output to a peer that does not read is bounded, and nothing of it is lost once it reads',
  async () => {
    const { us, port } = await passive({ holdTime: 3, keepaliveInterval: 1 });
    const peer = await establishedRaw(port, us);
    peer.socket.pause();
    const chunk = encodeMessage(MessageType.UPDATE, new Uint8Array(4000));
    let written = 0;
    while (us.session.writable && written < 50_000) {
      us.session.write(chunk);
      written++;
    }
    expect(us.session.writable).toBe(false);
    expect(us.session.queuedBytes).toBeLessThanOrEqual(256 * 1024 + chunk.length);
    const before = us.recorder.writables;
    // Our keepalives are due every second; those that wait take the queue over at most once.
    await until('a keepalive is due', () => us.session.info().sent.keepalive >= 2);
    // The peer is slow, not dead: it still sends.
    peer.send(KEEPALIVE);
    peer.socket.resume();
    await until('all of it arrives', () => peer.messages.filter(({ type }) => type === 2).length === written);
    await until('we are asked for more', () => us.recorder.writables > before);
    expect(us.session.state).toBe('Established');
    expect(us.session.queuedBytes).toBe(0);
  },
  SLOW,
);

test(
  'a keepalive overtakes bulk that the kernel has not taken',
  async () => {
    const { us, port } = await passive({ holdTime: 3, keepaliveInterval: 1 });
    const peer = await establishedRaw(port, us);
    peer.socket.pause();
    const chunk = encodeMessage(MessageType.UPDATE, new Uint8Array(4000));
    while (us.session.writable) us.session.write(chunk);
    const due = us.session.info().sent.keepalive + 1;
    const keepPeerAlive = setInterval(() => peer.send(KEEPALIVE), 500);
    cleanups.push(() => clearInterval(keepPeerAlive));
    await until('a keepalive is due', () => us.session.info().sent.keepalive >= due);
    const bulk = us.session.info().sent.update;
    peer.socket.resume();
    await until('all bulk arrives', () => peer.messages.filter(({ type }) => type === 2).length === bulk);
    const types = peer.messages.map(({ type }) => type);
    expect(types.lastIndexOf(2)).toBeGreaterThan(types.indexOf(4, types.indexOf(2)));
    expect(types.indexOf(4, types.indexOf(2))).toBeGreaterThan(0);
  },
  SLOW,
);

test(
  'while reading is paused the hold timer stands still',
  async () => {
    const { us, port } = await passive({ holdTime: 3, keepaliveInterval: 1 });
    const peer = await establishedRaw(port, us);
    us.session.pauseReading();
    // Four of our keepalives are more than the hold time.
    const enough = us.session.info().sent.keepalive + 4;
    await until('the hold time has passed', () => us.session.info().sent.keepalive >= enough);
    expect(us.session.state).toBe('Established');
    us.session.resumeReading();
    await until('a silent peer is found dead', () => peer.ended);
    expect(peer.notification).toBe('4/0');
  },
  SLOW,
);

test(
  'a stall of this process longer than the hold time does not kill a live peer',
  async () => {
    const { us, port } = await passive({ holdTime: 3, keepaliveInterval: 1 });
    const peer = await establishedRaw(port, us);
    peer.send(KEEPALIVE);
    const end = performance.now() + 3200;
    await new Promise((resolve) => setImmediate(resolve));
    while (performance.now() < end);
    const received = us.session.info().received.keepalive;
    peer.send(KEEPALIVE);
    await until('the next keepalive is read', () => us.session.info().received.keepalive > received);
    expect(us.recorder.downs).toEqual([]);
  },
  SLOW,
);

test('towards a replica: nothing is said before its OPEN, and hold time may be 0', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  cleanups.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const recorder = new Recorder();
  const session = openReplicaSession({
    socket,
    as: PEER_AS,
    routerId: '10.0.0.2',
    replicaAs: OUR_AS,
    families: 3,
    as4: true,
    routeRefresh: true,
    extendedMessage: false,
    holdTime: 0,
    callbacks: recorder,
  });
  cleanups.push(() => session.stop(2));
  const replica = new RawPeer(await accepted);
  await until('connected', () => !socket.connecting);
  await new Promise((resolve) => setImmediate(resolve));
  expect(replica.messages).toEqual([]);
  replica.open(OUR_AS, '10.0.0.1', { holdTime: 180 });
  await until('OPEN and KEEPALIVE', () => replica.messages.length === 2);
  expect(replica.messages.map(({ type }) => type)).toEqual([1, 4]);
  replica.send(KEEPALIVE);
  await until('established', () => recorder.established.length === 1);
  expect(recorder.established[0]).toMatchObject({ holdTime: 0, keepalive: 0, families: 3, extendedMessage: false });
  replica.socket.destroy();
  await until('the end', () => recorder.downs.length === 1);
  expect(session.state).toBe('Idle');
});

function md5Works(): boolean {
  const fd = tcpSocket('127.0.0.1');
  try {
    setMd5Key(fd, '127.0.0.2', SECRET);
    return true;
  } catch {
    return false;
  } finally {
    closeFd(fd);
  }
}

test(
  'TCP-MD5: the right password lets a session up, another one nothing',
  async ({ skip }) => {
    if (!md5Works()) skip('this kernel has no TCP-MD5 (CONFIG_TCP_MD5SIG)');
    const good = await pair([true, false], [{ authPassword: SECRET }, { authPassword: SECRET }]);
    await until('both established', () => bothUp(good));
    for (const one of good) await one.close();
    const bad = await pair([true, false], [{ authPassword: SECRET }, { authPassword: 'wrong', connectRetry: 1 }]);
    await until('the attempts fail', () => bad[1].recorder.failures.length >= 1);
    expect(bad[0].recorder.established).toEqual([]);
    const unsigned = await pair([true, false], [{ authPassword: SECRET }, { connectRetry: 1 }]);
    await until('the attempts fail', () => unsigned[1].recorder.failures.length >= 1);
    expect(unsigned[0].session.state).toBe('Active');
  },
  SLOW,
);

test(
  'GTSM: both sides with ttl-security establish; segments of a lower TTL are dropped',
  async () => {
    const near = await pair([true, false], [{ ttlSecurityHops: 1 }, { ttlSecurityHops: 1 }]);
    await until('both established', () => bothUp(near));
    for (const one of near) await one.close();
    // The far side sends with the usual TTL of 64: after the handshake nothing it says gets through.
    const far = await pair([true, false], [{ ttlSecurityHops: 1 }, {}]);
    await until('the connection is there', () => far[0].session.state === 'OpenSent');
    await until('our OPEN has arrived', () => far[1].session.info().received.open === 1);
    expect(far[0].session.info().received.open).toBe(0);
    expect(far[1].session.state).toBe('OpenConfirm');
  },
  SLOW,
);

test('over IPv6, each way', async () => {
  const port = await freePort();
  const common = { remotePort: port, address: '::1', localAddress: '::1', holdTime: 30 };
  const us = await started(OUR_AS, '10.0.0.1', { ...common, peerAs: PEER_AS, passive: true }, port);
  const peer = net.connect({ host: '::1', port, localAddress: '::1' });
  const raw = new RawPeer(peer);
  cleanups.push(() => peer.destroy());
  raw.open(PEER_AS, '10.0.0.2');
  raw.send(KEEPALIVE);
  await until('established', () => us.session.state === 'Established');
  const server = net.createServer().listen(0, '::1');
  cleanups.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const { port: remotePort } = server.address() as net.AddressInfo;
  const active = await started(OUR_AS, '10.0.0.1', { ...common, remotePort, peerAs: PEER_AS }, 0);
  const other = new RawPeer(await accepted);
  other.open(PEER_AS, '10.0.0.2');
  other.send(KEEPALIVE);
  await until('established', () => active.session.state === 'Established');
});

test('a listening address in use is named in the error', async () => {
  const { port } = await passive();
  const settings = { address: '127.0.2.7', localAddress: OURS, peerAs: PEER_AS, passive: true };
  await expect(side(OUR_AS, '10.0.0.1', settings, port)).rejects.toThrow(
    `cannot listen on ${OURS} port ${port}: EADDRINUSE`,
  );
});
