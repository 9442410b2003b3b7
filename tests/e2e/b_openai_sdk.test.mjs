// The official OpenAI SDK, unmodified.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { TOKEN, gm, haveEmulator, hello, stage } from './lib.mjs';

const s = haveEmulator ? null : await stage();
after(() => s?.close());
const opts = { skip: haveEmulator };
const client = (gateway, more) => new OpenAI({ apiKey: TOKEN, baseURL: `${gateway.url}/v1`, maxRetries: 0, ...more });

test('chat.completions.create', opts, async () => {
  const c = await client(s.gateway).chat.completions.create({ model: 'gemini-3.8-flash', messages: hello });
  assert.ok(c.choices[0].message.content.length > 0);
  assert.ok(c.usage.total_tokens > 0);
  assert.ok(c._request_id, 'x-request-id reaches the SDK');
});

test('a stream, read as it comes', opts, async () => {
  const stream = await client(s.gateway).chat.completions.create({
    model: 'gemini-3.8-flash', messages: hello, stream: true, stream_options: { include_usage: true },
  });
  let text = '';
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.ok(text.length > 0);
  assert.ok(usage.completion_tokens > 0);
});

test('the stream helper puts the same answer together', opts, async () => {
  const runner = client(s.gateway).chat.completions.stream({ model: 'gemini-3.8-flash', messages: hello });
  const deltas = [];
  runner.on('content', (d) => deltas.push(d));
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].message.content, deltas.join(''));
  assert.equal(final.choices[0].finish_reason, 'stop');
});

test('models.list and models.retrieve', opts, async () => {
  const ids = [];
  for await (const m of client(s.gateway).models.list()) ids.push(m.id);
  assert.ok(ids.length > 0);
  assert.equal((await client(s.gateway).models.retrieve(ids[0])).id, ids[0]);
  await assert.rejects(client(s.gateway).models.retrieve('no-such-model'), OpenAI.NotFoundError);
});

test('a wrong token is an AuthenticationError', opts, async () => {
  await assert.rejects(
    client(s.gateway, { apiKey: 'wrong' }).chat.completions.create({ model: 'gemini-3.8-flash', messages: hello }),
    (e) => e instanceof OpenAI.AuthenticationError && e.status === 401 && e.code === 'invalid_api_key');
});

test('abort() rejects with APIUserAbortError', opts, async () => {
  const stream = await client(s.gateway).chat.completions.create({ model: 'gemini-3.8-flash', messages: hello, stream: true });
  stream.controller.abort();
  let n = 0;
  for await (const _ of stream) n++; // the SDK ends the iteration quietly
  assert.ok(n >= 0);
  assert.ok(await s.gateway.well());
});

// Google's error, what the client must see, and the class that the SDK makes of it.
const UPSTREAM_ERRORS = [
  [400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.', null, 400, OpenAI.BadRequestError, 'invalid_request_error', null],
  [400, 'INVALID_ARGUMENT', 'The input token count (1250060) exceeds the maximum number of tokens allowed (1048576).', null,
    400, OpenAI.BadRequestError, 'invalid_request_error', 'context_length_exceeded'],
  [400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.', null,
    403, OpenAI.PermissionDeniedError, 'permission_error', 'unsupported_country_region_territory'],
  [403, 'PERMISSION_DENIED', 'Your project has been denied access.', null, 403, OpenAI.PermissionDeniedError, 'permission_error', undefined],
  [404, 'NOT_FOUND', 'models/gemini-0 is not found for API version v1beta, or is not supported for generateContent.', null,
    404, OpenAI.NotFoundError, 'invalid_request_error', 'model_not_found'],
  [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.',
    [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' }],
    429, OpenAI.RateLimitError, 'rate_limit_error', 'rate_limit_exceeded'],
  [500, 'INTERNAL', 'An internal error has occurred.', null, 500, OpenAI.InternalServerError, 'api_error', undefined],
  [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.', null, 503, OpenAI.InternalServerError, 'api_error', undefined],
];
for (const [code, status, message, details, want, type, kind, word] of UPSTREAM_ERRORS) {
  for (const stream of [false, true]) {
    test(`upstream's ${code} "${message.slice(0, 40)}" is a ${type.name}${stream ? ', before a stream too' : ''}`, async () => {
      const own = await stage({ play: (req, res) => gm.error(res, code, status, message, details ?? undefined) });
      try {
        await assert.rejects(
          client(own.gateway).chat.completions.create({ model: 'gemini-0', messages: hello, stream }),
          (e) => {
            assert.ok(e instanceof type, `${e.name} ${e.status}: ${e.message}`);
            assert.equal(e.status, want);
            assert.equal(e.type, kind);
            if (word !== undefined) assert.equal(e.code, word);
            if (code === 429) assert.ok(Number(e.headers.get('retry-after')) >= 1);
            return true;
          });
        assert.ok(await own.gateway.well());
      } finally {
        await own.close();
      }
    });
  }
}

test('what will not be back within a minute is asked for once; what may be is asked for again', async () => {
  const day = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3600s' }];
  for (const [code, status, details, times] of [[402, 'FAILED_PRECONDITION', [], 1], [429, 'RESOURCE_EXHAUSTED', day, 1], [503, 'UNAVAILABLE', [], 2]]) {
    const t = await stage({
      play: (req, res) => gm.error(res, code, status, 'Not now.', details),
      env: { QUEQIAO_QUOTA_WAIT: '0', QUEQIAO_ATTEMPTS: '1' },
    });
    let asked = 0;
    const counting = client(t.gateway, { maxRetries: 1, fetch: (...args) => { asked++; return fetch(...args); } });
    try {
      await assert.rejects(counting.chat.completions.create({ model: 'gemini-3.8-flash', messages: hello }));
      assert.equal(asked, times, `${code}`);
    } finally {
      await t.close();
    }
  }
});

test('runTools: a tool is called, its result goes back, the answer follows', opts, async () => {
  const asked = [];
  const runner = client(s.gateway).chat.completions.runTools({
    model: 'gemini-3.8-flash',
    messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
    tools: [{
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather of a city',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        parse: JSON.parse,
        function: (args) => {
          asked.push(args);
          return JSON.stringify({ celsius: 4, sky: 'rain' });
        },
      },
    }],
  });
  const text = await runner.finalContent();
  assert.equal(asked.length, 1);
  assert.equal(typeof asked[0], 'object');
  assert.ok(text.length > 0);
});
