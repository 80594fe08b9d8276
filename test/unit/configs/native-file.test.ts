// A replica's own native file is used as it is; zebra has a generated one all the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../../configs/generate/index.js';
import { parseConfig } from '../../../configs/load.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'btr-native-'));
  writeFileSync(path.join(directory, 'own.conf'), 'as it is\n');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function files(replica: string): string[][] {
  const { config, diagnostics } = parseConfig(
    `router: { as: 65000, router-id: 10.0.0.1 }
neighbors: [{ neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1 }]
replicas: [${replica}]
`,
    path.join(directory, 'router.yaml'),
  );
  expect(diagnostics).toBeUndefined();
  const paths = { dir: '/run/btr/a', controlSocket: '/run/btr/a/a.sock' };
  return generate(config!, config!.replicas[0]!, paths).map(({ name, contents }) => [name, contents]);
}

describe('config-file', () => {
  it('is the only file of a replica without zebra', () => {
    expect(files('{ name: a, kind: bird, config-file: own.conf }')).toEqual([['bird.conf', 'as it is\n']]);
    expect(files('{ name: a, kind: frr, fib: none, config-file: own.conf }')).toEqual([['frr.conf', 'as it is\n']]);
  });

  it('stands beside the file of zebra', () => {
    const [main, zebra] = files('{ name: a, kind: frr, config-file: own.conf }');
    expect(main).toEqual(['frr.conf', 'as it is\n']);
    expect(zebra![0]).toBe('zebra.conf');
    expect(zebra![1]).toContain('nht resolve-via-default');
  });
});
