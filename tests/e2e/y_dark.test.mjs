// A connection whose packets get lost without a word: what no relay can play, since its kernel goes on
// answering. A network of one's own can; where the system gives none, this is left out.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { SLOW, haveEmulator } from './lib.mjs';

/** A network in which a rule decides before the local addresses do. */
const OWN = 'ip link set lo up && ip rule add pref 100 lookup local && ip rule del pref 0 && exec "$@"';
const alone = (...command) => spawnSync('unshare', ['-Urn', 'sh', '-c', OWN, 'sh', ...command], { encoding: 'utf8', timeout: 120_000 });

function whyNot() {
  if (SLOW) return 'once is enough: it is the kernel that is asked';
  return alone('ip', 'rule', 'add', 'pref', '10', 'ipproto', 'tcp', 'dport', '1', 'blackhole').status !== 0 && 'no network of one\'s own here';
}

test('UPS-6: packets of a connection are lost: what had not begun is asked again, unseen; a stream that had is told',
  { skip: haveEmulator || whyNot() }, () => {
    const r = alone(process.execPath, '--no-warnings', new URL('dark.mjs', import.meta.url).pathname);
    assert.equal(r.status, 0, `${r.stdout}${r.stderr}${r.error ?? ''}`);
  });
