// What is served and what docs/openapi.yaml describes are the same paths and methods, with the same demands on who asks.
import { expect, test } from 'vitest';
import { httpOpener } from '../../../hypervisor/http/index.js';
import type { HttpParts } from '../../../hypervisor/http/routes.js';
import { LookingGlass } from '../../../hypervisor/looking-glass/endpoints.js';
import { Histogram } from '../../../hypervisor/metrics/histogram.js';
import { fakeStatus } from '../../support/fake-router.js';
import { OpenApi } from '../../support/openapi.js';

const http = {
  ...{ enabled: true, address: '127.0.0.1', port: 9179, token: 'a-token-for-tests-only', open: false },
  ...{ hosts: [], lookingGlass: false },
};
const parts = {
  context: {
    config: { http },
    meters: { decisions: 0, latency: new Histogram([1]) },
    records: { replicas: [] },
    voteLog: { watch: () => () => undefined },
  },
  methods: { status: () => fakeStatus() },
  log: { warn: () => undefined },
  neighbors: [],
  replicas: [],
} as unknown as HttpParts;

const api = new OpenApi();
const { served } = httpOpener(parts)()!;
/** Names of what varies do not matter. */
const bare = (path: string): string => path.replace(/\{\w+\}|:\w+/g, '{}');

const operations = served.flatMap(({ method, path, access }) => {
  const below =
    path === '/looking-glass/*'
      ? new LookingGlass(parts).patterns.map((pattern) => `/looking-glass/{}/${pattern}`)
      : [];
  const paths = below.length > 0 ? below : [path.replace('*', '{}')];
  return paths.map((one) => ({ name: `${method} ${bare(one)}`, access }));
});

test('every path that is served is described, and every described one is served', () => {
  expect(operations.map(({ name }) => name).sort()).toEqual(api.operations.map(bare).sort());
});

test('the description says who may ask', () => {
  const { paths } = api.document as unknown as { paths: Record<string, Record<string, { security?: object[] }>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => {
      const demands = (security ?? [{ token: [] }]).map((one) => Object.keys(one)[0] ?? 'nobody');
      const access = !demands.includes('nobody') ? 'token' : demands.length === 1 ? 'public' : 'looking-glass';
      return [bare(`${method.toUpperCase()} ${path}`), access];
    }),
  );
  expect(Object.fromEntries(operations.map(({ name, access }) => [name, access]))).toEqual(
    Object.fromEntries(described),
  );
});

test('nothing that is served changes anything but a login', () => {
  const changing = operations.filter(({ name }) => !name.startsWith('GET '));
  expect(changing.map(({ name }) => name)).toEqual(['POST /login', 'POST /logout']);
});

test('switched off there is no server', () => {
  const off = { ...parts, context: { ...parts.context, config: { http: { ...http, enabled: false } } } };
  expect(httpOpener(off as unknown as HttpParts)()).toBeUndefined();
});
