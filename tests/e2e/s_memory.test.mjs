// What a large file costs: a request with a file of N bytes takes less than 2 N + 1 MB over the idle
// process, sent inline or fetched by its address, whole or streamed. A process of its own for each size:
// the system remembers only the highest point of a life.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { after, test } from 'node:test';
import { SLOW, certificates, gather, gm, hello, stage, until } from './lib.mjs';

const MB = 1024 * 1024;
const skip = SLOW ? 'sanitizers keep memory of their own'
  : !existsSync('/proc/self/status') || !/VmHWM/.test(readFileSync('/proc/self/status', 'utf8')) ? 'this system does not tell the peak of a process' : false;

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const fileOf = (n) => Buffer.concat([PNG, Buffer.alloc(n - PNG.length, 'a large picture')]);

const media = https.createServer({ cert: readFileSync(certificates().cert), key: readFileSync(certificates().key) },
  (req, res) => res.end(fileOf(Number(req.url.slice(1)))));
media.listen(0, '127.0.0.1').unref();
await once(media, 'listening');
after(() => media.close());
const MEDIA = `localhost:${media.address().port}`;

function memory(gateway, what) {
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))[1]) * 1024;
}

const ask = (url) => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }, { type: 'text', text: 'What is it?' }] }] });

/** The peak of one request over what the process held before it; the file must arrive as it was. */
async function cost(n, url, stream) {
  const env = { QUEQIAO_WORKERS: '1', SSL_CERT_FILE: certificates().ca, QUEQIAO_FETCH_PRIVATE: MEDIA };
  const s = await stage({ play: (req, res) => gm.answer(req, res, 'a picture'), env });
  try {
    await gather(await s.gateway.chat({ messages: hello, stream: true })); // libraries make their tables
    const before = memory(s.gateway, 'VmRSS');
    const r = await s.gateway.chat({ ...ask(url), stream });
    if (stream) assert.ok((await gather(r)).done);
    else assert.equal((await r.json()).choices[0].finish_reason, 'stop');
    const peak = memory(s.gateway, 'VmHWM');
    const { inlineData } = s.upstream.seen.at(-1).body.contents.at(-1).parts[0];
    assert.equal(inlineData.mimeType, 'image/png');
    assert.ok(Buffer.from(inlineData.data, 'base64').equals(fileOf(n)));
    return peak - before;
  } finally {
    await s.close();
  }
}

for (const mb of [1, 5, 20]) {
  for (const stream of [false, true]) {
    test(`${mb} MB inline, ${stream ? 'streamed' : 'whole'}`, { skip }, async (t) => {
      const n = mb * MB;
      const took = await cost(n, `data:image/png;base64,${fileOf(n).toString('base64')}`, stream);
      t.diagnostic(`${(took / MB).toFixed(1)} MB`);
      assert.ok(took < 2 * n + MB, `${(took / MB).toFixed(1)} MB for a file of ${mb} MB`);
    });
  }
  test(`${mb} MB fetched by address`, { skip }, async (t) => {
    const n = mb * MB;
    const took = await cost(n, `https://${MEDIA}/${n}`, true);
    t.diagnostic(`${(took / MB).toFixed(1)} MB`);
    assert.ok(took < 2 * n + MB, `${(took / MB).toFixed(1)} MB for a file of ${mb} MB`);
  });
}

// Pages of large requests stay for the next ones, and go when the process rests.
test('large requests one after the other, and then none', { skip }, async (t) => {
  const s = await stage({ play: (req, res) => gm.answer(req, res, 'a long story'), env: { QUEQIAO_WORKERS: '1' } });
  try {
    await gather(await s.gateway.chat({ messages: hello, stream: true }));
    const before = memory(s.gateway, 'VmRSS');
    const messages = Array.from({ length: 400 }, () => ({ role: 'user', content: 'word '.repeat(2000) }));
    for (let i = 0; i < 6; i++) await (await s.gateway.chat({ messages })).json();
    assert.equal(s.upstream.seen.at(-1).body.contents.length > 0, true);
    const least = () => (memory(s.gateway, 'VmRSS') - before) / MB;
    t.diagnostic(`${least().toFixed(1)} MB more at once`);
    await until('what they took to be given back', () => least() < 2);
  } finally {
    await s.close();
  }
});
