// The fault matrix: what Google says, in Google's words, and what it means: to the client, to a retry
// (UPS-1), and to the key (UPS-2). The emulated Gemini says it, by its script.
import { describe, test } from 'node:test';
import { Emulator, haveEmulator } from './lib.mjs';
import { SIDE_BY_SIDE, breaks, fails, ok, scenes } from './faults.mjs';

async function startEmulator(row) {
  const upstream = await Emulator.start();
  return Object.assign(upstream, {
    turn: () => upstream.script({ fault: row.fault, count: row.times ?? -1 }),
    calm: () => upstream.script(),
    tries: async () => (await upstream.state()).requests,
  });
}

const rows = [];
const play = (fault, row) =>
  rows.push(...scenes({ id: 'UPS-1', name: `emulate-${fault}`, fault, calm: /仿真/, stream: row.whole, ...row }, startEmulator));
const out = (why) => fails(503, 'server_busy', why);

// The request's own fault: told, not repeated, nobody blamed.
play('400', { whole: fails(400, null, /invalid argument/), tries: 1 });
play('403', { whole: fails(403, null), tries: 1 });
play('404', { whole: fails(404, 'model_not_found'), tries: 1 });
play('location', { whole: fails(403, 'unsupported_country_region_territory'), tries: 1 });

// The key's: it is out, and not a request more is sent with it.
play('400-key', { id: 'UPS-2', whole: fails(401, 'invalid_api_key'), tries: 1, next: out(/refuses every Gemini API key/) });
play('402', { id: 'UPS-2', whole: fails(429, 'insufficient_quota'), tries: 1, next: out(/credit/) });
play('403-disabled', { id: 'UPS-2', whole: fails(403, null), tries: 1, next: out(/refuses every/) });
play('suspended', { id: 'UPS-2', whole: fails(403, null, /suspended/), tries: 1, next: out(/refuses every/) });

// Its quota: cooled for as long as upstream says; nobody waits here.
const WAIT = { QUEQIAO_QUOTA_WAIT: '0' };
play('429', { id: 'UPS-2', env: WAIT, whole: fails(429, 'rate_limit_exceeded'), tries: 1, next: fails(429, 'rate_limit_exceeded', /requests a minute \(limit 10\): 1 key, back in/) });
play('429-day', { id: 'UPS-2', env: WAIT, whole: fails(429, 'rate_limit_exceeded'), tries: 1, next: fails(429, 'rate_limit_exceeded', /requests a day \(limit 250\): 1 key, back in/) });

// Upstream's: asked again, as often as that makes sense.
play('500', { whole: fails(500, null), tries: 2 });
play('503', { whole: fails(503, 'overloaded'), tries: 3 });
play('504', { whole: fails(504, null), tries: 2 });
play('html-502', { whole: fails(502, 'upstream_error'), tries: 2 });
play('reset-head', { whole: fails(502, 'upstream_error'), tries: 2 });
play('empty', { whole: fails(502, 'upstream_error'), tries: 2 });

// In the middle of an answer: told, and never repeated once a word is out (UPS-3).
play('error-mid', { id: 'UPS-3', whole: undefined, stream: breaks(/./, /overloaded/), tries: 1 });
play('cut', { id: 'UPS-3', whole: undefined, stream: breaks(/./, /cut off/), tries: 1 });
play('reset', { id: 'UPS-3', whole: fails(502, 'upstream_error'), stream: breaks(/./), tries: 1 });
play('bad-json', { id: 'UPS-3', whole: fails(502, 'upstream_error'), stream: breaks(/./, /could not be read/), tries: 2, streamTries: 1 });

// One of several choices: the answer is theirs together.
const BOTH = { more: { n: 2 }, times: 1, tries: 2 };
play('reset', { id: 'UPS-3', name: 'one choice of two breaks off', ...BOTH, whole: fails(502, 'upstream_error'), stream: breaks(/./) });
play('cut', { id: 'UPS-3', name: 'one choice of two has no end', ...BOTH, whole: undefined, stream: breaks(/./, /cut off/) });
play('404', { id: 'UPS-1', name: 'one choice of two is refused', ...BOTH, whole: fails(404, 'model_not_found'), stream: undefined });
play('503', { id: 'UPS-1', name: 'one choice of two at the second try', ...BOTH, tries: 3, whole: ok(/仿真/), stream: undefined });

describe('faults', { concurrency: SIDE_BY_SIDE, skip: haveEmulator }, () => {
  for (const [name, act] of rows) test(name, act);
});
