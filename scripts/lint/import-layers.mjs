// The import rule of docs/architecture.md as an ESLint rule: folders import only folders below them, and the pure
// folders import no `node:` module and read no clock, no randomness, no timer and no process.
// Owns the layer order; which files are linted belongs to eslint.config.mjs.
import path from 'node:path';

/** Lowest first. A folder may import itself and what stands before it (voter and replicator: see `siblings`). */
export const LAYERS = [
  'wire',
  'session',
  'traces',
  'voter',
  'replicator',
  'recovery',
  'fib',
  'configs',
  'votelog',
  'preload',
  'hypervisor',
  'cli',
  'bench',
];

/** Folders that may hold no side effect, and the only project folders each may import. */
export const PURE = {
  wire: ['wire'],
  session: ['session', 'wire'],
  voter: ['voter', 'wire'],
  replicator: ['replicator', 'wire'],
  recovery: ['recovery', 'voter', 'wire'],
  fib: ['fib', 'voter', 'wire'],
};

/** Type-only imports that are allowed although they cross between two pure folders. */
const TYPES_ONLY = { voter: ['replicator'], replicator: ['voter'] };

const IMPURE_GLOBALS = new Set([
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'fetch',
  'Buffer',
]);
const IMPURE_MEMBERS = new Set(['Date.now', 'Math.random', 'crypto.randomUUID', 'crypto.getRandomValues']);

function folderOf(root, file) {
  return path.relative(root, file).split(path.sep)[0];
}

function importProblem(root, file, source, typeOnly) {
  const from = folderOf(root, file);
  const pure = PURE[from];
  if (!source.startsWith('.')) {
    return pure ? `${from}/ is pure: it may not import "${source}"` : undefined;
  }
  const to = folderOf(root, path.resolve(path.dirname(file), source));
  if (to === from) return undefined;
  if (pure) {
    if (pure.includes(to) || (typeOnly && TYPES_ONLY[from]?.includes(to))) return undefined;
    return `${from}/ may import only ${pure.join('/, ')}/ (not ${to}/)`;
  }
  const [a, b] = [LAYERS.indexOf(from), LAYERS.indexOf(to)];
  if (a === -1 || (b !== -1 && b < a)) return undefined;
  return `imports point downwards: ${from}/ may not import ${to}/`;
}

/** ESLint rule `btr/import-layers`; option `root`: the repository's root folder. */
export const importLayers = {
  meta: { type: 'problem', schema: [{ type: 'object', properties: { root: { type: 'string' } } }] },
  create(context) {
    const root = context.options[0]?.root ?? context.cwd;
    const file = context.filename;
    const pure = PURE[folderOf(root, file)] !== undefined;
    const check = (node, source, typeOnly) => {
      const message = importProblem(root, file, source, typeOnly);
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source.value, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => node.source && check(node, node.source.value, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === 'type'),
      ImportExpression: (node) => node.source.type === 'Literal' && check(node, String(node.source.value), false),
      NewExpression(node) {
        if (pure && node.callee.name === 'Date' && node.arguments.length === 0) {
          context.report({ node, message: 'a pure folder reads no clock: time comes in as an argument' });
        }
      },
      MemberExpression(node) {
        if (!pure || node.object.type !== 'Identifier' || node.property.type !== 'Identifier') return;
        const name = `${node.object.name}.${node.property.name}`;
        if (IMPURE_MEMBERS.has(name)) context.report({ node, message: `a pure folder may not use ${name}` });
      },
      'Program:exit'(program) {
        if (!pure) return;
        for (const { identifier } of context.sourceCode.getScope(program).through) {
          if (IMPURE_GLOBALS.has(identifier.name)) {
            context.report({ node: identifier, message: `a pure folder may not use the global ${identifier.name}` });
          }
        }
      },
    };
  },
};
