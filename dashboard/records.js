// The last lines of the vote log, the newest first. Owns which of them are kept in the page and how a line reads.
import { h, mark, prefixLink, render } from './dom.js';
import { clock, count, many } from './format.js';
import { placesText } from './verdict.js';

const KEPT = 200;
/** Rows at first. */
const SHOWN = 25;

/** Kinds that say that something is wrong, and that it is over. */
const LEVELS = {
  'fault-begins': 'bad',
  'dissent-begins': 'warn',
  'no-majority': 'bad',
  overthrow: 'warn',
  alarm: 'bad',
  warning: 'warn',
  quarantine: 'warn',
  'oscillation-begins': 'warn',
  injection: 'warn',
};

export class Records {
  #records = [];
  #leftOut = 0;
  #all = false;

  /** `fresh`: the connection is new, and these are all there are. */
  add({ records, leftOut }, fresh) {
    if (fresh) this.#records = [];
    this.#records = [...records.toReversed(), ...this.#records].slice(0, KEPT);
    this.#leftOut += leftOut;
  }

  showAll() {
    this.#all = true;
  }

  render(container) {
    const records = this.#records;
    if (records.length === 0) {
      render(
        container,
        h(
          'p',
          { class: 'empty' },
          'Nothing worth a line yet. What is decided without dispute is not written here (docs/vote-log.md).',
        ),
      );
      return;
    }
    const shown = this.#all ? records : records.slice(0, SHOWN);
    render(
      container,
      h('ol', { class: 'records' }, shown.map(row)),
      records.length > shown.length &&
        h(
          'button',
          { type: 'button', class: 'quiet', 'data-action': 'all-records' },
          `Show ${records.length - shown.length} more`,
        ),
      this.#leftOut > 0 &&
        h(
          'p',
          { class: 'muted' },
          `${many(this.#leftOut, 'line')} came too fast to be shown; all are in the log (btr votes).`,
        ),
    );
  }
}

function row(record) {
  const { t, kind, prefix } = record;
  const where = record.fib === true ? 'fib' : record.neighbor;
  return h(
    'li',
    { 'data-key': keyOf(record) },
    h('time', { datetime: t }, clock(t)),
    h('span', { class: 'record-kind' }, mark(levelOf(record)), String(kind).replaceAll('-', ' ')),
    h(
      'span',
      { class: 'record-text' },
      typeof prefix === 'string' && [prefixLink(prefix), ' '],
      textOf(record),
      typeof where === 'string' && h('span', { class: 'muted' }, ` ${placesText([where])}`),
    ),
  );
}

/** Two lines may say the same at the same time; then they are one to the reader. */
const keyOf = ({ t, m, kind, replica, prefix, neighbor }) => [t, m, kind, replica, prefix, neighbor].join(' ');

function levelOf({ kind, state }) {
  if (state === 'cleared' || state === 'ends' || String(kind).endsWith('-ends')) return 'off';
  return LEVELS[kind] ?? 'off';
}

const text = (value) =>
  typeof value === 'string'
    ? value
    : Array.isArray(value)
      ? value.join(', ')
      : typeof value === 'number'
        ? count(value)
        : undefined;

/** The fields of a line that say most, in words. */
function textOf(record) {
  const parts = [
    record.replica,
    record.what,
    typeof record.cause === 'string' && record.cause,
    typeof record.prefixes === 'number' && many(record.prefixes, 'prefix', 'prefixes'),
    record.state ?? record.event,
    record.rule && `by ${text(record.rule)}`,
    record.agree && `agree: ${text(record.agree)}`,
    Array.isArray(record.diff) && record.diff.map(difference).join('; '),
    record.text ?? record.reason,
  ];
  return parts
    .map((part) => (part ? text(part) : undefined))
    .filter(Boolean)
    .join(' · ');
}

/** Of a line, or of a finding. */
function difference({ attribute, left, right, majority, vote }) {
  return `${attribute} ${right ?? vote ?? 'absent'} instead of ${left ?? majority ?? 'absent'}`;
}
