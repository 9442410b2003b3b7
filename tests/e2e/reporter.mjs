// reporter.mjs - one line for each test, all of a failure, what a file with one said besides, and at
// the end the counts.
import path from 'node:path';

const indented = (text) => text.trimEnd().split('\n').map((l) => `       ${l}\n`).join('');

/** The error and what it says of its causes: of a fetch that failed, only those know why. */
function explain(error) {
  let text = '';
  for (let e = error?.cause ?? error; e !== undefined && text.length < 50_000; e = e?.cause)
    text += `${text && 'because of '}${e?.stack ?? String(e)}\n`;
  return indented(text);
}

export default async function* report(source) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const said = new Map(); // what each file printed, which for one with a failure is shown
  const broken = new Set();
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout') {
      if (process.env.E2E_VERBOSE) yield data.message;
      said.set(data.file, ((said.get(data.file) ?? '') + data.message).slice(-60_000));
      continue;
    }
    if (type === 'test:diagnostic' && /^(Error|Warning): /.test(data.message)) yield `note   ${data.message}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const failed = type === 'test:fail' && data.todo === undefined;
    const suite = data.file ? `${path.basename(data.file).replace(/\.(test\.)?mjs$/, '')}: ` : '';
    // A file or a describe() is a frame around its tests; it counts only when it breaks by itself.
    const frame = data.details?.type === 'suite' || /\.mjs$/.test(data.name);
    if (frame && !(failed && data.details?.error?.failureType !== 'subtestsFailed')) continue;
    if (data.skip !== undefined) {
      count.skipped++;
      yield `skip   ${suite}${data.name} (${data.skip === true ? 'no reason given' : data.skip})\n`;
    } else if (failed) {
      count.failed++;
      yield `FAIL   ${suite}${data.name}\n${explain(data.details?.error)}`;
      broken.add(data.file).add(data.name);
    } else {
      count.passed++;
      yield `ok     ${suite}${data.name} (${Math.round(data.details?.duration_ms ?? 0)} ms)\n`;
    }
  }
  for (const [file, text] of said)
    if (broken.has(file)) yield `said   ${path.basename(file)}\n${indented(text)}`;
  yield `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`;
}
