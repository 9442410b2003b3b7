// The documents agree with each other and with the program.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');
const run = (...args) => execFileSync(path.join(ROOT, 'build/release/queqiao'), args, { encoding: 'utf8' });
const DOCUMENTS = [...readdirSync(ROOT).filter((f) => f.endsWith('.md')),
  ...readdirSync(path.join(ROOT, 'docs'), { recursive: true }).filter((f) => String(f).endsWith('.md')).map((f) => `docs/${f}`)];
const withoutCode = (text) => text.replace(/^```[^]*?^```$/gm, '');

test('the documents that must be there are there', () => {
  for (const name of ['README.md', 'README.zh-CN.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md',
    'LICENSE', 'docs/options.md', 'docs/man/queqiao.1'])
    assert.ok(existsSync(path.join(ROOT, name)), name);
});

test('README in two languages: the same sections, code and table rows in the same order', () => {
  const shape = (name) => {
    const text = read(name);
    return {
      headings: [...withoutCode(text).matchAll(/^(#+) /gm)].map((m) => m[1].length),
      code: [...text.matchAll(/^```(\w*)$/gm)].map((m) => m[1]),
      rows: [...withoutCode(text).matchAll(/^\|/gm)].length,
      words: [...withoutCode(text).matchAll(/`([A-Z][A-Z_]{3,})[`=]/g)].map((m) => m[1]),
      links: [...withoutCode(text).matchAll(/\]\(([^)]+)\)/g)].map((m) => m[1]).map((l) => l.replace('.zh-CN.md', '.md')).filter((l) => !/^README/.test(l)),
    };
  };
  const [en, zh] = [shape('README.md'), shape('README.zh-CN.md')];
  assert.deepEqual(zh.headings, en.headings);
  assert.deepEqual(zh.code, en.code);
  assert.equal(zh.rows, en.rows);
  assert.deepEqual([...new Set(zh.words)].sort(), [...new Set(en.words)].sort());
  assert.deepEqual(zh.links, en.links);
});

test('every link inside the repository leads somewhere', () => {
  for (const name of DOCUMENTS)
    for (const [, target] of withoutCode(read(name)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split('#');
      const at = path.join(path.dirname(path.join(ROOT, name)), file || path.basename(name));
      assert.ok(existsSync(at), `${name}: ${target}`);
      if (anchor) {
        const anchors = [...readFileSync(at, 'utf8').matchAll(/^#+ (.*)$/gm)]
          .map((m) => m[1].toLowerCase().replace(/[^\p{L}\p{N} -]/gu, '').replace(/ /g, '-'));
        assert.ok(anchors.includes(anchor), `${name}: ${target}`);
      }
    }
});

test('docs/hardening.md: each row has a test that names it, and each test that is named is there', () => {
  execFileSync(path.join(ROOT, 'tools/hardening'), ['--check'], { stdio: 'pipe', encoding: 'utf8' });
});

test('docs/options.md and the man page are what the program prints', () => {
  execFileSync(path.join(ROOT, 'tools/docs'), ['--check'], { stdio: 'pipe' });
  assert.equal(read('docs/options.md'), run('--print-options'));
});

test('every variable that a document names is an option, or is read from a platform', () => {
  const known = new Set([...run('--print-options').matchAll(/^\| `([A-Z_]+)`/gm)].map((m) => m[1]));
  const FOREIGN = /^(PORT|FC_\w+|AWS_LWA_PORT|OPENAI_\w+|BASE_URL|CUSTOM_MODELS|FUZZ_SECONDS|E2E_\w+|SO_REUSEPORT|TCP_NODELAY|CLANG_FORMAT)$/;
  for (const name of ['README.md', 'README.zh-CN.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs/man/queqiao.1'])
    for (const [, word] of read(name).matchAll(/(?<![A-Za-z_])((?:GEMINI|QUEQIAO|AUTH|SSL)_[A-Z_]+)\b/g))
      assert.ok(known.has(word) || FOREIGN.test(word), `${name}: ${word}`);
});

test('the man page has every option', () => {
  const page = read('docs/man/queqiao.1');
  for (const [, name] of run('--print-options').matchAll(/^\| `([A-Z_]+)`/gm))
    assert.match(page, new RegExp(`^\\.It Ev ${name}$`, 'm'), name);
});

test('--help tells every command that the man page has', () => {
  const help = run('--help');
  for (const [, command] of read('docs/man/queqiao.1').matchAll(/^\.It (?:Cm|Fl Fl) ([\w-]+)/gm)) assert.ok(help.includes(command), command);
});

test('the version is one', () => {
  const version = /version: '([^']+)'/.exec(read('meson.build'))[1];
  assert.equal(run('--version').trim(), `queqiao ${version}`);
  assert.match(read('CHANGELOG.md'), new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b`, 'm'));
});

test('every cap in ARCHITECTURE.md has the value of the program', () => {
  const options = new Map([...run('--print-options').matchAll(/^\| `([A-Z_]+)` \| `?([^`|]*?)`? \|/gm)].map((m) => [m[1], m[2]]));
  const rows = [...read('ARCHITECTURE.md').matchAll(/^\| [^|]+ \| ([^|]+) \| `([^`]+)`[^|]*\|/gm)];
  assert.ok(rows.length >= 10, 'the table of caps is there');
  const source = new Map();
  for (const file of readdirSync(path.join(ROOT, 'src'), { recursive: true }))
    if (/\.[ch]$/.test(file))
      for (const [, name, value] of read(`src/${file}`).matchAll(/\b([A-Z][A-Z0-9_]+)\s*=\s*([0-9](?:[0-9*<\s]*[0-9])?)\s*(?:[,;}]|\/\*)/g))
        source.set(name, value);
  const number = (text) => {
    const m = /^([\d,]+) ?(KiB|MiB|GiB|s|min|h|ms)?/.exec(text.trim());
    const unit = { KiB: 1 << 10, MiB: 1 << 20, GiB: 2 ** 30, s: 1000, min: 60_000, h: 3600_000, ms: 1 }[m?.[2]] ?? 1;
    return m ? Number(m[1].replaceAll(',', '')) * unit : NaN;
  };
  const option = (text) => {
    const m = /^(\d+)(K|M|G|ms|s|m|h)?$/.exec(text);
    return m ? Number(m[1]) * ({ K: 1 << 10, M: 1 << 20, G: 2 ** 30, s: 1000, m: 60_000, h: 3600_000 }[m[2]] ?? 1) : NaN;
  };
  for (const [, value, where] of rows) {
    if (options.has(where)) {
      assert.equal(number(value), option(options.get(where)), where);
    } else if (/^[A-Z][A-Z0-9_]+$/.test(where)) {
      assert.ok(source.has(where), `${where} is in no source file`);
      assert.equal(number(value), Function(`return ${source.get(where)}`)(), where);
    }
  }
});

test('nobody is sent to a package registry, and no path of anyone\'s machine is told', () => {
  for (const name of [...DOCUMENTS, 'tests/e2e/package-lock.json', 'run', 'test', 'scripts/setup', 'docs/man/queqiao.1'])
    assert.doesNotMatch(read(name), /registry\.npmjs|deb\.debian\.org|\/home\/\w+|\/root\/|\/work\//, name);
});
