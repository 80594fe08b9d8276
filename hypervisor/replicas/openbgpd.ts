// Driver for OpenBGPD: a parent and three children that believe that they were root once (fake-root.c) and look their
// own addresses up with getifaddrs() (ifaddrs.c).
import type { Driver } from './driver.js';

export const openbgpd: Driver = {
  kind: 'openbgpd',
  executables: ['/usr/sbin/bgpd', '/usr/local/sbin/bgpd'],
  debianPackage: 'openbgpd',
  users: ['_openbgpd', '_bgpd'],
  configName: 'openbgpd.conf',
  readsAhead: true,
  versionArgs: ['-V'],
  parseVersion: (text) => /^OpenBGPD (\d\S*)/m.exec(text)?.[1],
  capabilities: () => ({ families: 3, routeRefresh: true, extendedMessage: false, as4: true }),
  commands: ({ executable, configFile }) => [
    {
      name: 'bgpd',
      file: executable,
      args: ['-d', '-f', configFile],
      environment: {},
      libraries: ['shim', 'fake-root', 'ifaddrs'],
    },
  ],
  leftovers: ({ controlSocket }) => [controlSocket],
};
