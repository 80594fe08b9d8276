// A session that is over leaves nothing behind: no timer holds on to its buffers. Replicas that restart again and again make many of them.
import net from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { openReplicaSession } from '../../../hypervisor/replica-sessions/replica-session.js';

afterEach(() => vi.useRealTimers());

test('no timer is left of a session whose connection is gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const socket = new net.Socket();
  const failed = vi.fn();
  openReplicaSession({
    socket,
    as: 65001,
    routerId: '10.0.1.2',
    replicaAs: 65000,
    families: 1,
    as4: true,
    routeRefresh: true,
    extendedMessage: false,
    holdTime: 0,
    callbacks: {
      onEstablished: vi.fn(),
      onDown: vi.fn(),
      onAttemptFailed: failed,
      onUpdate: vi.fn(),
      onRouteRefresh: vi.fn(),
      onWritable: vi.fn(),
    },
  });
  expect(vi.getTimerCount()).toBeGreaterThan(0);
  socket.destroy();
  await vi.waitFor(() => expect(failed).toHaveBeenCalled());
  // What closing itself waits for may take two seconds.
  vi.advanceTimersByTime(3000);
  expect(vi.getTimerCount()).toBe(0);
});
