// Making and updating elements. Texts only ever become text nodes and attributes, never markup: what comes from the network cannot be
// anything but text. Owns that rule.

const SVG = 'http://www.w3.org/2000/svg';

/** Attributes that a page can be made to do something with, if a text from outside gets there. `href` is for `#` links only. */
function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith('on') || name === 'style' || name === 'src') throw new Error(`no such attribute here: ${name}`);
  if (name === 'href' && !String(value).startsWith('#') && value !== '/login')
    throw new Error('links lead into this page');
  element.setAttribute(name, value === true ? '' : String(value));
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

/** An HTML element. Children: elements, texts, numbers, arrays of them; undefined, null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  append(element, children);
  return element;
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  append(element, children);
  return element;
}

/**
 * Makes the children of `parent` equal to `children`, with as few changes as possible: what stays the same keeps focus, selection and
 * scroll position. Elements with the same `data-key` are the same element.
 */
export function render(parent, ...children) {
  const wanted = document.createDocumentFragment();
  append(wanted, children);
  morphChildren(parent, wanted);
}

function morphChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let at = parent.firstChild;
  for (const next of [...wanted.childNodes]) {
    const key = next.nodeType === Node.ELEMENT_NODE ? next.dataset.key : undefined;
    const same = key ? keyed.get(key) : at;
    if (same && same !== at) parent.insertBefore(same, at);
    if (same && isSame(same, next)) {
      morph(same, next);
      at = same.nextSibling;
    } else {
      parent.insertBefore(next, at);
      if (same && same === at) {
        at = same.nextSibling;
        same.remove();
      }
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function isSame(a, b) {
  return a.nodeName === b.nodeName && a.nodeType === b.nodeType && a.dataset?.key === b.dataset?.key;
}

function morph(old, wanted) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // What the reader opened stays open.
    if (!wanted.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  morphChildren(old, wanted);
}

export const byId = (id) => document.getElementById(id);

/** A link to the story of a prefix. */
export function prefixLink(prefix) {
  return h('a', { class: 'prefix', href: `#prefix=${encodeURIComponent(prefix)}` }, prefix);
}

/** A state with its shape and its word: never colour alone. `level`: good, warn, bad, busy, off. */
export function badge(level, text, title) {
  return h('span', { class: `badge ${level}`, title }, mark(level), text);
}

const SHAPES = {
  good: () => s('circle', { cx: 5, cy: 5, r: 4 }),
  warn: () => s('path', { d: 'M5 .8 9.6 9.2H.4z' }),
  bad: () => s('path', { d: 'M1.5 1.5l7 7m0-7l-7 7', class: 'stroke' }),
  busy: () => [s('circle', { cx: 5, cy: 5, r: 3.6, class: 'ring' }), s('path', { d: 'M5 1.4a3.6 3.6 0 0 1 0 7.2z' })],
  off: () => s('circle', { cx: 5, cy: 5, r: 3.6, class: 'ring' }),
};

/** The shape of a level, 10 by 10. */
export function mark(level) {
  return s(
    'svg',
    { class: `mark ${level}`, viewBox: '0 0 10 10', width: 10, height: 10, 'aria-hidden': 'true' },
    SHAPES[level](),
  );
}
