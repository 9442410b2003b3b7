// Requests that the emulated Gemini's own rules refuse, since the model behind a name takes less than the
// name promises (src/demo/catalog.c): the gateway learns it from the refusal, and the client is answered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Emulator, Gateway, haveEmulator } from './lib.mjs';

const hello = [{ role: 'user', content: 'hello' }];
const prefill = [...hello, { role: 'assistant', content: 'Good' }];
const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } } }];
const schema = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } } };

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
];

describe('remedies against the rules', { concurrency: 2, skip: haveEmulator }, () => {
  for (const [remedy, model, body] of ROWS)
    test(`${remedy}: ${model}`, async () => {
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
        assert.equal(await ask(), 2, 'refused once, then served');
        assert.equal(await ask(), 1, 'it is the way of the model, and known from then on');
        const metrics = await (await gateway.fetch('/metrics')).text();
        assert.ok(metrics.includes(`queqiao_repairs_total{remedy="${remedy}"} 1\n`), metrics.match(/queqiao_repairs.*/g)?.join('\n'));
        assert.ok(await gateway.well());
      } finally {
        await gateway.stop();
        await upstream.stop();
      }
    });
});
