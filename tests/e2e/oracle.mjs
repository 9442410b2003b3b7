// oracle.mjs - judges answers by the type declarations of the npm `openai` package themselves.
//
// The declarations are read with the TypeScript compiler, and each type that is asked for becomes a
// validator: every member that it requires is there, every value fits, and what is not declared is
// one of the extensions below. A new SDK is a new oracle; nothing of OpenAI's schema is written here.
//
//   node oracle.mjs fields ChatCompletionCreateParams     every request field that there is
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const FILE = path.join(HERE, 'node_modules/openai/resources/chat/completions/completions.d.ts');

/** What the ecosystem reads beyond OpenAI's own members; all of it is in docs/compat.md. */
export const EXTENSIONS = new Set([
  'reasoning_content', 'images', 'extra_content', 'native_finish_reason', 'annotations', 'image_tokens',
  'cache_write_tokens',
  'audio', // of a delta: OpenAI sends it and does not declare it
]);

const program = ts.createProgram([FILE], {
  noEmit: true, strict: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, types: [],
});
const checker = program.getTypeChecker();
const exported = new Map(checker
  .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(FILE)))
  .map((symbol) => [symbol.name, symbol]));

function typeNamed(name) {
  const symbol = exported.get(name);
  if (symbol === undefined) throw new Error(`openai declares no ${name}`);
  return checker.getDeclaredTypeOfSymbol(symbol);
}

const show = (value) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

// A validator takes (value, where, faults) and adds a line for each fault.
const made = new Map();

function validator(type) {
  const known = made.get(type.id);
  if (known !== undefined) return known;
  let real = null;
  made.set(type.id, (...args) => real(...args)); // recursion meets this one
  real = make(type);
  made.set(type.id, real);
  return real;
}

const isKind = (type, flag) => (type.flags & flag) !== 0;

function make(type) {
  const F = ts.TypeFlags;
  const plain = (good) => (value, where, faults) => {
    if (!good(value)) faults.push(`${where} is ${show(value)}, not ${checker.typeToString(type)}`);
  };
  if (isKind(type, F.Any | F.Unknown)) return () => {};
  if (isKind(type, F.Never)) return plain(() => false);
  if (type.isStringLiteral() || type.isNumberLiteral()) return plain((v) => v === type.value);
  if (isKind(type, F.BooleanLiteral)) return plain((v) => v === (type.intrinsicName === 'true'));
  if (isKind(type, F.Boolean)) return plain((v) => typeof v === 'boolean');
  if (isKind(type, F.String | F.TemplateLiteral)) return plain((v) => typeof v === 'string');
  if (isKind(type, F.Number)) return plain((v) => typeof v === 'number');
  if (isKind(type, F.Null)) return plain((v) => v === null);
  if (isKind(type, F.Undefined | F.Void)) return plain((v) => v === undefined);
  if (type.isUnion()) return union(type);
  if (type.isIntersection() && type.types.some((t) => !isKind(t, F.Object))) { // `string & {}`
    const all = type.types.filter((t) => !isKind(t, F.Object)).map(validator);
    return (...args) => all.forEach((check) => check(...args));
  }
  if (checker.isArrayType(type)) {
    const each = validator(checker.getTypeArguments(type)[0]);
    return (value, where, faults) => {
      if (!Array.isArray(value)) faults.push(`${where} is ${show(value)}, not an array`);
      else value.forEach((v, i) => each(v, `${where}[${i}]`, faults));
    };
  }
  if (isKind(type, F.Object | F.NonPrimitive) || type.isIntersection()) return object(type);
  throw new Error(`the oracle does not know what ${checker.typeToString(type)} is`);
}

function union(type) {
  const members = type.types.map(validator);
  const shapes = type.types.filter((t) => isKind(t, ts.TypeFlags.Object)).map(validator);
  return (value, where, faults) => {
    const tried = (member) => {
      const own = [];
      member(value, where, own);
      return own;
    };
    if (members.some((m) => tried(m).length === 0)) return;
    // Of an object, the alternative with the fewest faults explains best.
    const best = shapes.map(tried).sort((a, b) => a.length - b.length)[0];
    if (typeof value === 'object' && value !== null && best !== undefined) faults.push(...best);
    else faults.push(`${where} is ${show(value)}, not ${checker.typeToString(type)}`);
  };
}

function object(type) {
  const members = new Map();
  for (const symbol of checker.getPropertiesOfType(type)) {
    const its = checker.getTypeOfSymbol(symbol);
    members.set(symbol.name, {
      optional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
      check: validator(its),
    });
  }
  const rest = checker.getIndexInfosOfType(type)[0];
  const others = rest ? validator(rest.type) : null;
  return (value, where, faults) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      faults.push(`${where} is ${show(value)}, not an object`);
      return;
    }
    for (const [name, { optional, check }] of members) {
      if (value[name] === undefined) {
        if (!optional) faults.push(`${where}.${name} is missing`);
      } else {
        check(value[name], `${where}.${name}`, faults);
      }
    }
    for (const name of Object.keys(value)) {
      if (members.has(name)) continue;
      if (others !== null) others(value[name], `${where}.${name}`, faults);
      else if (!EXTENSIONS.has(name)) faults.push(`${where}.${name} is declared nowhere`);
    }
  };
}

/** The faults of a value, judged as the type of that name; empty when it is one. */
export function judge(name, value) {
  const faults = [];
  validator(typeNamed(name))(value, name, faults);
  return faults;
}

// What the declarations cannot say, but every SDK relies on.
const ID = /^[A-Za-z0-9_-]{1,40}$/;

function judgeCalls(calls, where, faults) {
  for (const [i, call] of (calls ?? []).entries()) {
    if (call.id !== undefined && !ID.test(call.id)) faults.push(`${where}[${i}].id is ${show(call.id)}`);
    const text = call.function?.arguments;
    if (text) {
      try {
        JSON.parse(text);
      } catch {
        faults.push(`${where}[${i}].function.arguments is no JSON: ${show(text)}`);
      }
    }
  }
  const ids = (calls ?? []).map((c) => c.id);
  if (new Set(ids).size !== ids.length) faults.push(`${where}: an id twice`);
}

function judgeUsage(u, where, faults) {
  if (!u) return;
  for (const n of [u.prompt_tokens, u.completion_tokens, u.total_tokens])
    if (!Number.isInteger(n) || n < 0) faults.push(`${where} holds ${show(n)}`);
  if (u.total_tokens !== u.prompt_tokens + u.completion_tokens) faults.push(`${where} does not add up: ${show(u)}`);
  const reasoning = u.completion_tokens_details?.reasoning_tokens ?? 0;
  if (reasoning > u.completion_tokens) faults.push(`${where}: more reasoning than completion`);
  if ((u.prompt_tokens_details?.cached_tokens ?? 0) > u.prompt_tokens) faults.push(`${where}: more cached than prompt`);
}

/** A whole answer. */
export function judgeCompletion(value) {
  const faults = judge('ChatCompletion', value);
  for (const [i, c] of (value?.choices ?? []).entries()) {
    const where = `choices[${i}]`;
    judgeCalls(c.message?.tool_calls, `${where}.message.tool_calls`, faults);
    const calls = (c.message?.tool_calls ?? []).length > 0;
    if (calls && c.finish_reason === 'stop') faults.push(`${where}: calls, yet finish_reason is stop`);
    if (!calls && c.finish_reason === 'tool_calls') faults.push(`${where}: finish_reason tool_calls without a call`);
    if (c.message?.content === null && !calls && !c.message?.function_call && !c.message?.audio)
      faults.push(`${where}: null content without a call`);
  }
  judgeUsage(value?.usage, 'usage', faults);
  return faults;
}

/** Custom tools stream as OpenAI's guide shows them; its declarations know only functions there. */
function asDeclared(chunk) {
  const copy = structuredClone(chunk);
  for (const x of copy.choices ?? [])
    for (const call of x.delta?.tool_calls ?? []) {
      if (call.custom === undefined) continue;
      call.function = { name: call.custom.name, arguments: call.custom.input };
      delete call.custom;
      if (call.type !== undefined) call.type = 'function';
    }
  return copy;
}

/** All chunks of a stream, in order, as `gather` returns them. `usage`: was it asked for? */
export function judgeStream({ chunks, done }, { usage = false } = {}) {
  const faults = [];
  const failed = chunks.length > 0 && 'error' in chunks.at(-1);
  const body = failed ? chunks.slice(0, -1) : chunks;
  body.forEach((c, i) => {
    for (const fault of judge('ChatCompletionChunk', asDeclared(c))) faults.push(`chunk ${i}: ${fault}`);
  });
  for (const member of ['id', 'created', 'model'])
    if (new Set(body.map((c) => c[member])).size > 1) faults.push(`${member} changes within the stream`);
  if (failed) {
    if (done) faults.push('[DONE] after an error');
    return faults;
  }
  if (!done) faults.push('no [DONE]');
  const last = usage ? body.at(-1) : null;
  if (usage) {
    if (last.choices.length !== 0 || !last.usage) faults.push('the last chunk is not the usage');
    judgeUsage(last.usage, 'usage', faults);
    for (const c of body.slice(0, -1)) if (c.usage !== null) faults.push('a chunk before the last without "usage":null');
  } else if (body.some((c) => 'usage' in c)) {
    faults.push('usage that nobody asked for');
  }
  const choices = new Map();
  for (const c of body)
    for (const x of c.choices) {
      if (!choices.has(x.index)) choices.set(x.index, []);
      choices.get(x.index).push(x);
    }
  for (const [index, list] of choices) judgeChoice(index, list, faults);
  return faults;
}

/** The chunks of one choice: role first, one finish at the end, calls that accumulate to JSON. */
function judgeChoice(index, list, faults) {
  const where = `choice ${index}`;
  if (list[0].delta.role !== 'assistant') faults.push(`${where}: the first delta has no role`);
  if (list.slice(1).some((x) => x.delta.role !== undefined)) faults.push(`${where}: a second role`);
  const ends = list.filter((x) => x.finish_reason !== null);
  if (ends.length !== 1 || list.at(-1).finish_reason === null) faults.push(`${where}: ${ends.length} finish reasons, or not at the end`);
  const calls = [];
  for (const x of list)
    for (const d of x.delta.tool_calls ?? []) {
      if (d.index === calls.length) {
        if (!d.id || !d.type || !(d.function ?? d.custom)?.name) faults.push(`${where}: call ${d.index} begins without id, type or name`);
        calls.push({ id: d.id, function: { name: d.function?.name, arguments: '' } });
      } else if (d.index !== calls.length - 1) {
        faults.push(`${where}: call index ${d.index} after ${calls.length - 1}`);
        continue;
      }
      calls[d.index].function.arguments += d.function?.arguments ?? '';
    }
  judgeCalls(calls, `${where}: tool_calls`, faults);
  const finish = ends[0]?.finish_reason;
  if (calls.length > 0 && finish === 'stop') faults.push(`${where}: calls, yet finish_reason is stop`);
  if (calls.length === 0 && finish === 'tool_calls') faults.push(`${where}: finish_reason tool_calls without a call`);
}

/** The error body that the SDKs read; their declarations leave it open. */
export function judgeError(value) {
  const faults = [];
  const e = value?.error;
  if (typeof e !== 'object' || e === null) return [`no error object: ${show(value)}`];
  if (typeof e.message !== 'string' || e.message === '') faults.push('error.message');
  if (typeof e.type !== 'string') faults.push('error.type');
  if (!(e.code === null || typeof e.code === 'string')) faults.push('error.code');
  if (!(e.param === null || typeof e.param === 'string')) faults.push('error.param');
  return faults;
}

/** Every member of a request type, all alternatives of it together, sorted. */
export function fieldsOf(name) {
  const type = typeNamed(name);
  const names = new Set();
  for (const t of type.isUnion() ? type.types : [type])
    for (const symbol of checker.getPropertiesOfType(t)) names.add(symbol.name);
  return [...names].sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'fields')
  console.log(fieldsOf(process.argv[3] ?? 'ChatCompletionCreateParams').join('\n'));
