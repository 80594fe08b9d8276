// The section http: of the configuration file: off unless asked for, loopback unless allowed, and never open by accident.
import { expect, test } from 'vitest';
import { parseConfig } from '../../../configs/load.js';

const BASE = `router: { as: 65000, router-id: 10.0.0.1 }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1 }
replicas: [{ name: a, kind: frr }]
`;
const TOKEN = 'token: 0123456789abcdef';

function http(section: string | undefined) {
  const { config, diagnostics } = parseConfig(
    section === undefined ? BASE : `${BASE}http: ${section}\n`,
    'router.yaml',
  );
  return { config: config?.http, mistakes: (diagnostics ?? []).map(({ key, message }) => `${key}: ${message}`) };
}

test('off without the section', () => {
  expect(http(undefined)).toMatchObject({ config: { enabled: false }, mistakes: [] });
});

test('with a token it is on, on loopback, and nothing is open', () => {
  expect(http(`{ ${TOKEN} }`)).toEqual({
    config: {
      ...{ enabled: true, address: '127.0.0.1', port: 9179, token: '0123456789abcdef', open: false },
      ...{ hosts: [], lookingGlass: false },
    },
    mistakes: [],
  });
});

test.each([
  ['{}', 'expected a token, or open: true'],
  ['{ enabled: true }', 'expected a token, or open: true'],
  ['{ looking-glass: true }', 'expected a token, or open: true'],
  ['{ token: short }', 'a token of 16 to 128 characters'],
  ['{ token: "0123456789 abcdef" }', 'a token of 16 to 128 characters'],
  ['{ token: "0123456789abcdef\\n" }', 'a token of 16 to 128 characters'],
  [`{ ${TOKEN}, address: 0.0.0.0 }`, 'expected a loopback address'],
  [`{ ${TOKEN}, address: "::" }`, 'expected a loopback address'],
  [`{ ${TOKEN}, address: 192.0.2.1 }`, 'expected a loopback address'],
  [`{ ${TOKEN}, address: "::ffff:127.0.0.1" }`, 'expected a loopback address'],
  [`{ ${TOKEN}, port: 0 }`, 'a TCP port'],
  [`{ ${TOKEN}, hosts: [router.example:443] }`, 'a host name without a port'],
  [`{ ${TOKEN}, hosts: ["*.example"] }`, 'a host name without a port'],
  [`{ ${TOKEN}, tokens: 1 }`, 'tokens'],
])('%s is a mistake: %s', (section, message) => {
  const { mistakes } = http(section);
  expect(mistakes.join('\n')).toContain(message);
});

test.each([
  [`{ ${TOKEN}, address: 192.0.2.1, allow-remote: true }`, { address: '192.0.2.1' }],
  [`{ ${TOKEN}, address: "::1" }`, { address: '::1' }],
  [`{ ${TOKEN}, address: 127.0.0.9 }`, { address: '127.0.0.9' }],
  ['{ open: true }', { open: true, enabled: true }],
  ['{ enabled: false }', { enabled: false }],
  [`{ ${TOKEN}, hosts: [Router.Example] }`, { hosts: ['router.example'] }],
])('%s is right', (section, wanted) => {
  const { config, mistakes } = http(section);
  expect(mistakes).toEqual([]);
  expect(config).toMatchObject(wanted);
});
