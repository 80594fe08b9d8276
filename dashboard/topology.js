// The picture: neighbours on the left, the router with its voters in the middle, replicas on the right, the kernel's forwarding table below.
// Owns the layout, in real pixels of the width there is, so that its texts are as large on a phone as elsewhere.
import { h, mark, render, s } from './dom.js';
import { count, many, short } from './format.js';
import { stateOf } from './verdict.js';

/** Nodes in one column; those with trouble come first, the rest is a number. */
const MOST = 8;
const [NODE, GAP] = [44, 12];
const MIDDLE_HEIGHT = 132;
const FIB_HEIGHT = 48;

export function renderTopology(container, status) {
  const width = Math.max(280, container.clientWidth);
  const picture = plan(status, width);
  const { height } = picture;
  render(
    container,
    s(
      'svg',
      {
        class: 'picture',
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': inWords(status),
      },
      picture.links.map(link),
      picture.nodes.map(node),
      router(picture.router, status),
      status.fib && forwarding(picture, status.fib),
    ),
    legend(),
  );
}

function plan(status, width) {
  const narrow = width < 560;
  const side = narrow ? Math.floor(width * 0.35) : Math.min(190, Math.floor(width * 0.28));
  const middle = narrow ? Math.floor(width * 0.2) : Math.min(190, Math.floor(width * 0.24));
  const neighbors = pick(status.neighbors.map(neighborNode));
  const replicas = pick(status.replicas.map((replica) => replicaNode(replica, status)));
  const rows = Math.max(neighbors.length, replicas.length);
  const below = status.fib ? FIB_HEIGHT + 28 : 0;
  const body = Math.max(rows * (NODE + GAP) - GAP, MIDDLE_HEIGHT + below);
  const box = {
    x: (width - middle) / 2,
    y: Math.max(1, (body - MIDDLE_HEIGHT - below) / 2),
    width: middle,
    height: MIDDLE_HEIGHT,
    narrow,
  };
  const nodes = [];
  const links = [];
  const place = (column, x, joint) => {
    const top = (body - (column.length * (NODE + GAP) - GAP)) / 2;
    column.forEach((one, i) => {
      const y = top + i * (NODE + GAP) + 0.5;
      nodes.push({ ...one, x, y, width: side });
      const spread = box.height - 36;
      const port = box.y + 18 + (column.length === 1 ? spread / 2 : (i * spread) / (column.length - 1));
      links.push({ ...one, x1: joint.node, y1: y + NODE / 2, x2: joint.box, y2: port });
    });
  };
  place(neighbors, 1, { node: 1 + side, box: box.x });
  place(replicas, width - side - 1, { node: width - side - 1, box: box.x + box.width });
  return { nodes, links, router: box, height: body + 2, narrow };
}

/** Trouble first where not all have room. */
function pick(nodes) {
  if (nodes.length <= MOST) return nodes;
  const order = ['bad', 'warn', 'busy', 'off', 'good'];
  const sorted = [...nodes].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const rest = sorted.slice(MOST - 1);
  return [
    ...sorted.slice(0, MOST - 1),
    { level: rest[0].level, name: `${rest.length} more`, text: 'see the table', line: 'up', key: 'more' },
  ];
}

function neighborNode({ address, as, state, prefixesIn }) {
  const up = state === 'Established';
  return {
    key: `n ${address}`,
    name: address,
    text: up ? `AS ${as}` : state,
    more: up ? `${short(prefixesIn)} in` : `AS ${as}`,
    level: up ? 'good' : 'warn',
    line: up ? 'up' : 'down',
  };
}

function replicaNode(replica, { electorate }) {
  const { name, dissents, faults, abstains } = replica;
  const [level, words] = stateOf(replica);
  const votes = electorate.includes(name);
  const wrong = votes && (dissents > 0 || faults.open > 0);
  const text = wrong ? (dissents > 0 ? many(dissents, 'dissent') : many(faults.open, 'finding')) : words;
  return {
    key: `r ${name}`,
    name,
    text,
    more: abstains.quarantined > 0 ? `${count(abstains.quarantined)} withheld` : replica.version,
    level: wrong ? 'warn' : level,
    line: wrong ? 'wrong' : votes ? 'up' : level === 'busy' ? 'busy' : 'down',
  };
}

function link({ key, x1, y1, x2, y2, line }) {
  const bend = (x2 - x1) / 2;
  const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return s(
    'g',
    { class: `link ${line}`, 'data-key': `link ${key}` },
    s('path', { d }),
    line === 'wrong' && s('text', { x: mx, y: my + 5, class: 'link-mark' }, '≠'),
    line === 'down' && s('text', { x: mx, y: my + 5, class: 'link-mark' }, '×'),
  );
}

function node({ key, x, y, width, name, text, more, level }) {
  const room = Math.floor((width - 34) / 7.4);
  return s(
    'g',
    { class: `node ${level}`, 'data-key': key },
    s('title', {}, [name, text, more].filter(Boolean).join(', ')),
    s('rect', { x, y, width, height: NODE, rx: 8 }),
    s('g', { transform: `translate(${x + 11} ${y + 10})` }, mark(level)),
    s('text', { x: x + 28, y: y + 19, class: 'node-name' }, cut(name, room)),
    s(
      'text',
      { x: x + 28, y: y + 35, class: 'node-text' },
      cut(width > 165 && more ? `${text} · ${more}` : text, Math.floor((width - 34) / 6.1)),
    ),
  );
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, Math.max(1, length - 1))}…` : text);

function router({ x, y, width, height, narrow }, status) {
  const { electorate, replicas, strategy, master, ballots } = status;
  const seats = replicas.filter(({ standby }) => standby === 'no').length;
  const cx = x + width / 2;
  const places = Math.max(seats, electorate.length);
  const step = Math.min(16, (width - 20) / Math.max(1, places));
  const seat = (i) =>
    s('circle', {
      cx: cx + (i - (places - 1) / 2) * step,
      cy: y + 62,
      r: Math.min(5, step / 2.6),
      class: i < electorate.length ? 'seat taken' : 'seat',
    });
  return s(
    'g',
    { class: ballots.withoutMajority > 0 ? 'router bad' : ballots.contested > 0 ? 'router warn' : 'router' },
    s('rect', { x, y, width, height, rx: 10 }),
    s('text', { x: cx, y: y + 27, class: 'router-head' }, narrow ? 'Voters' : 'Update voters'),
    !narrow &&
      s('text', { x: cx, y: y + 44, class: 'router-text' }, master === null ? strategy : `master ${cut(master, 16)}`),
    Array.from({ length: Math.min(places, 16) }, (_, i) => seat(i)),
    s(
      'text',
      { x: cx, y: y + 88, class: 'router-head' },
      narrow ? `${electorate.length} / ${seats}` : `${electorate.length} of ${seats} vote`,
    ),
    s(
      'text',
      { x: cx, y: y + 108, class: ballots.contested > 0 ? 'router-text contested' : 'router-text' },
      ballots.contested > 0 ? `${short(ballots.contested)}${narrow ? ' ≠' : ' contested'}` : narrow ? '=' : 'unanimous',
    ),
  );
}

function forwarding({ router: box, narrow }, fib) {
  const y = box.y + box.height + 28;
  const cx = box.x + box.width / 2;
  const level = fib.failing > 0 ? 'bad' : fib.contested > 0 ? 'warn' : 'good';
  return s(
    'g',
    { class: `node fib ${level}`, 'data-key': 'fib' },
    s(
      'title',
      {},
      `Forwarding table: ${count(fib.installed)} of ${count(fib.routes)} routes installed, ${count(fib.pending)} pending, ${count(fib.failing)} refused, ${count(fib.contested)} contested`,
    ),
    s('path', { class: 'fib-link', d: `M${cx} ${box.y + box.height}v28` }),
    s('rect', { x: box.x, y, width: box.width, height: FIB_HEIGHT, rx: 8 }),
    s('text', { x: cx, y: y + 20, class: 'router-head' }, narrow ? 'FIB' : 'FIB voter'),
    s('text', { x: cx, y: y + 37, class: 'router-text' }, fibText(fib, narrow)),
  );
}

function fibText({ installed, routes, contested, failing }, narrow) {
  if (failing > 0) return narrow ? `${short(failing)} ×` : `${count(failing)} refused by the kernel`;
  if (contested > 0) return narrow ? `${short(contested)} ≠` : `${count(contested)} contested`;
  return narrow ? short(installed) : `${short(installed)} of ${short(routes)} installed`;
}

function legend() {
  const line = (kind, text) =>
    h(
      'li',
      {},
      s('svg', { class: `link ${kind}`, width: 28, height: 10, 'aria-hidden': 'true' }, s('path', { d: 'M0 5h28' })),
      text,
    );
  return h(
    'ul',
    { class: 'legend' },
    line('up', 'session up; votes'),
    line('wrong', 'dissents (≠)'),
    line('busy', 'synchronises'),
    line('down', 'down (×)'),
  );
}

/** The same for those who cannot see it. */
function inWords({ neighbors, replicas, electorate, tolerates }) {
  const said = (name, text) => `${name} ${text}`;
  return [
    `Neighbours: ${neighbors.map(({ address, state }) => said(address, state)).join(', ') || 'none'}.`,
    `Replicas: ${replicas.map((replica) => said(replica.name, stateOf(replica)[1] + (replica.dissents > 0 ? `, ${many(replica.dissents, 'dissent')}` : ''))).join('; ')}.`,
    `${electorate.length} vote, ${tolerates} may be wrong.`,
  ].join(' ');
}
