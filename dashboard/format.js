// Numbers, times and names as people read them. No state, no elements.

const INTEGER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 12,345; a dash for what is not known. */
export function count(value) {
  return typeof value === 'number' && Number.isFinite(value) ? INTEGER.format(value) : '–';
}

/** `1 ballot`, `2 ballots`. */
export function many(value, one, more = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : more}`;
}

/** So many digits behind the point, zeros left out. */
const plain = (value, digits) => String(Number(value.toFixed(digits)));

/** Rates and other numbers that need not be whole: three digits at most. */
export function short(value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 999_500) return `${plain(value / 1e6, size >= 9_950_000 ? 0 : 1)} M`;
  if (size >= 9_995) return `${plain(value / 1000, size >= 99_950 ? 0 : 1)} k`;
  if (size >= 10 || Number.isInteger(value)) return INTEGER.format(value);
  return plain(value, 1);
}

/** Milliseconds, as µs, ms or s. */
export function milliseconds(value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–';
  if (value >= 9_995) return `${plain(value / 1000, 0)} s`;
  if (value >= 999.5) return `${plain(value / 1000, 1)} s`;
  if (value >= 9.95) return `${plain(value, 0)} ms`;
  if (value >= 0.0995 || value === 0) return `${plain(value, 1)} ms`;
  return `${plain(value * 1000, 0)} µs`;
}

export function bytes(value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [scaled, unit] = [value, 0];
  while (scaled >= 1024 && unit < units.length - 1) [scaled, unit] = [scaled / 1024, unit + 1];
  return `${scaled >= 100 || unit === 0 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit]}`;
}

/** Seconds as `12 s`, `4 min 12 s`, `3 h 5 min`, `9 d 4 h`. */
export function duration(seconds) {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

/** Parts in a hundred. All of them is `100 %`, nearly all never is. */
export function percent(part, whole) {
  if (!(whole > 0)) return '–';
  if (part >= whole) return '100 %';
  const value = (100 * part) / whole;
  const text = value.toFixed(value >= 99 ? 3 : 1);
  return `${Number(text) === 100 ? '99.999' : Number(text)} %`;
}

/** Time of day in UTC, as the router's own texts and logs have it: `14:03:22`, with the day when it is not today. */
export function clock(time, now = Date.now()) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '–';
  const [day, rest] = date.toISOString().split('T');
  const text = rest.slice(0, 8);
  return new Date(now).toISOString().startsWith(day) ? text : `${day} ${text}`;
}

/** `14:03:22 (4 min 12 s)`. */
export function since(time, now = Date.now()) {
  const at = Date.parse(time);
  return Number.isNaN(at) ? '–' : `${clock(at, now)} (${duration((now - at) / 1000)})`;
}

/** Where a finding or a ballot is. */
export function place(text) {
  return text === 'fib' ? 'the forwarding table' : text;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(names) {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
