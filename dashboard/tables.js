// The tables of replicas and neighbours, and the numbers of now. Owns their rows.
import { badge, h, render } from './dom.js';
import { bytes, clock, count, duration, many, milliseconds, percent, short } from './format.js';
import { stateOf } from './verdict.js';

function table(columns, rows) {
  return h(
    'table',
    { class: 'wide' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        columns.map(([name, kind]) => h('th', { scope: 'col', class: kind }, name)),
      ),
    ),
    h(
      'tbody',
      {},
      rows.map(({ key, cells }) =>
        h(
          'tr',
          { 'data-key': key },
          cells.map((cell, i) => (i === 0 ? h('th', { scope: 'row' }, cell) : h('td', { class: columns[i][1] }, cell))),
        ),
      ),
    ),
  );
}

export function renderReplicas(container, status, now) {
  const columns = [
    ['Replica'],
    ['Daemon'],
    ['State'],
    ['Since'],
    ['Sessions', 'number'],
    ['Votes', 'number'],
    ['Dissents', 'number'],
    ['Findings', 'number'],
    ['Lag', 'number'],
    ['CPU', 'number'],
    ['Memory', 'number'],
    ['Restarts', 'number'],
    ['Last error'],
  ];
  const rows = status.replicas.map((replica) => {
    const {
      name,
      kind,
      version,
      since,
      sessionsUp,
      sessions,
      votes,
      dissents,
      faults,
      lagMs,
      health,
      restarts,
      lastError,
      standby,
    } = replica;
    const [level, words] = stateOf(replica);
    const cells = [
      name,
      `${kind} ${version}`,
      badge(level, standby === 'no' ? words : `${words} (${standby} standby)`),
      clock(since, now),
      `${sessionsUp}/${sessions}`,
      count(votes),
      count(dissents),
      count(faults.open),
      milliseconds(lagMs),
      health === null ? '–' : `${Math.round(100 * health.cpu)} %`,
      health === null ? '–' : bytes(health.memory),
      count(restarts),
      h('span', { class: 'error-text' }, lastError ?? ''),
    ];
    return { key: name, cells };
  });
  render(container, table(columns, rows));
}

export function renderNeighbors(container, status) {
  const columns = [
    ['Neighbour'],
    ['AS', 'number'],
    ['State'],
    ['Up', 'number'],
    ['Prefixes in', 'number'],
    ['Prefixes out', 'number'],
    ['Messages in', 'number'],
    ['Messages out', 'number'],
    ['Flaps', 'number'],
    ['Last error'],
  ];
  const rows = status.neighbors.map((n) => {
    const up = n.state === 'Established';
    const cells = [
      n.address,
      String(n.as),
      badge(up ? 'good' : 'warn', n.paused ? `${n.state} (paced)` : n.state),
      up ? duration(n.uptime) : '–',
      count(n.prefixesIn),
      count(n.prefixesOut),
      count(n.messagesIn),
      count(n.messagesOut),
      count(n.flaps),
      h('span', { class: 'error-text' }, n.lastError ?? ''),
    ];
    return { key: n.address, cells };
  });
  render(
    container,
    rows.length === 0 ? h('p', { class: 'empty' }, 'No neighbours are configured.') : table(columns, rows),
  );
}

/** `sample`: the last point of the history; undefined at first. */
export function renderNumbers(container, status, sample) {
  const { ballots, electorate, replicas, tolerates, fib, memory, quorum, tables } = status;
  const seats = replicas.filter(({ standby }) => standby === 'no').length;
  const numbers = [
    ['Agreement', percent(ballots.unanimous, ballots.total), `of ${many(ballots.total, 'ballot')}`],
    [
      'Contested',
      count(ballots.contested),
      ballots.withoutMajority > 0 ? `${count(ballots.withoutMajority)} without majority` : 'all with a majority',
    ],
    ['Electorate', `${electorate.length} of ${seats}`, `quorum ${quorum}`],
    ['Faults tolerated', String(tolerates), tolerates === 0 ? 'nobody may fail now' : 'k of 2k + 1'],
    ['Votes per second', short(sample?.votes), `${short(sample?.decisions)} decided`],
    [
      'Input to verdict',
      milliseconds(sample?.latencyP50),
      (sample?.latencyP99 ?? null) === null ? 'nothing decided just now' : `99 %: ${milliseconds(sample.latencyP99)}`,
    ],
    fib
      ? [
          'Installed',
          count(fib.installed),
          fib.failing > 0 ? `${count(fib.failing)} refused` : `of ${many(fib.routes, 'route')}`,
        ]
      : ['Prefixes', count(tables.prefixes), 'in the tables'],
    ['Memory', bytes(memory), 'hypervisor, resident'],
  ];
  render(
    container,
    numbers.map(([name, value, note]) =>
      h('div', {}, h('dt', {}, name), h('dd', {}, value), h('dd', { class: 'muted' }, note)),
    ),
  );
}
