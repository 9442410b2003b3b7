// Requests that the emulated Gemini's own rules refuse, since the model behind a name takes less than the
// name promises (src/demo/catalog.c): the gateway learns it from the refusal, and the client is answered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Emulator, Gateway, haveEmulator } from './lib.mjs';

const hello = [{ role: 'user', content: 'hello' }];
const prefill = [...hello, { role: 'assistant', content: 'Good' }];
const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } } }];
const schema = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } } };
const google = (words) => ({ extra_body: { google: words } });
const native = { function_declarations: [{ name: 'clock', description: 'What time it is' }] };
const shown = { include_server_side_tool_invocations: true };

const field = { type: 'array', maxItems: 1000, items: { type: 'integer', minimum: 0, maximum: 9 } };
const board = { type: 'object', properties: { board: { type: 'array', maxItems: 1000, items: field } } };
const system = [{ role: 'system', content: 'be brief' }, ...hello];
const json = { type: 'json_object' };
const wordless = { first: 3 }; // the words would be the system's, which it does not take either
const once = { once: true }; // it is this request's peculiarity: the next one is mended anew

// remedy, the name, what of the request the model behind it does not take
const ROWS = [
  ['drop_penalties', 'gemini-2.0-flash-false', { messages: hello, presence_penalty: 1 }],
  ['drop_logprobs', 'gemini-2.0-flash-false', { messages: hello, logprobs: true }],
  ['end_on_user', 'gemini-2.0-flash-false', { messages: prefill }],
  ['not_thoughtless', 'gemini-2.5-flash-false', { messages: hello, reasoning_effort: 'none' }],
  ['not_minimal', 'gemini-3.6-flash-false', { messages: hello, reasoning_effort: 'minimal' }],
  ['drop_thinking', 'gemini-3.5-flash-false', { messages: hello, reasoning_effort: 'high' }],
  ['json_apart', 'gemini-3.5-flash-false', { messages: hello, tools, response_format: schema }],
  ['own_tools_apart', 'gemini-3.5-flash-false', { messages: hello, tools, web_search_options: {} }],
  ['own_tools_apart', 'gemini-3.5-flash-false', { messages: hello, tools, ...google({ tools: [{ google_search: {} }] }) }],
  ['own_tools_apart', 'gemini-3.5-flash-false', { messages: hello, ...google({ tools: [{ url_context: {}, ...native }] }) }],
  ['own_tools_apart', 'gemini-3.5-flash-false', { messages: hello, tools, ...google({ tools: [{ code_execution: {} }], tool_config: shown }) }],
  ['system_as_user', 'gemini-2.5-flash-lite-false', { messages: system }],
  ['json_in_words', 'gemini-2.5-flash-lite-false', { messages: hello, response_format: json }, wordless],
  ['json_in_words', 'gemini-2.5-flash-lite-false', { messages: hello, response_format: schema }, wordless],
  ['not_low', 'gemini-3.1-flash-lite-false', { messages: hello, reasoning_effort: 'low' }],
  ['not_medium', 'gemini-3.1-pro-false', { messages: hello, reasoning_effort: 'medium' }],
  ['drop_modalities', 'gemini-3.8-flash', { messages: hello, modalities: ['text', 'image'] }],
  ['drop_limit', 'gemini-4-argon-false', { messages: hello, max_completion_tokens: 200_000 }, once],
  ['loose_schema', 'gemini-3.8-flash', { messages: hello, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: board } } }, once],
  ['loose_schema', 'gemini-2.5-flash', { messages: hello, tools: [{ type: 'function', function: { name: 'play', parameters: board } }] }, once],
  ['plain_schema', 'gemini-3.8-flash', { messages: hello, response_format: schema, ...google({ generation_config: { response_schema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } } }) }, once],
];

describe('remedies against the rules', { concurrency: 2, skip: haveEmulator }, () => {
  for (const [i, [remedy, model, body, { first = 2, once: again } = {}]] of ROWS.entries())
    test(`${remedy}: ${model}, row ${i + 1}`, async () => {
      const upstream = await Emulator.start({});
      const gateway = await Gateway.start({ upstream, env: { QUEQIAO_WORKERS: '1' } });
      const ask = async () => {
        const before = (await upstream.state()).requests;
        const r = await gateway.chat({ model, ...body });
        const text = await r.text();
        assert.equal(r.status, 200, text);
        return (await upstream.state()).requests - before;
      };
      try {
        assert.equal(await ask(), first, 'refused, then served');
        if (again) assert.equal(await ask(), 2, 'it is not the way of the model');
        else assert.equal(await ask(), 1, 'it is the way of the model, and known from then on');
        const metrics = await (await gateway.fetch('/metrics')).text();
        assert.ok(metrics.includes(`queqiao_repairs_total{remedy="${remedy}"} ${again ? 2 : 1}\n`), metrics.match(/queqiao_repairs.*/g)?.join('\n'));
        assert.ok(await gateway.well());
      } finally {
        await gateway.stop();
        await upstream.stop();
      }
    });
});

describe('remedies, one after the other', { skip: haveEmulator }, () => {
  const staged = (name, act) => test(name, async () => {
    const upstream = await Emulator.start({});
    const gateway = await Gateway.start({ upstream, env: { QUEQIAO_WORKERS: '1' } });
    const ask = async (body) => {
      const before = (await upstream.state()).requests;
      const r = await gateway.chat(body);
      const text = await r.text();
      assert.equal(r.status, 200, text);
      return { sent: (await upstream.state()).requests - before, ignored: r.headers.get('x-queqiao-ignored'), answer: JSON.parse(text) };
    };
    const repairs = async (remedy) => Number(new RegExp(`queqiao_repairs_total\\{remedy="${remedy}"\\} (\\d+)`).exec(await (await gateway.fetch('/metrics')).text())?.[1] ?? 0);
    try {
      await act({ ask, repairs, upstream });
    } finally {
      await gateway.stop();
      await upstream.stop();
    }
  });

  staged('two in one request, both remembered', async ({ ask, repairs, upstream }) => {
    const body = { model: 'gemini-2.5-flash-lite-false', messages: system, response_format: json };
    assert.equal((await ask(body)).sent, 3);
    const again = await ask(body);
    assert.equal(again.sent, 1);
    assert.equal(again.ignored, 'response_format=instruction');
    const last = (await upstream.requests()).at(-1).body;
    assert.equal(last.systemInstruction, undefined);
    assert.equal(last.generationConfig.responseMimeType, undefined);
    for (const remedy of ['system_as_user', 'json_in_words']) assert.equal(await repairs(remedy), 1);
  });

  // Signatures are good within one line of models; a client that changes the model brings the old ones.
  const called = (signature) => [
    { role: 'user', content: 'look' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'call_of_old', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' }, extra_content: { google: { thought_signature: signature } } }] },
    { role: 'tool', tool_call_id: 'call_of_old', content: 'seen' },
  ];
  for (const [name, harm] of [['of another model', (s) => s], ['that was cut', (s) => s.slice(0, -8)]])
    staged(`drop_signatures: a signature ${name}`, async ({ ask, repairs, upstream }) => {
      const model = { whole: 'gemini-3.8-flash', other: 'gemini-3.5-flash' };
      const { answer } = await ask({ model: harm('0123456789') === '0123456789' ? model.other : model.whole, messages: [{ role: 'user', content: 'look' }], tools, tool_choice: 'required' });
      const signature = answer.choices[0].message.tool_calls[0].extra_content.google.thought_signature;
      for (let times = 1; times <= 2; times++) {
        assert.equal((await ask({ model: model.whole, messages: called(harm(signature)), tools })).sent, 2, "it is this talk's peculiarity");
        assert.equal(await repairs('drop_signatures'), times);
      }
      const part = (await upstream.requests()).at(-1).body.contents.flatMap((c) => c.parts).find((p) => p.functionCall);
      assert.equal(part.thoughtSignature, 'skip_thought_signature_validator');
    });
});

// Every way to ask for a tool of Google's beside functions: the same tools, and what the upstream request holds.
const own = ['google_search', 'code_execution', 'url_context'];
const typed = { google_search: 'web_search', code_execution: 'code_interpreter', url_context: 'url_context' };
const bare = (name) => ({ type: 'function', function: { name } });
const WAYS = [
  ['types of tools', (name) => ({ tools: [...tools, { type: typed[name] }] })],
  ['bare functions', (name) => ({ tools: [...tools, bare(name)] })],
  ["extra_body.google beside the client's", (name) => ({ tools, ...google({ tools: [{ [name]: {} }] }) })],
  ['google beside the legacy functions', (name) => ({ functions: [tools[0].function], google: { tools: [{ [name]: {} }] } })],
  ['extra_body.google with functions in it', (name) => google({ tools: [{ [name]: {} }, native] })],
  ['one tool that is both', (name) => google({ tools: [{ [name]: {}, ...native }] })],
  ['a config in Google\'s words', (name) => ({ tools, ...google({ tools: [{ [name]: {} }], tool_config: { function_calling_config: { mode: 'AUTO' } } }) })],
];

describe("Google's tools beside functions", { skip: haveEmulator }, () => {
  for (const [way, body] of WAYS)
    test(way, async () => {
      const upstream = await Emulator.start({});
      const gateway = await Gateway.start({ upstream, env: { QUEQIAO_WORKERS: '1' } });
      const sent = async (model, name) => {
        const before = (await upstream.state()).requests;
        const r = await gateway.chat({ model, messages: hello, ...body(name) });
        const text = await r.text();
        assert.equal(r.status, 200, `${model}, ${name}: ${text}`);
        assert.equal((await upstream.state()).requests - before, 1, `${model}, ${name}: right at once`);
        const last = (await upstream.requests()).at(-1).body;
        return { body: last, ignored: r.headers.get('x-queqiao-ignored') };
      };
      try {
        for (const name of own) {
          const both = await sent('gemini-3.8-flash', name);
          assert.equal(both.ignored, null);
          assert.equal(both.body.toolConfig.includeServerSideToolInvocations, true);
          const held = both.body.tools.flatMap((tool) => Object.keys(tool)).map((key) => key.replace(/_./g, (c) => c[1].toUpperCase()));
          assert.deepEqual(new Set(held), new Set(['functionDeclarations', name.replace(/_./g, (c) => c[1].toUpperCase())]));
          const one = await sent('gemini-2.5-flash', name);
          assert.equal(one.ignored, 'google_tools_beside_functions');
          assert.deepEqual(one.body.tools.map((tool) => Object.keys(tool)), [['functionDeclarations']]);
        }
      } finally {
        await gateway.stop();
        await upstream.stop();
      }
    });

  test('a cache that holds tools has none beside it', async () => {
    const upstream = await Emulator.start({ quotas: { projects: [{ name: 'one', keys: ['key-one'], holds: ['cachedContents/c1'], models: { '*': { rpm: 100 } } }] } });
    const gateway = await Gateway.start({ upstream, env: { QUEQIAO_WORKERS: '1', GEMINI_API_KEY: 'key-one' } });
    try {
      const asked = { tools: [...tools, { type: 'web_search' }], tool_choice: 'required', ...google({ cached_content: 'cachedContents/c1', tools: [{ url_context: {} }] }) };
      const r = await gateway.chat({ model: 'gemini-3.8-flash', messages: hello, ...asked });
      assert.equal(r.status, 200, await r.text());
      assert.equal(r.headers.get('x-queqiao-ignored'), 'tools=cached_content');
    } finally {
      await gateway.stop();
      await upstream.stop();
    }
  });
});
