// `btr check` with the real daemons: every golden configuration passes their own syntax checks, and what they refuse or
// what is missing is said. Starts no daemon and needs no root.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import yargs from 'yargs';
import { checkSyntax } from '../../cli/check/syntax.js';
import { checkCommand } from '../../cli/commands/check.js';
import { loadConfig } from '../../configs/load.js';
import { findExecutable } from '../../hypervisor/replicas/driver.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';

const GOLDEN = path.join(import.meta.dirname, '../golden/configs');

const missing = Object.values(DRIVERS).filter((driver) => {
  try {
    return findExecutable(driver, driver.kind) === '';
  } catch {
    return true;
  }
});
if (missing.length > 0) {
  console.warn(
    `daemons not installed, their syntax checks are skipped: ${missing.map((d) => d.debianPackage).join(', ')}`,
  );
}

describe.skipIf(missing.length > 0)('the daemons accept what is generated', () => {
  it.each(readdirSync(GOLDEN))('%s', async (name) => {
    const { config } = loadConfig(path.join(GOLDEN, name, 'router.yaml'));
    const results = await checkSyntax(config!);
    expect(results.map((r) => [r.kind, r.outcome, r.messages])).toEqual([
      ['frr', 'ok', []],
      ['bird', 'ok', []],
      ['openbgpd', 'ok', []],
    ]);
  });
});

describe('btr check', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'btr-check-test-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  afterEach(() => {
    process.exitCode = undefined;
    vi.restoreAllMocks();
  });

  /** Runs the verb with a file in which a line of the minimal configuration is exchanged. */
  async function check(replace: [string, string], ...args: string[]) {
    const file = path.join(dir, 'router.yaml');
    const text = readFileSync(path.join(GOLDEN, 'minimal/router.yaml'), 'utf8');
    expect(text).toContain(replace[0]);
    writeFileSync(file, text.replace(...replace));
    let output = '';
    const collect = (chunk: unknown): boolean => ((output += String(chunk)), true);
    vi.spyOn(process.stdout, 'write').mockImplementation(collect);
    vi.spyOn(process.stderr, 'write').mockImplementation(collect);
    const parser = yargs(['check', file, ...args])
      .command(checkCommand)
      .strict()
      .exitProcess(false)
      .fail(false);
    await parser.parseAsync();
    vi.restoreAllMocks();
    return { output, status: process.exitCode ?? 0 };
  }

  it('prints the native file of a replica and of a kind', async () => {
    const byKind = await check(['name: bird', 'name: second'], '--print', 'bird');
    const byName = await check(['name: bird', 'name: second'], '--print', 'second');
    expect(byKind).toEqual(byName);
    expect(byKind.output).toContain('protocol bgp neighbor_1');
    expect(byKind.status).toBe(0);
  });

  it('names the replicas when --print asks for another', async () => {
    await expect(check(['65001', '65001'], '--print', 'quagga')).rejects.toThrow(/frr \(frr\), bird \(bird\)/);
  });

  it('reports mistakes with file, line and column, and ends with 1', async () => {
    const { output, status } = await check(['peer-as: 65002', 'peer-ass: 65002']);
    expect(output).toMatch(
      /router\.yaml:4:\d+: neighbors\[1\]\.peer-ass: unknown key "peer-ass" \(did you mean "peer-as"\?\)/,
    );
    expect(output).toMatch(/neighbors\[1\]\.peer-as: is missing/);
    expect(status).toBe(1);
  });

  it('gives the same as JSON', async () => {
    const { output, status } = await check(['peer-as: 65002', 'peer-as: 0'], '--json');
    const result = JSON.parse(output) as { ok: boolean; diagnostics: { line: number; key: string }[] };
    expect(result).toMatchObject({ ok: false, diagnostics: [{ line: 4, key: 'neighbors[1].peer-as' }] });
    expect(status).toBe(1);
  });

  it('says which package a missing daemon comes from, or that the given one is not there', async () => {
    const { output, status } = await check(['kind: frr', 'kind: frr, binary: /nowhere/bgpd']);
    expect(output).toContain('/nowhere/bgpd is not there');
    expect(status).toBe(1);
  });

  it.skipIf(missing.length > 0).each(['frr', 'bird', 'openbgpd'])(
    'passes on what %s says of a native file',
    async (kind) => {
      writeFileSync(path.join(dir, 'native.conf'), 'router nonsense\n', { mode: 0o600 });
      const { output, status } = await check([`kind: ${kind}`, `kind: ${kind}, config-file: native.conf`]);
      expect(output).toMatch(new RegExp(`\\(${kind}\\): refused\n  \\S`));
      expect(status).toBe(1);
    },
  );
});
