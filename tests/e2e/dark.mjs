// Runs in a network of its own, for y_dark: drops what goes over the connections to upstream, in both
// directions, and looks what their requests and later ones come to.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Emulator, Gateway, UPSTREAM, deadline, until } from './lib.mjs';

const IN_FLIGHT = 6;
const ESTABLISHED = '01';

/** The ports on this side of the connections to `port`. */
function portsTo(port) {
  const rows = readFileSync('/proc/self/net/tcp', 'utf8').trim().split('\n').slice(1).map((row) => row.trim().split(/\s+/));
  const portOf = (address) => parseInt(address.split(':')[1], 16);
  return rows.filter((r) => portOf(r[2]) === port && r[3] === ESTABLISHED).map((r) => portOf(r[1]));
}

function darken(port) {
  const ports = portsTo(port);
  for (const p of ports) {
    for (const end of ['sport', 'dport']) execFileSync('ip', ['rule', 'add', 'pref', '10', 'ipproto', 'tcp', end, `${p}`, 'blackhole']);
  }
  return ports.length;
}

const emulator = await Emulator.start();
const gateway = await Gateway.start({ upstream: emulator, env: { QUEQIAO_WORKERS: '1' } });
async function ask(model, more) {
  const r = await gateway.chat({ model, messages: [{ role: 'user', content: 'hello' }], ...more }, { patience: 90_000 });
  return { status: r.status, text: await r.text() };
}
const whole = () => Array.from({ length: IN_FLIGHT }, () => ask('emulate-slow-3000'));
try {
  const caught = whole();
  const begun = ask('emulate-stream-600-events-every-100-ms', { stream: true });
  await until('all to be on their way', async () => (await emulator.state()).in_flight === IN_FLIGHT + 1);
  await until('the stream to have begun', async () => (await emulator.state()).streams === 1);
  const dark = darken(emulator.port);
  assert.ok(dark >= 1 && (UPSTREAM === 'tls' || dark > IN_FLIGHT), `${dark} connections went dark`);
  for (const r of await deadline(Promise.all([...caught, ...whole()]), 'answers', 90_000)) {
    assert.equal(r.status, 200, r.text);
    assert.equal(JSON.parse(r.text).choices[0].finish_reason, 'stop');
  }
  const told = await deadline(begun, 'the end of the stream', 90_000);
  assert.equal(told.status, 200);
  assert.match(told.text, /"content":"[^"]/);
  assert.match(told.text, /"code":"upstream_error"/);
  assert.doesNotMatch(told.text, /\[DONE\]/);
} finally {
  await gateway.stop();
  await emulator.stop();
}
process.exit(); // a connection of this process may have gone dark as well
