// Driver for BIRD 2: one process, one thread, needs nothing faked but a shorter sleep (see poll-cap.c). BIRD 1.6 runs with
// it too, from its own binary and with a configuration file in its own syntax; its `bird` knows IPv4 only.
import path from 'node:path';
import type { Driver } from './driver.js';

export const bird: Driver = {
  kind: 'bird',
  executables: ['/usr/sbin/bird', '/usr/local/sbin/bird'],
  debianPackage: 'bird2',
  users: ['bird'],
  configName: 'bird.conf',
  readsAhead: false,
  versionArgs: ['--version'],
  parseVersion: (text) => /^BIRD version (\S+)/m.exec(text)?.[1],
  // Extended messages exist but are off unless configured, and the generated configuration leaves them off.
  capabilities: (version) => ({
    families: version.startsWith('1.') ? 1 : 3,
    routeRefresh: true,
    extendedMessage: false,
    as4: true,
  }),
  commands: ({ executable, paths, configFile }) => [
    {
      name: 'bird',
      file: executable,
      args: ['-f', '-c', configFile, '-s', paths.controlSocket, '-P', path.join(paths.dir, 'bird.pid')],
      environment: { BTR_POLL_CAP_MS: '20' },
      libraries: ['shim', 'poll-cap'],
    },
  ],
  leftovers: ({ dir, controlSocket }) => [controlSocket, path.join(dir, 'bird.pid')],
};
