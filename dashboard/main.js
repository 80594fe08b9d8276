// The page: takes the router's news and draws what they are about. Owns when what is asked for and drawn; each part has a file of its own.
import { byId, h, mark, render } from './dom.js';
import { Charts, RANGES } from './charts.js';
import { Contested } from './contested.js';
import { ask, Feed, pauseAfter } from './feed.js';
import { renderFindings } from './findings.js';
import { clock, duration } from './format.js';
import { Records } from './records.js';
import { Story } from './story.js';
import { renderNeighbors, renderNumbers, renderReplicas } from './tables.js';
import { hatches, renderTimeline } from './timeline.js';
import { renderTopology } from './topology.js';
import { judge } from './verdict.js';

/** Findings and contested ballots are asked for so often while there are any, and when something has changed; ms. */
const ASK_MS = 2000;
/** And so often while there is nothing, ms. */
const CALM_MS = 10_000;
const feed = new Feed();
const records = new Records();
const charts = new Charts(byId('charts'));
const contested = new Contested();
/** What is known; undefined until it is. */
const known = { status: undefined, sample: undefined, faults: undefined };
/** The router's clock less this machine's, ms. */
let offset = 0;
let fresh = true;
const asked = { at: -Infinity, shortPause: ASK_MS, pause: ASK_MS, seen: '', busy: false };

const routerNow = () => Date.now() + offset;

function draw() {
  const { status, sample, faults } = known;
  // A page that nobody sees is drawn when somebody does.
  if (status === undefined || document.hidden) return;
  const now = routerNow();
  drawIdentity(status, now);
  drawVerdict(judge(status, faults, now));
  renderTopology(byId('topology'), status);
  renderNumbers(byId('numbers'), status, sample);
  renderFindings(byId('findings'), faults, now);
  contested.render(byId('contested'), status);
  renderTimeline(byId('lanes'), {
    lanes: charts.lanes,
    replicas: status.replicas,
    patterns: faults?.patterns ?? [],
    range: charts.span(now),
    now,
  });
  charts.draw(now);
  renderReplicas(byId('replicas'), status, now);
  renderNeighbors(byId('neighbors'), status);
  records.render(byId('records'));
}

function drawIdentity(status, now) {
  const { as, routerId, strategy, uptime, version, http } = status;
  render(byId('clock'), `${clock(now, now)} UTC`);
  byId('logout').hidden = http === null || http.open;
  render(
    byId('identity'),
    h('span', { class: 'router-name' }, `AS ${as}`),
    h('span', { class: 'muted' }, `${routerId} · ${strategy} · up ${duration(uptime)}`),
  );
  render(
    byId('foot'),
    h(
      'p',
      {},
      `btr ${version}, process ${status.pid}. What is shown here is also told by btr status, btr faults and btr votes.`,
    ),
  );
}

function drawVerdict({ level, title, text, issues }) {
  const section = byId('verdict');
  section.dataset.level = level;
  document.title = `${level === 'good' ? '' : `${level === 'busy' ? '…' : '!'} `}${title}`;
  render(
    section,
    h('h1', { id: 'verdict-title' }, mark(level), title),
    h('p', { class: 'lead' }, text),
    issues.length > 0 &&
      h(
        'ul',
        { class: 'issues' },
        issues
          .slice(0, 8)
          .map(({ level: each, text: sentence, pattern }) =>
            h(
              'li',
              {},
              mark(each),
              h('span', {}, sentence),
              pattern && h('a', { class: 'how', href: '#findings-card' }, 'How exactly'),
            ),
          ),
        issues.length > 8 && h('li', {}, `and ${issues.length - 8} more, see below`),
      ),
  );
}

function drawLive() {
  const { stale, age, trouble } = feed;
  byId('main').dataset.stale = String(stale);
  const state = stale ? (trouble ?? 'lost') : 'live';
  const old = age === undefined ? '' : `, data is ${duration(age / 1000)} old`;
  const live = byId('live');
  live.dataset.state = state;
  if (!stale) render(live, mark('good'), 'Live');
  else if (state === 'connecting') render(live, mark('busy'), 'Connecting …');
  else if (state === 'logged-out') render(live, mark('bad'), h('a', { href: '/login' }, 'Logged out: log in again'));
  else render(live, mark('bad'), `Connection lost${old}`);
  const { status } = known;
  if (stale && status !== undefined && age !== undefined)
    live.title = `Last heard at ${clock(Date.now() - age)}; tries again by itself.`;
  else live.removeAttribute('title');
}

/** What is too much to be told every second. `now`: whatever was asked for lately. */
async function askMore({ now = false } = {}) {
  const { status } = known;
  if (status === undefined || document.hidden) return;
  // That something begins or is over is asked for soon, how much of it there is when the router has rested.
  const seen = JSON.stringify([
    status.ballots.contested > 0,
    (status.fib?.contested ?? 0) > 0,
    status.replicas.map(({ faults }) => faults.open > 0),
  ]);
  const restless = seen.includes('true');
  const rest = seen !== asked.seen ? asked.shortPause : restless ? asked.pause : CALM_MS;
  const due = performance.now() - asked.at > rest;
  if (asked.busy || !(now || due)) return;
  Object.assign(asked, { busy: true, seen, at: performance.now() });
  try {
    known.faults = await ask('faults');
    await contested.load(status);
    const took = performance.now() - asked.at;
    asked.shortPause = pauseAfter(took, ASK_MS, 1);
    asked.pause = pauseAfter(took, ASK_MS);
    draw();
  } catch {
    // Without a connection there is nothing new; what is shown says how old it is.
    asked.seen = '';
  } finally {
    asked.busy = false;
  }
}

function listen() {
  feed.addEventListener('open', () => {
    fresh = true;
    asked.at = -Infinity;
    charts.load().then(draw, () => undefined);
  });
  feed.addEventListener('status', ({ detail }) => {
    known.status = detail;
    draw();
    askMore();
  });
  feed.addEventListener('sample', ({ detail }) => {
    known.sample = detail;
    offset = detail.t - Date.now();
    charts.add(detail);
  });
  feed.addEventListener('record', ({ detail }) => {
    records.add(detail, fresh);
    fresh = false;
  });
  feed.addEventListener('state', drawLive);
}

/** A button somewhere in what is drawn, by its data. */
function pressed({ action, replica }) {
  if (action === 'all-records') records.showAll();
  else if (action === 'next-ballots' || action === 'first-ballots') contested.turn(action);
  else if (replica !== undefined) contested.choose(replica === '' ? undefined : replica);
  else return;
  draw();
  if (action === 'all-records') return;
  byId('contested-card').scrollIntoView();
  byId('contested-title').focus({ preventScroll: true });
  void askMore({ now: true });
}

function wire() {
  byId('search').addEventListener('submit', (event) => {
    event.preventDefault();
    const prefix = byId('prefix').value.trim();
    if (prefix !== '') location.hash = `#prefix=${encodeURIComponent(prefix)}`;
  });
  document.addEventListener('click', ({ target }) => pressed(target.dataset ?? {}));
  document.addEventListener('visibilitychange', () => {
    draw();
    askMore();
  });
  const ranges = RANGES.map((range) => {
    const input = h('input', {
      type: 'radio',
      name: 'range',
      id: `range-${range.key}`,
      value: range.key,
      checked: range === charts.range,
    });
    input.addEventListener('change', () => {
      charts.range = range;
      draw();
    });
    return [input, h('label', { for: `range-${range.key}` }, range.text)];
  });
  byId('ranges').append(...ranges.flat());
  document.body.append(hatches());
  new ResizeObserver(() => draw()).observe(byId('main'));
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || /^(input|textarea)$/i.test(event.target.nodeName) || byId('story').open) return;
    event.preventDefault();
    byId('prefix').focus();
  });
}

listen();
wire();
new Story();
drawLive();
feed.start();
