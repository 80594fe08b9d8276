// dashboards/grafana.json: every metric and label that it asks for exists (docs/metrics.md, which is held to the code elsewhere).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentedMetrics } from '../../support/metrics-page.js';

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string }[];
}

interface Dashboard {
  panels: Panel[];
  annotations: { list: { expr: string; titleFormat: string }[] };
  templating: { list: { type: string; query: string | { query: string } }[] };
}

const FILE = path.resolve(import.meta.dirname, '../../../dashboards/grafana.json');
const text = readFileSync(FILE, 'utf8');
const dashboard = JSON.parse(text) as Dashboard;
const metrics = new Map(documentedMetrics().map((one) => [one.name, one]));
/** What Prometheus adds. */
const TARGET_LABELS = ['job', 'instance'];

/** Metrics with the labels that select them: `name{label="…"}`, and bare names of ours. */
function used(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:btr|bgp|process)_[a-z_0-9]+)(?:\{([^}]*)\})?/g)].map(([, name, matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label),
  }));
}

/** The documented metric behind a series: of a histogram `_bucket` and so on. */
function metricOf(series: string) {
  const plain = metrics.get(series);
  if (plain !== undefined) return plain.type === 'histogram' ? undefined : plain;
  const base = metrics.get(series.replace(/_(bucket|sum|count)$/, ''));
  return base?.type === 'histogram' ? { ...base, labels: [...base.labels, 'le'] } : undefined;
}

const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr, legend: legendFormat })),
  ),
  ...dashboard.annotations.list.map(({ expr, titleFormat }) => ({ title: 'annotation', expr, legend: titleFormat })),
];

describe('the Grafana dashboard', () => {
  test.each(queries)('$title: $expr', ({ expr, legend }) => {
    const series = used(expr);
    expect(series).not.toEqual([]);
    for (const { name, labels } of series) {
      const metric = metricOf(name);
      expect(metric, name).toBeDefined();
      expect([...metric!.labels, ...TARGET_LABELS], name).toEqual(expect.arrayContaining(labels));
      // Another router's numbers are not to be mixed in.
      expect(labels, name).toEqual(expect.arrayContaining(TARGET_LABELS));
      const counts = metric!.type !== 'gauge';
      expect(/\b(rate|increase|changes)\(/.test(expr) || !counts || /quarantined/.test(name), expr).toBe(true);
    }
    const known = series.flatMap(({ name }) => metricOf(name)!.labels);
    const by = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list.split(',').map((one) => one.trim()));
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    expect(known).toEqual(expect.arrayContaining([...by, ...shown]));
    for (const label of by.length > 0 ? shown : []) expect(by).toContain(label);
  });

  test('asks for the router by its own metric', () => {
    const variables = dashboard.templating.list.filter(({ type }) => type === 'query');
    for (const { query } of variables) {
      for (const { name } of used((query as { query: string }).query)) expect(metrics.has(name), name).toBe(true);
    }
    expect(variables).toHaveLength(2);
  });

  test('has panels that do not lie upon each other', () => {
    const cells = new Set<string>();
    for (const { id, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, `panel ${id}`).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`), `panel ${id}`).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});
