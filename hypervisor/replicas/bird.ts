// Driver for BIRD 2: one process, one thread, needs nothing faked but a shorter sleep (see poll-cap.c).
import path from 'node:path';
import type { Driver } from './driver.js';

export const bird: Driver = {
  kind: 'bird',
  executables: ['/usr/sbin/bird', '/usr/local/sbin/bird'],
  debianPackage: 'bird2',
  users: ['bird'],
  configName: 'bird.conf',
  libraries: ['shim', 'poll-cap'],
  versionArgs: ['--version'],
  parseVersion: (text) => /^BIRD version (\S+)/m.exec(text)?.[1],
  // Extended messages exist but are off unless configured, and the generated configuration leaves them off.
  capabilities: () => ({ families: 3, routeRefresh: true, extendedMessage: false, as4: true }),
  command: ({ paths, configFile }) => ({
    args: ['-f', '-c', configFile, '-s', paths.controlSocket, '-P', path.join(paths.dir, 'bird.pid')],
    environment: { BTR_POLL_CAP_MS: '20' },
  }),
  leftovers: ({ dir, controlSocket }) => [controlSocket, path.join(dir, 'bird.pid')],
};
