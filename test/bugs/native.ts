// Native configurations for the corpus's profiles other than `plain`: what the router generates for a replica, with the few lines that the
// profile is about put in by hand, as an operator would who starts from `btr check --print`.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { generate } from '../../configs/generate/index.js';
import { loadConfig } from '../../configs/load.js';
import type { ReplicaKind } from '../../configs/model.js';
import type { Profile } from './corpus.js';

type Edit = (text: string) => string;
type NativeProfile = Exclude<Profile, 'plain'>;

const NEIGHBORS = ['10.0.1.2', '10.0.2.2'];

/** Replaces every occurrence of `what`; that there is none means that the generator has changed and this edit must, too. */
function replacing(what: RegExp, by: string): Edit {
  return (text) => {
    const edited = text.replace(what, by);
    if (edited === text) throw new Error(`nothing in the generated configuration matches ${what}`);
    return edited;
  };
}

const all =
  (...edits: Edit[]): Edit =>
  (text) =>
    edits.reduce((edited, edit) => edit(edited), text);

/** FRR: the last statement of a neighbour's import map, which accepts. */
const frrPrepend = all(
  ...['4', '6'].map((v) =>
    replacing(new RegExp(`^(route-map neighbor_1-import-ipv${v} permit 50)$`, 'gm'), '$1\n set as-path prepend 65001'),
  ),
);

const frrFlowspec = replacing(
  /^ address-family ipv6 unicast$/m,
  ['ipv4', 'ipv6']
    .map((family) =>
      [
        ` address-family ${family} flowspec`,
        ...NEIGHBORS.map((address) => `  neighbor ${address} activate`),
        ' exit-address-family',
        ' !',
      ].join('\n'),
    )
    .concat(' address-family ipv6 unicast')
    .join('\n'),
);

/** The neighbours of this profile have no IPv6 unicast, which FRR does not combine with labelled unicast. */
const frrLabelled = replacing(
  /^( address-family ipv4 unicast\n[^!]*? exit-address-family)$/m,
  [
    '$1',
    ' !',
    ' address-family ipv6 labeled-unicast',
    ...NEIGHBORS.map((address) => `  neighbor ${address} activate`),
    ' exit-address-family',
  ].join('\n'),
);

/** What each profile changes; a kind without an entry has no such feature and keeps the generated text, in a file of its own. */
const EDITS: Record<NativeProfile, Partial<Record<ReplicaKind, Edit>>> = {
  rm: {
    frr: frrPrepend,
    bird: replacing(/^( *if bgp_path\.first != 65001 then reject;)$/gm, '$1\n      bgp_path.prepend(65001);'),
    openbgpd: replacing(/^# import$/m, '# import\nmatch from AS 65001 set prepend-neighbor 1'),
  },
  mrai: { frr: replacing(/^( neighbor 10\.0\.\d\.2 advertisement-interval) 0$/gm, '$1 3') },
  flow: {
    frr: frrFlowspec,
    bird: all(
      replacing(/^(ipv4 table next_hops_ipv4;)$/m, '$1\nflow4 table rules_ipv4;\nflow6 table rules_ipv6;'),
      replacing(
        /^( {4}next hop address 2001:db8:\d::1;\n {2}};)$/gm,
        [
          '$1',
          '  flow4 { table rules_ipv4; import all; export all; };',
          '  flow6 { table rules_ipv6; import all; export all; };',
        ].join('\n'),
      ),
    ),
  },
  lu: { frr: frrLabelled },
  dyn: { frr: replacing(/^( neighbor (10\.0\.\d\.2) passive)$/gm, '$1\n neighbor $2 capability dynamic') },
};

/** Writes a native file for each replica of the configuration in `file` next to it; returns the path per replica name. */
export function writeNativeFiles(file: string, profile: NativeProfile): Map<string, string> {
  const { config, diagnostics } = loadConfig(file);
  if (config === undefined) throw new Error(JSON.stringify(diagnostics));
  return new Map(
    config.replicas.map((replica) => {
      const { name, kind } = replica;
      const dir = path.join(config.router.runDirectory, name);
      const [main] = generate(config, replica, { dir, controlSocket: path.join(dir, `${kind}.sock`) });
      const target = `${file}-${name}.conf`;
      writeFileSync(target, (EDITS[profile][kind] ?? ((text) => text))(main.contents));
      return [name, target];
    }),
  );
}
