// What the verbs of `btr` take, as data: out of the same definitions that yargs parses by, so that manual page and completion cannot differ from
// what the program does. Owns reading them; knows of yargs only the methods that definitions call.
import type { Argv, CommandModule } from 'yargs';

export interface OptionDefinition {
  /** As it is typed, without dashes. */
  name: string;
  aliases: string[];
  type: 'boolean' | 'string' | 'number' | 'array' | 'count';
  choices: string[];
  /** As `--help` says it; empty when nothing is known. */
  describe: string;
  /** As it is typed; undefined: none, or not worth saying (off, an empty list). */
  default: string | undefined;
  demanded: boolean;
}

export interface PositionalDefinition extends OptionDefinition {
  optional: boolean;
  /** Any number of them. */
  variadic: boolean;
}

export interface VerbDefinition {
  name: string;
  describe: string;
  /** Without the verb: `[prefix]`. */
  usage: string;
  positionals: PositionalDefinition[];
  options: OptionDefinition[];
  verbs: VerbDefinition[];
  /** Command line, with `$0` for the program, and what it shows. */
  examples: [string, string][];
  epilogue: string;
}

type Spec = Record<string, unknown>;
/** `name`, `<required>`, `[optional]`, `[many..]`. */
const PLACE = /([<[])([\w-]+)(\.\.)?[>\]]/g;

/** All verbs that are meant for people. */
export function definitionsOf(commands: readonly CommandModule[]): VerbDefinition[] {
  return commands.filter(({ describe }) => describe !== false).map(definitionOf);
}

function definitionOf(module: CommandModule): VerbDefinition {
  const command = String(Array.isArray(module.command) ? module.command[0] : module.command);
  const [name] = command.split(' ');
  const recorder = new Recorder();
  if (typeof module.builder === 'function') void module.builder(recorder.argv);
  else for (const [key, spec] of Object.entries(module.builder ?? {})) recorder.option(key, spec as Spec);
  const usage = command.slice(name.length).trim();
  const positionals = [...usage.matchAll(PLACE)].map(([, bracket, key, many]) => ({
    ...optionOf(key, recorder.places.get(key) ?? {}),
    optional: bracket === '[',
    variadic: many !== undefined,
  }));
  const { options, verbs, examples, epilogue } = recorder;
  return { name, describe: String(module.describe ?? ''), usage, positionals, options, verbs, examples, epilogue };
}

/** Stands in for yargs while a definition is read: takes down what it is told, and is its own result. */
class Recorder {
  readonly options: OptionDefinition[] = [];
  readonly verbs: VerbDefinition[] = [];
  readonly places = new Map<string, Spec>();
  readonly examples: [string, string][] = [];
  epilogue = '';
  readonly argv: Argv;

  constructor() {
    const methods: Record<string, (...parameters: never[]) => unknown> = {
      option: (key: string | Record<string, Spec>, spec?: Spec) => this.option(key, spec),
      options: (key: string | Record<string, Spec>, spec?: Spec) => this.option(key, spec),
      positional: (key: string, spec: Spec) => this.places.set(key, spec),
      command: (module: CommandModule | CommandModule[]) =>
        this.verbs.push(...definitionsOf(Array.isArray(module) ? module : [module])),
      example: (one: string | [string, string][], text?: string) =>
        this.examples.push(...(typeof one === 'string' ? [[one, text ?? ''] as [string, string]] : one)),
      epilogue: (text: string) => (this.epilogue = text),
      epilog: (text: string) => (this.epilogue = text),
    };
    const argv: Argv = new Proxy({} as Argv, {
      get: (_, method) => {
        const take = methods[String(method)];
        return (...parameters: never[]) => {
          take?.(...parameters);
          return argv;
        };
      },
    });
    this.argv = argv;
  }

  option(key: string | Record<string, Spec>, spec: Spec = {}): void {
    if (typeof key !== 'string') {
      for (const [name, one] of Object.entries(key)) this.option(name, one);
    } else if (spec.hidden !== true) this.options.push(optionOf(key, spec));
  }
}

function optionOf(key: string, spec: Spec): OptionDefinition {
  const aliases = [spec.alias ?? []].flat().map(String);
  // Definitions name the property (`keepFib`) and give what is typed as an alias.
  const [name, ...others] = [key, ...aliases].sort(
    (a, b) => Number(isProperty(a)) - Number(isProperty(b)) || b.length - a.length,
  );
  const choices = ((spec.choices ?? []) as readonly unknown[]).map(String);
  const type = spec.array === true ? 'array' : ((spec.type as OptionDefinition['type'] | undefined) ?? 'string');
  return {
    name,
    aliases: others.filter((one) => !isProperty(one)),
    type,
    choices,
    describe: String(spec.describe ?? spec.description ?? spec.desc ?? ''),
    default:
      [undefined, null, false, ''].includes(spec.default as string) || Array.isArray(spec.default)
        ? undefined
        : String(spec.default),
    demanded: spec.demandOption === true,
  };
}

const isProperty = (name: string): boolean => /[a-z][A-Z]/.test(name);
