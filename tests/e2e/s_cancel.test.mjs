// A client that leaves cancels its upstream request in the same turn of the loop, wherever that is.
//
// How a turn is shown without a clock: the leaving is followed by a request of somebody else on a
// connection that stands already. The gateway hears of both in that order, and so does upstream; when
// the second is answered, the first must have been counted as cancelled. The emulator is asked once,
// nothing is waited for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { describe, test } from 'node:test';
import { Emulator, Gateway, Raw, TOKEN, deadline, gm, haveEmulator, hello, request, stage, until } from './lib.mjs';

const CHAT = '/v1/chat/completions';
const ask = (model, stream, more) => JSON.stringify({ model, messages: hello, stream, ...more });

/** Two clients of one kind: one that will leave, one that stays. */
const CLIENTS = {
  async h1(gateway) {
    const raw = await Raw.open(gateway.port);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const stay = (body) => deadline(new Promise((resolve, reject) => {
      const req = http.request({ port: gateway.port, host: '127.0.0.1', path: CHAT, method: 'POST', agent,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => resolve({ status: res.statusCode, text }));
      });
      req.on('error', reject);
      req.end(body);
    }), 'the one who stays');
    return {
      stay,
      send: (body) => raw.write(request('POST', CHAT, { body })),
      async begun() {
        assert.equal((await raw.head()).status, 200);
        while (!(await raw.chunk()).includes('"content":"')); // a word of the answer
      },
      async leave(hard) {
        raw.leave({ hard });
        await once(raw.socket, 'close');
      },
      close: () => agent.destroy(),
    };
  },
  async h2(gateway) {
    const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
    const open = (body) => {
      const stream = session.request({ ':method': 'POST', ':path': CHAT, authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' });
      stream.on('error', () => {});
      stream.setEncoding('utf8');
      stream.end(body);
      return stream;
    };
    let mine;
    return {
      async stay(body) {
        const stream = open(body);
        let text = '';
        stream.on('data', (d) => (text += d));
        const [head] = await deadline(once(stream, 'response'), 'the one who stays');
        await deadline(once(stream, 'end'), 'the one who stays');
        return { status: head[':status'], text };
      },
      send: (body) => (mine = open(body)),
      async begun() {
        let text = '';
        mine.on('data', (d) => (text += d));
        await until('the first words', () => /"content":"[^"]/.test(text));
      },
      async leave() {
        mine.close(http2.constants.NGHTTP2_CANCEL);
      },
      close: () => session.destroy(),
    };
  },
};

/** Its places are free, and one line has its tokens: an estimate, where the answer had told no counts yet. */
async function isAccountedFor(gateway, legs, begun) {
  const text = await (await gateway.fetch('/metrics')).text();
  const metric = (name) => Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1]);
  assert.equal(metric('queqiao_requests_in_flight'), 0);
  assert.equal(metric('queqiao_key_in_flight{key="1"}'), 0);
  await gateway.said(/end=client_gone/);
  const lines = gateway.stderr.match(/^.* end=client_gone$/mg);
  assert.equal(lines.length, 1, 'one line');
  const [, tokIn, tokOut] = /tok_in=(\d+) tok_out=(\d+)/.exec(lines[0]).map(Number);
  assert.ok(tokIn >= legs, lines[0]);
  assert.ok(!begun || tokOut > 0, lines[0]);
  assert.equal(/ tok=estimated /.test(lines[0]), !begun, lines[0]);
  const all = [...text.matchAll(/^gen_ai_client_token_usage_sum\{.*gen_ai_token_type="input".*\} (\d+)/mg)].reduce((n, m) => n + Number(m[1]), 0);
  const told = [...gateway.stderr.matchAll(/ tok_in=(\d+)/g)].reduce((n, m) => n + Number(m[1]), 0);
  assert.equal(all, told, 'the metrics have them as well');
}

/** `model` misbehaves so that the leaver waits; `begun`: for its first words to be there. */
function leaving(name, { model, stream, begun = false, more, legs = 1 }) {
  for (const kind of Object.keys(CLIENTS)) {
    for (const hard of kind === 'h1' ? [false, true] : [false]) {
      test(`${name}: ${kind}${hard ? ', with RST' : ''}`, { skip: haveEmulator }, async () => {
        const upstream = await Emulator.start();
        const gateway = await Gateway.start({ upstream, env: { QUEQIAO_WORKERS: '1' } });
        const client = await CLIENTS[kind](gateway);
        try {
          assert.equal((await client.stay(ask('gemini-3.8-flash', false))).status, 200); // its connection stands
          client.send(ask(model, stream, more));
          if (begun) await client.begun();
          await until('the request to be in flight', async () => (await upstream.state()).in_flight === legs);
          await client.leave(hard);
          assert.equal((await client.stay(ask('gemini-3.8-flash', false))).status, 200);
          const { cancelled, in_flight } = await upstream.state();
          assert.deepEqual({ cancelled, in_flight }, { cancelled: legs, in_flight: 0 });
          await isAccountedFor(gateway, legs, begun);
          assert.ok(await gateway.well());
        } finally {
          client.close();
          await gateway.stop();
          await upstream.stop();
        }
      });
    }
  }
}

describe('leaving', { concurrency: 3 }, () => {
  leaving('UPS-4: before the head of a stream', { model: 'emulate-hole', stream: true });
  leaving('UPS-4: before a whole answer', { model: 'emulate-hole', stream: false });
  leaving('UPS-4: in the middle of a stream', { model: 'emulate-stream-1000-events-every-1000-ms', stream: true, begun: true });
  leaving('UPS-4: in the middle of a whole answer', { model: 'emulate-stall-3600000', stream: false });
  leaving('UPS-4: with several choices', { model: 'emulate-hole', stream: true, more: { n: 3 }, legs: 3 });
  leaving('UPS-4: with several choices of a whole answer', { model: 'emulate-hole', stream: false, more: { n: 3 }, legs: 3 });

  for (const stream of [false, true]) {
    const mode = stream ? 'streamed' : 'whole';
    test(`UPS-4: while it waits for quota, ${mode}: nothing more is sent`, { skip: haveEmulator }, async () => {
      const upstream = await Emulator.start({ quotas: { minutes: 'sliding', projects: [
        { name: 'one', keys: ['key-a-0123456789'], models: { 'gemini-2.5-flash': { rpm: 1 } } }] } });
      const gateway = await Gateway.start({ upstream,
        env: { QUEQIAO_WORKERS: '1', GEMINI_API_KEY: 'key-a-0123456789', QUEQIAO_QUOTA_WAIT: '120s' } });
      const client = await CLIENTS.h1(gateway);
      const waiting = async () => Number(/^queqiao_quota_waiting (\d+)$/m.exec(await (await gateway.fetch('/metrics')).text())[1]);
      try {
        assert.equal((await client.stay(ask('gemini-2.5-flash', false))).status, 200);
        client.send(ask('gemini-2.5-flash', stream));
        await until('it to wait', async () => (await waiting()) === 1);
        const { requests } = await upstream.state();
        await client.leave();
        assert.equal((await client.stay(ask('gemini-3.8-flash', false))).status, 200);
        assert.equal(await waiting(), 0);
        assert.equal((await upstream.state()).requests, requests + 1);
        await gateway.said(/end=client_gone/);
      } finally {
        client.close();
        await gateway.stop();
        await upstream.stop();
      }
    });

    test(`UPS-4: in the pause before another try, ${mode}: there is none`, async () => {
      const s = await stage({
        env: { QUEQIAO_WORKERS: '1' },
        play(req, res, body) {
          if (body.contents[0].parts[0].text !== 'leaver') return gm.answer(req, res, 'well');
          return gm.error(res, 503, 'UNAVAILABLE', 'The model is overloaded.', [
            { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '8s' }]);
        },
      });
      const client = await CLIENTS.h1(s.gateway);
      try {
        client.send(JSON.stringify({ model: 'gemini-3.8-flash', messages: [{ role: 'user', content: 'leaver' }], stream }));
        await until('the refusal', () => s.upstream.seen.length === 1);
        assert.equal((await client.stay(ask('gemini-3.8-flash', false))).status, 200); // it has been read by now
        await client.leave();
        await s.gateway.said(/attempts=1 step=PICK_KEY end=client_gone/);
        assert.equal(s.upstream.seen.length, 2);
      } finally {
        client.close();
        await s.close();
      }
    });
  }
});
