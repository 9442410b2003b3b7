// reporter.mjs - one line for each test, all of a failure, and at the end the counts.
import path from 'node:path';

const explain = (error) => {
  const cause = error?.cause ?? error;
  const text = cause?.stack ?? String(cause);
  return text.split('\n').map((l) => `       ${l}`).join('\n');
};

export default async function* report(source) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const said = new Map(); // what each file printed, for the case that it breaks as a whole
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout') {
      if (process.env.E2E_VERBOSE) yield data.message;
      said.set(data.file, ((said.get(data.file) ?? '') + data.message).slice(-8000));
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
      yield `FAIL   ${suite}${data.name}\n${explain(data.details?.error)}\n`;
      if (frame) yield said.get(data.file) ?? said.get(data.name) ?? '';
    } else {
      count.passed++;
      yield `ok     ${suite}${data.name} (${Math.round(data.details?.duration_ms ?? 0)} ms)\n`;
    }
  }
  yield `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`;
}
