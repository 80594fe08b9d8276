// docs/openapi.yaml as a judge of answers: is this path, this status, this body documented, field by field? Owns reading the file. Stricter
// than the file itself: an object whose fields are listed has no others.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { HttpAnswer } from './http-client.js';

const FILE = path.resolve(import.meta.dirname, '../../docs/openapi.yaml');
const ID = 'openapi';

type Node = Record<string, unknown>;

interface Parameter {
  name: string;
  in: 'path' | 'query';
  schema: { enum?: string[]; type?: string };
}

interface Operation {
  parameters?: (Parameter | { $ref: string })[];
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Node }> }>;
}

const FORMATS = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  ipv4: /^\d{1,3}(\.\d{1,3}){3}$/,
};

export class OpenApi {
  readonly document: {
    paths: Record<string, Record<string, Operation>>;
    components: Record<string, Record<string, Node>>;
  };
  /** Bodies that were found right, by operation and status. */
  readonly seen = new Set<string>();
  private readonly ajv = new Ajv2020({ allErrors: true, strict: false, formats: FORMATS });
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(file = FILE) {
    this.document = parse(readFileSync(file, 'utf8')) as OpenApi['document'];
    this.ajv.addSchema(closed(this.document) as Node, ID);
  }

  /** `GET /a/{b}` and so on. */
  get operations(): string[] {
    return Object.entries(this.document.paths).flatMap(([route, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`),
    );
  }

  /** Query parameters of a path. */
  parameters(method: string, url: string): Parameter[] {
    const operation = this.operation(method, url);
    return (operation?.parameters ?? [])
      .map((one) => ('$ref' in one ? (this.at(one.$ref) as unknown as Parameter) : one))
      .filter((one) => one.in === 'query');
  }

  /** What is wrong with an answer; empty when all of it is documented. */
  problems(method: string, url: string, answer: HttpAnswer): string[] {
    const route = this.routeOf(url);
    const place = `${method} ${url} → ${answer.status}`;
    const operation = this.operation(method, url);
    if (route === undefined || operation === undefined) return [`${place}: this path is not documented`];
    const response = this.resolve(operation.responses[answer.status]);
    if (response === undefined) return [`${place}: this status is not documented`];
    const type = answer.headers['content-type']?.split(';')[0];
    const { content } = response;
    if (content === undefined) return answer.text === '' ? [] : [`${place}: a body is not documented`];
    if (type === undefined || content[type] === undefined) return [`${place}: ${type} is not documented`];
    this.seen.add(`${method} ${route} ${answer.status}`);
    if (type !== 'application/json') return [];
    const validate = this.validator(content[type].schema, `${method} ${route} ${answer.status}`);
    if (validate(JSON.parse(answer.text))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${place}: ${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
    );
  }

  /** What is wrong with a value that a schema of the file describes. */
  problemsOf(schema: string, value: unknown): string[] {
    const validate = this.validator({ $ref: `#/components/schemas/${schema}` }, schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message} ${JSON.stringify(one.params)}`);
  }

  private operation(method: string, url: string): Operation | undefined {
    const route = this.routeOf(url);
    return route === undefined ? undefined : this.document.paths[route][method.toLowerCase()];
  }

  private routeOf(url: string): string | undefined {
    const wanted = url.split('?')[0].split('/');
    const fits = (route: string): boolean => {
      const words = route.split('/');
      return words.length === wanted.length && words.every((word, i) => word.startsWith('{') || word === wanted[i]);
    };
    const routes = Object.keys(this.document.paths).filter(fits);
    // `/a/b` before `/a/{x}`.
    return routes.sort((a, b) => a.split('{').length - b.split('{').length)[0];
  }

  private resolve<T extends { $ref?: string }>(node: T | undefined): T | undefined {
    return node?.$ref === undefined ? node : (this.at(node.$ref) as unknown as T);
  }

  private at(reference: string): Node {
    return reference
      .slice(2)
      .split('/')
      .reduce<Node>((node, word) => node[word] as Node, this.document as unknown as Node);
  }

  private validator(schema: Node, key: string): ValidateFunction {
    let validate = this.compiled.get(key);
    if (validate === undefined) {
      validate = this.ajv.compile(referring(closed(schema)) as Node);
      this.compiled.set(key, validate);
    }
    return validate;
  }
}

/** The same with `additionalProperties: false` in every object that lists its fields and says nothing else. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  if (copy.type === 'object' && copy.properties !== undefined && copy.additionalProperties === undefined) {
    copy.additionalProperties = false;
  }
  return copy;
}

/** The same with references into the whole file. */
function referring(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(referring);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' ? `${ID}${value}` : referring(value),
    ]),
  );
}
