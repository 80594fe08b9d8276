// docs/openapi.yaml and the types behind the answers have the same fields: a field that is added to one is missed in the other here, also one
// that no test ever sees in an answer.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { OpenApi } from '../../support/openapi.js';

interface Fields {
  required: string[];
  optional: string[];
}

const ROOT = path.resolve(import.meta.dirname, '../../../');
/** Where the types of answers are. */
const PLACES = ['hypervisor', 'wire/bgp', 'voter/faults'];

const interfaces = new Map<string, ts.InterfaceDeclaration[]>();
for (const place of PLACES) {
  for (const file of readdirSync(path.join(ROOT, place), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(path.join(ROOT, place, file), 'utf8');
    if (!text.includes('interface ')) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    for (const node of source.statements) {
      if (!ts.isInterfaceDeclaration(node)) continue;
      interfaces.set(node.name.text, [...(interfaces.get(node.name.text) ?? []), node]);
    }
  }
}

/** JSON leaves out what is undefined. */
function isOptional({ questionToken, type }: ts.PropertySignature): boolean {
  return questionToken !== undefined || (type !== undefined && /\bundefined\b/.test(type.getText()));
}

/** Undefined for what is not spelled out in interfaces. */
function fieldsOf(name: string): Fields | undefined {
  const found = interfaces.get(name);
  if (found?.length !== 1) return undefined;
  const fields: Fields = { required: [], optional: [] };
  for (const { types } of found[0].heritageClauses ?? []) {
    for (const type of types) {
      const inherited = type.typeArguments === undefined ? fieldsOf(type.expression.getText()) : undefined;
      if (inherited === undefined) return undefined;
      fields.required.push(...inherited.required);
      fields.optional.push(...inherited.optional);
    }
  }
  for (const member of found[0].members) {
    if (!ts.isPropertySignature(member)) return undefined;
    const list = isOptional(member) ? fields.optional : fields.required;
    if (!list.includes(member.name.getText())) list.push(member.name.getText());
  }
  return fields;
}

interface Schema {
  type?: string;
  properties?: Record<string, unknown>;
  required?: string[];
}

const schemas = new OpenApi().document.components.schemas as Record<string, Schema>;
const shared = Object.keys(schemas).filter((name) => schemas[name].properties && fieldsOf(name));

test('most schemas are types of ours', () => {
  expect(shared.length).toBeGreaterThan(35);
});

test.each(shared)('%s', (name) => {
  const { required, optional } = fieldsOf(name)!;
  const schema = schemas[name];
  expect(Object.keys(schema.properties!).sort()).toEqual([...required, ...optional].sort());
  expect([...(schema.required ?? [])].sort()).toEqual(required.sort());
});
