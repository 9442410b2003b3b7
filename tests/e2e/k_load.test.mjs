// Many of them: 10,000 requests in a row, 2,000 streams of 20 s at once. No time is asserted, only that
// each one got its answer and that nothing stayed behind.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { after, test } from 'node:test';
import { SLOW, TOKEN, haveEmulator, hello, stage, until } from './lib.mjs';

const IN_A_ROW = SLOW ? 1000 : 10_000;
const AT_ONCE = SLOW ? 200 : 2000;
const EVENTS = SLOW ? 20 : 100; // five a second
const s = haveEmulator ? null : await stage();
after(() => s?.close());
const opts = { skip: haveEmulator };
// The process is not dumpable, so that only root may look.
const descriptors = () => (process.getuid() === 0 ? readdirSync(`/proc/${s.gateway.pid}/fd`).length : 0);

function post(agent, body) {
  return new Promise((resolve, reject) => {
    const req = http.request({
      host: '127.0.0.1', port: s.gateway.port, path: '/v1/chat/completions', method: 'POST', agent,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, 'content-length': Buffer.byteLength(body) },
    }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (d) => (text += d));
      res.on('end', () => resolve({ status: res.statusCode, text }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });
}

test(`${IN_A_ROW} requests in a row`, opts, async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const body = JSON.stringify({ model: 'gemini-3.8-flash', messages: hello });
  for (let i = 0; i < 200; i++) await post(agent, body);
  const rss = s.gateway.rss();
  const fds = descriptors();
  for (let i = 200; i < IN_A_ROW; i++) {
    const r = await post(agent, body);
    if (r.status !== 200) assert.fail(`request ${i}: ${r.status} ${r.text}`);
  }
  agent.destroy();
  assert.ok(descriptors() <= fds + 4, 'descriptors stayed');
  if (!SLOW) assert.ok(s.gateway.rss() - rss < 4 << 20, `grew by ${(s.gateway.rss() - rss) >> 10} KiB`);
});

test(`SHP-7: ${AT_ONCE} streams at once, ${EVENTS / 5} s each`, opts, async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const model = `emulate-stream-${EVENTS}-events-every-200-ms`;
  const body = JSON.stringify({ model, messages: hello, stream: true, stream_options: { include_usage: true } });
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => post(agent, body)));
  for (const [i, r] of answers.entries()) {
    const events = r.text.split('"content":"').length - 1;
    if (r.status !== 200 || !r.text.endsWith('data: [DONE]\n\n') || r.text.includes('"error"') || events < EVENTS)
      assert.fail(`stream ${i}: ${r.status} ${r.text.slice(-500)}`);
  }
  agent.destroy();
  await until('upstream to be idle', async () => (await s.upstream.state()).in_flight === 0);
  assert.ok(await s.gateway.well());
});

test('UPS-5: 1,000 clients that leave at once leave nothing behind', opts, async () => {
  const before = descriptors();
  const body = JSON.stringify({ model: 'emulate-slow-3600000', messages: hello, stream: true });
  const all = Array.from({ length: SLOW ? 100 : 1000 }, () => {
    const req = http.request({ host: '127.0.0.1', port: s.gateway.port, path: '/v1/chat/completions', method: 'POST', agent: false,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, 'content-length': Buffer.byteLength(body) } });
    req.on('error', () => {});
    req.end(body);
    return req;
  });
  await until('all of them to be in flight', async () => (await s.upstream.state()).in_flight === all.length);
  for (const req of all) req.destroy();
  await until('all of them to be cancelled', async () => (await s.upstream.state()).in_flight === 0);
  await until('their descriptors to be closed', () => descriptors() <= before + 40);
  assert.ok(await s.gateway.well());
});
