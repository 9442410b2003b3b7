// Keys in projects, at the wire: the emulated Gemini counts as Google does, and the gateway finds out
// what the limits are and which keys share one. The day of ten keys on a clock of its own is
// tests/unit/test_keys_sim.c; here minutes are real ones, and end soon.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Emulator, Gateway, SLOW, deadline, haveEmulator, until } from './lib.mjs';

const MODEL = 'gemini-2.5-flash';
const NOON = Date.UTC(2026, 6, 1, 19); // in California
const key = (i) => `key-number-${i}-0123456789`;
const KEYS = Array.from({ length: 10 }, (_, i) => key(i));
const sum = (list) => list.reduce((a, b) => a + b, 0);

async function scene({ quotas, keys, wait = '0', wall_ms }, act) {
  const upstream = await Emulator.start({ quotas });
  const gateway = await Gateway.start({ upstream,
    env: { GEMINI_API_KEY: keys.join(','), QUEQIAO_WORKERS: '1', QUEQIAO_QUOTA_WAIT: wait } });
  const own = {
    upstream,
    gateway,
    ask: (text = 'hi', n = 0) => gateway.chat({ model: MODEL, messages: [{ role: 'user', content: `${text} ${n}` }] }),
    /** What upstream has counted: a row for each project. */
    meters: async () => (await upstream.control('quotas')).meters.filter((m) => m.model === MODEL),
    /** So many requests, a few at a time: how many were served; each other one is a 429 like this. */
    async burst(n, like) {
      let served = 0;
      let left = n;
      const one = async () => {
        while (left > 0) {
          const r = await own.ask('request', left--);
          const body = await r.text();
          served += r.status === 200 ? 1 : 0;
          if (r.status === 200) continue;
          assert.equal(r.status, 429, body);
          assert.ok(Number(r.headers.get('retry-after')) >= 1);
          const { error } = JSON.parse(body);
          assert.equal(error.code, 'rate_limit_exceeded');
          assert.match(error.message, like);
        }
      };
      await Promise.all([one(), one(), one(), one()]);
      return served;
    },
  };
  try {
    await upstream.control('clock', { wall_ms });
    await act(own);
    assert.ok(await gateway.well());
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
}

describe('quotas', { concurrency: 2, skip: haveEmulator }, () => {
  const PROJECTS = [
    { name: 'one', limit: { rpm: 5 } },
    { name: 'two', limit: { rpm: 8 } },
    { name: 'three', limit: { rpm: 12 }, paid: true },
  ];
  const rules = (keys) => ({ minutes: 'calendar', projects: PROJECTS.map(({ name, limit, paid }, p) => (
    { name, paid, keys: keys.filter((_, i) => i % 3 === p), models: { [MODEL]: limit } })) });
  // Who has been refused with as many keys as one may try is told in Google's own words.
  const like = /requests a minute \(limit (5|8|12)\)|Quota exceeded for metric: .*, limit: (5|8|12), model: gemini-2\.5-flash\n/;

  test('ten keys in three projects: all that the quotas allow, and each key is refused once', () => scene({
    keys: KEYS, wall_ms: NOON, quotas: rules(KEYS),
  }, async ({ upstream, burst, meters }) => {
    assert.equal(await burst(70, like), 25);
    const refused = sum((await meters()).map((m) => m.refused.rpm));
    assert.ok(refused <= KEYS.length + 4, `${refused} refusals; a few requests are under way at a time`);
    const { requests } = await upstream.state();
    assert.equal(await burst(20, /over its quota for gemini-2\.5-flash \(requests a minute/), 0);
    assert.equal((await upstream.state()).requests, requests, 'no request is wasted on what is known');
  }));

  // The first minute ends while the scene looks on: long enough for a burst, short enough to wait for.
  // Where a minute was full, the next one's requests are sent a quarter of a second apart.
  const LEFT = (SLOW ? 20 : 8) * 1000;
  test('what one minute has taught is kept to in the next', () => scene({
    keys: KEYS.slice(0, 3), wall_ms: NOON + 60_000 - LEFT, quotas: rules(KEYS.slice(0, 3)),
  }, async ({ upstream, burst, meters, ask }) => {
    const wall = async () => (await upstream.control('clock')).wall_ms;

    assert.equal(await burst(50, like), 25);
    const first = await meters();
    assert.ok((await wall()) < NOON + 60_000, 'all of it was in one minute');
    await until('the next minute', async () => (await ask()).status === 200);
    const served = 1 + await burst(50, like);
    const second = await meters();
    assert.ok((await wall()) < NOON + 120_000, 'all of it was in one minute');
    for (const [i, m] of second.entries()) {
      const wasted = m.refused.rpm - first[i].refused.rpm;
      assert.ok(wasted <= 1, `${m.project}: ${wasted} refusals in one window`);
    }
    assert.ok(served >= 22, `${served} of 25`);
  }));

  test('tokens: the prompts are what is counted', () => scene({
    keys: [key(0)], wall_ms: NOON,
    quotas: { projects: [{ name: 'one', keys: [key(0)], models: { [MODEL]: { tpm: 2000 } } }] },
  }, async ({ ask, meters }) => {
    const statuses = [];
    let last;
    for (let i = 0; i < 8; i++) {
      last = await ask('x'.repeat(1500), i);
      statuses.push(last.status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    assert.match((await last.json()).error.message, /tokens a minute \(limit 2000\)/);
    assert.ok((await meters())[0].refused.tpm <= 1);
  }));

  // Another instance asks, and what is waited for comes soon after.
  const SOON = SLOW ? 20_000 : 8_000;
  // Of the thirty of a day another instance has spent 29: this one cannot know whether the day is lost.
  const DAY = { projects: [{ name: 'one', keys: [key(0)], models: { [MODEL]: { rpd: 30 } } }] };
  const day = (name, { wall_ms }, act) => test(name, () => scene({ keys: [key(0)], quotas: DAY, wait: '30s', wall_ms }, async (own) => {
    const other = await Gateway.start({ upstream: own.upstream, env: { GEMINI_API_KEY: key(0) } });
    for (let i = 0; i < 29; i++) assert.equal((await other.chat({ model: MODEL, messages: [{ role: 'user', content: 'other' }] })).status, 200);
    await other.stop();
    assert.equal((await own.ask('day', 0)).status, 200);
    await act(own);
  }));

  day('a day that ends at midnight in California is waited for', { wall_ms: NOON + 12 * 3600_000 - SOON }, async ({ ask, meters }) => {
    for (let i = 1; i < 4; i++) assert.equal((await ask('day', i)).status, 200);
    const [m] = await meters();
    assert.deepEqual([m.day, m.served, m.refused.rpd], [3, 33, 1]);
  });

  day('a day that is not over: believed after one more try, then nothing more is sent', { wall_ms: NOON + 60_000 - SOON }, async ({ ask, meters, upstream }) => {
    const said = async (r) => {
      assert.equal(r.status, 429);
      assert.match((await r.json()).error.message, /over its quota for gemini-2\.5-flash \(requests a day \(limit 30\): 1 key, back in /);
    };
    await said(await ask('day', 1));
    assert.equal((await meters())[0].refused.rpd, 2);
    const { requests } = await upstream.state();
    await said(await ask('day', 2));
    assert.equal((await upstream.state()).requests, requests);
  });

  // Two keys in each of three projects; what is named is told apart by how often upstream refuses it.
  describe('files and caches', () => {
    const FILE = 'files/mine-1';
    const MINE = Array.from({ length: 6 }, (_, i) => `key-of-a-project-${1000 + i}`); // they are seen by their ends
    const CACHE = 'cachedContents/mine-2';
    const held = (...holds) => ({ projects: ['one', 'two', 'three'].map((name, p) => (
      { name, keys: [MINE[p], MINE[p + 3]], models: {}, holds: holds[p] ?? [] })) });
    const named = (own, what, i) => own.gateway.chat(what.startsWith('files/')
      ? { model: MODEL, messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: what } }, { type: 'text', text: `look ${i}` }] }] }
      : { model: MODEL, messages: [{ role: 'user', content: `look ${i}` }], extra_body: { google: { cached_content: what } } });
    const files = (name, holds, act) => test(name, () => scene({ keys: MINE, wall_ms: NOON, quotas: held(...holds) }, act));
    const sent = async (own) => (await own.upstream.state()).requests;

    for (const what of [FILE, CACHE]) {
      files(`${what} goes to the project that holds it, and to no other once that is known`, [[], [what]], async (own) => {
        const before = await sent(own);
        assert.equal((await named(own, what, 0)).status, 200);
        assert.ok(await sent(own) - before <= 3, 'each project was asked once at most');
        await own.upstream.control('reset', {});
        await Promise.all(Array.from({ length: 12 }, async (_, i) => assert.equal((await named(own, what, i)).status, 200)));
        assert.equal(await sent(own), 12);
        for (const { key } of await own.upstream.requests()) assert.ok(['1001', '1004'].includes(key), key);
      });

      files(`${what} that nobody holds is refused in Google's words, and no key suffers`, [], async (own) => {
        const before = await sent(own);
        const r = await named(own, what, 0);
        assert.equal(r.status, 403);
        assert.match((await r.json()).error.message, what === FILE ? /permission to access the File mine-1 or it may not exist/ : /CachedContent not found/);
        assert.ok(await sent(own) - before <= 8, 'the bound for one request holds');
        await own.upstream.control('reset', {});
        for (let i = 0; i < 12; i++) assert.equal((await own.ask('on', i)).status, 200);
        assert.equal(await sent(own), 12);
      });

      files(`${what} that is gone where it was is looked for elsewhere`, [[what]], async (own) => {
        assert.equal((await named(own, what, 0)).status, 200);
        await own.upstream.control('quotas', held([], [], [what]));
        assert.equal((await named(own, what, 1)).status, 200);
        const before = await sent(own);
        assert.equal((await named(own, what, 2)).status, 200);
        assert.equal(await sent(own) - before, 1);
      });
    }

    // Both at once: files in the messages, a cache beside them.
    const both = (own, ...names) => {
      const content = names.filter((name) => name.startsWith('files/')).map((file_id) => ({ type: 'file', file: { file_id } }));
      const cached_content = names.find((name) => name.startsWith('cachedContents/'));
      return own.gateway.chat({ model: MODEL, messages: [{ role: 'user', content: [...content, { type: 'text', text: 'look' }] }], ...(cached_content && { extra_body: { google: { cached_content } } }) });
    };
    const OTHER = 'files/yours-3';
    const HOST = 'https://generativelanguage.googleapis.com/v1beta';
    for (const [what, one, other] of [['two files', FILE, OTHER], ['a cache and a file', CACHE, OTHER]]) {
      files(`${what} of two projects: a 400 at once, as soon as it is known`, [[one], [other]], async (own) => {
        for (const name of [one, other]) assert.equal((await named(own, name, 0)).status, 200);
        let before = await sent(own);
        const unsure = await both(own, one, other);
        const asked = await sent(own) - before;
        if (unsure.status === 400) assert.equal(asked, 0);
        else assert.deepEqual([unsure.status, asked], [403, 1], "Google's refusal, of the one that was asked");
        for (const name of [one, other]) assert.equal((await named(own, name, 1)).status, 200);
        before = await sent(own);
        for (const stream of [false, true]) {
          const r = await both({ gateway: { chat: (body) => own.gateway.chat({ ...body, stream }) } }, one, other);
          const { error } = await r.json();
          assert.equal(r.status, 400);
          assert.equal(error.type, 'invalid_request_error');
          for (const name of [one, other]) assert.ok(error.message.includes(`'${name}'`), error.message);
          assert.ok(!MINE.some((key) => error.message.includes(key)), 'it names no key');
        }
        assert.equal(await sent(own), before, 'nothing was sent');
        for (const name of [one, other]) assert.equal((await named(own, name, 2)).status, 200);
      });
    }

    files('addresses are told without what stands behind their question mark', [[FILE], [OTHER]], async (own) => {
      for (let i = 0; i < 2; i++) for (const name of [FILE, OTHER]) assert.equal((await named(own, name, i)).status, 200);
      await both(own, FILE, OTHER);
      for (const name of [FILE, OTHER]) assert.equal((await named(own, name, 2)).status, 200);
      const uri = (name) => ({ type: 'image_url', image_url: { url: `${HOST}/${name}?key=hidden-from-all` } });
      const r = await own.gateway.chat({ model: MODEL, messages: [{ role: 'user', content: [uri(FILE), uri(OTHER)] }] });
      const text = await r.text();
      assert.equal(r.status, 400, text);
      assert.ok(!text.includes('hidden-from-all'), text);
      assert.match(text, /'files\/mine-1' and 'files\/yours-3' belong to Gemini API keys of different projects/);
    });

    files('several of one project go to its keys', [[], [FILE, OTHER, CACHE]], async (own) => {
      for (const name of [FILE, OTHER, CACHE]) assert.equal((await named(own, name, 0)).status, 200);
      const before = await sent(own);
      for (let i = 0; i < 6; i++) assert.equal((await both(own, CACHE, FILE, OTHER)).status, 200);
      assert.equal(await sent(own) - before, 6);
    });

    files('of two that are known in one project, the one that is gone is refused by its key alone', [[FILE, OTHER]], async (own) => {
      assert.equal((await both(own, FILE, OTHER)).status, 200);
      await own.upstream.control('quotas', held([FILE]));
      const before = await sent(own);
      const r = await both(own, FILE, OTHER);
      assert.equal(r.status, 403);
      assert.match((await r.json()).error.message, /the File yours-3/);
      assert.equal(await sent(own) - before, 1, 'nobody else can have the other one');
    });
  });

  day('a day that is over when one more is tried: everything flows again', { wall_ms: NOON + 60_000 - SOON }, async ({ ask, meters, upstream }) => {
    const waiting = ask('day', 1);
    await until('the refusal', async () => (await meters())[0].refused.rpd === 1);
    await upstream.control('clock', { advance_ms: 24 * 3600_000 });
    assert.equal((await deadline(waiting, 'the one who waits')).status, 200);
    for (let i = 2; i < 4; i++) assert.equal((await ask('day', i)).status, 200);
    assert.equal((await meters())[0].refused.rpd, 1);
  });
});
