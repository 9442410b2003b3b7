# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""The doctor in scripted broken surroundings: which findings, which exit status."""
import asyncio
import base64
import json

from road import free_port
from scenes import ok, scene
from stage import KEY, TOKEN, Stage
from upstream import Upstream, event
from wire import body_of, chunk, pieces, read_head


async def doctor(w, *args, env=None):
    """Findings by id, and the exit status, of the command."""
    process = await asyncio.create_subprocess_exec(
        f'{w.root}/code/bootstrap', 'doctor', '--json', *args, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={'GEMINI_API_KEY': KEY, 'AUTH_TOKEN': TOKEN, 'QUEQIAO_PLATFORM': 'none', 'QUEQIAO_CONNECT_TIMEOUT': '20s',
             'QUEQIAO_DNS_TIMEOUT': '2s', **(env or {})})
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert KEY.encode() not in out + err and TOKEN.encode() not in out + err
    assert out, err.decode()
    value = json.loads(out)
    return {f['id']: f for f in value['findings']}, process.returncode


def has(found, *ids, without=()):
    for i in ids:
        assert i in found, (i, found)
    for i in without:
        assert i not in found, (i, found)
    return found


def error(code, status, message, details=None):
    return {'error': {'code': code, 'status': status, 'message': message, **({'details': details} if details else {})}}


LOCATION = error(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.')
NO_KEY = error(403, 'PERMISSION_DENIED', 'Method doesn\'t allow unregistered callers.')
BAD_KEY = error(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
    {'@type': 'type.googleapis.com/google.rpc.ErrorInfo', 'reason': 'API_KEY_INVALID'}])
SUSPENDED = error(403, 'PERMISSION_DENIED', 'Consumer has been suspended.')
OVER_QUOTA = error(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.', [
    {'@type': 'type.googleapis.com/google.rpc.QuotaFailure', 'violations': [
        {'quotaId': 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', 'quotaValue': '50'}]}])
NO_MODEL = error(404, 'NOT_FOUND', 'models/gone is not found for API version v1beta')


async def well(request, answer):
    """Upstream as it should be, with a stream that takes its time."""
    if not request.head.get('x-goog-api-key'):
        await answer.whole(403, NO_KEY)
    elif 'streamGenerateContent' in request.target:
        if 'gone' in request.target:
            return await answer.whole(404, NO_MODEL)
        await answer.begin()
        for i in range(6):
            await answer.event(event(f'{i} ', 'STOP' if i == 5 else None))
            await asyncio.sleep(0.05)  # a doctor that is held up meanwhile must not take it for one piece
        await answer.end()
    else:
        await answer.whole(200, {'models': []})


@scene('D01', 'doctor: all is well: exit 0')
async def d01(w):
    up = await Upstream().start()
    up.script = well
    found, status = await doctor(w, 'gemini-test', env={'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}'})
    has(found, 'upstream-ok', 'key-ok', 'model-ok', 'upstream-streams', without=('clock-skew', 'no-good-key'))
    assert status == 0, status
    found, status = await doctor(w, env={'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}'})
    has(found, 'no-model-asked', without=('model-ok',))
    assert len([r for r in up.requests if r.method == 'POST']) == 1  # nothing is spent without being asked


@scene('D02', 'doctor: DNS, TCP, TLS and what is no Gemini')
async def d02(w):
    found, status = await doctor(w, env={'GEMINI_BASE_URL': 'https://no-such-host.invalid'})
    has(found, 'dns-failed', without=('upstream-ok', 'key-ok'))
    assert status == 1
    found, status = await doctor(w, env={'GEMINI_BASE_URL': f'http://127.0.0.1:{free_port()}'})
    has(found, 'connect-failed')
    assert status == 1
    if w.nginx:
        url = f'https://127.0.0.1:{w.nginx["h2"].port}'
        found, status = await doctor(w, env={'GEMINI_BASE_URL': url})  # its CA is not known
        has(found, 'tls-failed')
        assert status == 1
        found, _ = await doctor(w, env={'GEMINI_BASE_URL': url, 'SSL_CERT_FILE': f'{w.folder}/ca.pem'})
        has(found, 'upstream-ok', without=('tls-failed',))
    up = await Upstream().start()

    async def page(request, answer):
        await answer.whole(200, b'<html>welcome</html>')
    up.script = page
    found, status = await doctor(w, env={'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}'})
    has(found, 'not-gemini', without=('key-ok',))
    assert status == 1

    async def silent(request, answer):
        answer.writer.transport.abort()
        raise ConnectionError
    up.script = silent
    found, status = await doctor(w, env={'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}'})
    has(found, 'no-answer')


@scene('D03', 'doctor: the location, keys of every kind, a missing model')
async def d03(w):
    up = await Upstream().start()
    keys = {'A': BAD_KEY, 'B': SUSPENDED, 'C': OVER_QUOTA, 'D': error(402, 'X', 'credit used up'),
            'E': error(500, 'INTERNAL', 'oops'),
            'F': error(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked.')}
    status_of = {'A': 400, 'B': 403, 'C': 429, 'D': 402, 'E': 500, 'F': 403}

    async def script(request, answer):
        key = request.head.get('x-goog-api-key')
        if key[-1:] in keys:
            await answer.whole(status_of[key[-1]], keys[key[-1]])
        else:
            await well(request, answer)
    up.script = script
    url = {'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}'}
    bad = ','.join(f'AIzaSy-0123456789-0123456789-{k}' for k in keys)
    found, status = await doctor(w, env={**url, 'GEMINI_API_KEY': bad})
    has(found, 'key-invalid', 'key-forbidden', 'key-leaked', 'key-limited', 'key-credit', 'key-unclear', 'no-good-key')
    assert found['key-limited']['subject'].startswith('key 3 of 6, '), found['key-limited']
    assert 'free tier' in found['key-limited']['detail'], found['key-limited']
    assert status == 1
    found, status = await doctor(w, 'gone', 'gemini-test', '../x', env=url)
    has(found, 'key-ok', 'model-missing', 'model-ok', without=('no-good-key',))

    async def refuse(request, answer):
        await answer.whole(400, [LOCATION])
    up.script = refuse
    found, status = await doctor(w, env={**url, 'GEMINI_API_KEY': f'{KEY},{KEY}2'})
    has(found, 'location-refused', without=('key-invalid',))
    assert status == 1


@scene('D04', 'doctor: a wrong clock, a gathered stream, options that hurt')
async def d04(w):
    up = await Upstream().start()

    async def late(request, answer):
        if 'streamGenerateContent' in request.target:
            data = b''.join(b'data: ' + json.dumps(event(str(i), 'STOP')).encode() + b'\r\n\r\n' for i in range(9))
            await answer.whole(200, data)
        else:
            await answer.whole(200, {'models': []}, [('date', 'Mon, 23 Nov 2020 04:28:00 GMT')])
    up.script = late
    url = {'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}'}
    found, status = await doctor(w, 'gemini-test', env=url)
    has(found, 'clock-skew', 'upstream-buffered')
    assert status == 3, status
    found, _ = await doctor(w, env={**url, 'AUTH_TOKEN': '', 'QUEQIAO_LISTEN': '0.0.0.0:1'})
    has(found, 'no-token')
    found, _ = await doctor(w, env={**url, 'AUTH_TOKEN': 'short', 'QUEQIAO_LISTEN': '0.0.0.0:1', 'HTTPS_PROXY': 'http://p'})
    has(found, 'weak-token')
    found, _ = await doctor(w, env={**url, 'GEMINI_API_KEY': ''})
    has(found, 'token-without-keys')
    found, _ = await doctor(w, env={**url, 'QUEQIAO_PLATFORM': 'auto', 'FC_FUNCTION_NAME': 'f', 'FC_REGION': 'cn-hongkong',
                                    'FC_TIMEOUT': '3', 'FC_FUNCTION_MEMORY_SIZE': '64', 'QUEQIAO_MEMORY_BUDGET': '100M',
                                    'ALIBABA_CLOUD_ACCESS_KEY_ID': 'CANARY-AK'})
    has(found, 'region-refused', 'timeout-tiny', 'little-memory', 'budget-over-memory', 'credentials-injected',
        'concurrency-unknown')
    assert 'CANARY' not in json.dumps(found)


@scene('D05', 'WEB-1, PRC-8: /doctor: only with the token; text, HTML and JSON, English and Chinese; the form')
async def d05(w):
    async with Stage(w) as s:
        s.upstream.script = well
        token, s.gateway.token = s.gateway.token, 'wrong'
        ok(await s.gateway.request('GET', '/doctor'), 401)
        ok(await s.gateway.request('GET', '/doctor/stream'), 401)
        ok(await s.gateway.request('GET', '/metrics'), 401)
        form = ok(await s.gateway.request('GET', '/doctor', headers={'Accept': 'text/html', 'Accept-Language': 'zh-CN'}), 401)
        assert b'<form' in form.body and '令牌'.encode() not in form.body and 'AUTH_TOKEN' in form.body.decode()
        assert "default-src 'none'" in form.head.get('content-security-policy')
        assert not form.head.get('access-control-allow-origin')
        filled = {'Accept': 'text/html', 'Content-Type': 'application/x-www-form-urlencoded'}
        r = ok(await s.gateway.request('POST', '/doctor', b'key=nope&lang=en', headers=filled), 401)
        assert b'not one of them' in r.body
        r = ok(await s.gateway.request('POST', '/doctor', f'key={token}&lang=en&model=gemini-test'.encode(), headers=filled))
        assert b'<table>' in r.body and b'model-ok' in r.body
        s.gateway.token = token
        r = ok(await s.gateway.request('GET', '/doctor?lang=zh'))
        assert r.head.get('content-type').startswith('text/plain') and 'key 有效' in r.body.decode()
        r = ok(await s.gateway.request('GET', '/doctor', headers={'Accept': 'text/html'}))
        assert b'<html lang="en">' in r.body
        ids = {f['id'] for f in ok(await s.gateway.request('GET', '/doctor?format=json')).json()['findings']}
        assert {'platform', 'upstream-ok', 'key-ok', 'credentials-injected', 'concurrency-unknown'} <= ids, ids
        css = ok(await s.gateway.request('GET', '/doctor/style.css'))
        assert css.head.get('content-type').startswith('text/css')
        s.gateway.timeout = 3
        ids = {f['id'] for f in ok(await s.gateway.request('GET', '/doctor?format=json')).json()['findings']}
        assert 'timeout-tiny' in ids


@scene('D06', 'AUT-4: a client\'s own key, or being let in with everybody, opens no page of the operator')
async def d06(w):
    async with Stage(w, env={'QUEQIAO_BYOK': '1'}) as s:
        s.gateway.token = 'AIzaSy-a-clients-own-key'
        for path in ('/doctor', '/metrics', '/doctor/stream'):
            ok(await s.gateway.request('GET', path), 401)
    async with Stage(w, token='', env={'AUTH_TOKEN': '', 'QUEQIAO_ALLOW_ANONYMOUS': '1'}) as s:
        s.gateway.token = 'anything'
        ok(await s.gateway.chat())
        for path in ('/doctor', '/metrics', '/doctor/stream'):
            ok(await s.gateway.request('GET', path), 401)


class Front:
    """A reverse proxy before one runtime or several: gathers answers, or takes turns."""

    def __init__(self, ports, gathers=False):
        self.ports, self.gathers, self.turn = ports, gathers, 0

    async def start(self):
        server = await asyncio.start_server(self._serve, '127.0.0.1', 0)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await read_head(reader)
                await body_of(reader, head)
                port = self.ports[self.turn % len(self.ports)]
                self.turn += '/doctor/stream' in head.first
                back_reader, back = await asyncio.open_connection('127.0.0.1', port)
                raw = '\r\n'.join([head.first] + [f'{k}: {v}' for k, v in head.fields]).encode() + b'\r\n\r\n'
                back.write(raw)
                answer = await read_head(back_reader)
                fields = [f'{k}: {v}' for k, v in answer.fields if k not in ('transfer-encoding', 'content-length')]
                if self.gathers:
                    data = await body_of(back_reader, answer)
                    fields.append(f'content-length: {len(data)}')
                    writer.write('\r\n'.join([answer.first, *fields]).encode() + b'\r\n\r\n' + data)
                else:
                    fields.append('transfer-encoding: chunked')
                    writer.write('\r\n'.join([answer.first, *fields]).encode() + b'\r\n\r\n')
                    async for piece in pieces(back_reader, answer):
                        writer.write(chunk(piece))
                        await writer.drain()
                    writer.write(b'0\r\n\r\n')
                await writer.drain()
                back.close()
        except Exception:  # pylint: disable=broad-except
            writer.close()


@scene('D07', 'doctor of a deployment: streams that arrive whole, one request an instance, a wrong token')
async def d07(w):
    async with Stage(w, road='h1') as s:
        s.upstream.script = well
        plain = f'http://127.0.0.1:{s.runtime.port}'
        found, status = await doctor(w, f'{plain}/v1', 'gemini-test')
        has(found, 'gate-ok', 'gate-streams', 'model-ok', 'upstream-ok', without=('concurrency-one', 'gate-buffered'))
        assert found['model-ok']['subject'] == 'server, gemini-test'
        found, status = await doctor(w, plain, env={'AUTH_TOKEN': 'wrong'})
        has(found, 'gate-token', without=('upstream-ok',))
        assert status == 1
        front = await Front([s.runtime.port], gathers=True).start()
        found, status = await doctor(w, f'http://127.0.0.1:{front.port}')
        has(found, 'gate-buffered', without=('gate-streams',))
        assert status == 1
        async with Stage(w, road='h1') as t:
            front = await Front([s.runtime.port, t.runtime.port]).start()
            found, _ = await doctor(w, f'http://127.0.0.1:{front.port}')
            has(found, 'concurrency-one', 'gate-streams')
    up = await Upstream().start()

    async def refuse(request, answer):
        await answer.whole(403, {'Code': 'AccessDenied'})
    up.script = refuse
    found, status = await doctor(w, f'http://127.0.0.1:{up.port}')
    has(found, 'gate-foreign')
    found, status = await doctor(w, f'http://127.0.0.1:{free_port()}')
    has(found, 'gate-unreached')
    assert status == 1


@scene('D08', '/metrics: what was served is counted, for all workers together')
async def d08(w):
    async with Stage(w, env={'QUEQIAO_QUOTA_WAIT': '0'}) as s:
        for _ in range(3):
            ok(await s.gateway.chat())
        await (await s.gateway.stream()).rest()

        async def refuse(request, answer):
            await answer.whole(429, OVER_QUOTA)
        s.upstream.script = refuse
        await s.gateway.chat()
        text = ok(await s.gateway.request('GET', '/metrics')).body.decode()
        assert 'queqiao_requests_total{dialect="openai",status="200",end="finish"} 4\n' in text, text
        assert 'queqiao_requests_total{dialect="openai",status="429",end="error"} 1\n' in text, text
        assert 'queqiao_key_requests_total{outcome="limited"} 1\n' in text, text
        s.upstream.script = well
        found = {f['id']: f for f in ok(await s.gateway.request('GET', '/doctor?format=json')).json()['findings']}
        has(found, 'key-cooling', 'quota-known', 'key-ok')
        assert '50' in found['quota-known']['detail'], found['quota-known']
        for name in ('gen_ai_client_token_usage_sum', 'gen_ai_server_request_duration_seconds_bucket',
                     'gen_ai_server_time_to_first_token_seconds_count', 'process_resident_memory_bytes'):
            assert f'\n{name}' in text, name
        for line in text.splitlines():
            assert line.startswith('#') or len(line.rsplit(' ', 1)) == 2 and float(line.rsplit(' ', 1)[1]) >= 0, line
        assert KEY not in text and s.token not in text


class Proxy:
    """HTTP CONNECT: whatever name it is asked for, it leads to one port."""

    def __init__(self, to, status=200, login=None):
        self.to, self.status, self.login, self.asked = to, status, login, []

    async def start(self):
        server = await asyncio.start_server(self._serve, '127.0.0.1', 0)
        self.port = server.sockets[0].getsockname()[1]
        self.name = f'http://127.0.0.1:{self.port}'
        return self

    async def _serve(self, reader, writer):
        head = await read_head(reader)
        self.asked.append(head.first.split()[1])
        status = self.status
        if self.login and head.get('proxy-authorization') != 'Basic ' + base64.b64encode(self.login.encode()).decode():
            status = 407
        writer.write(f'HTTP/1.1 {status} x\r\n\r\n'.encode())
        if status != 200:
            writer.close()
            return
        back_reader, back = await asyncio.open_connection('127.0.0.1', self.to)

        async def pump(a, b):
            try:
                while data := await a.read(65536):
                    b.write(data)
            except OSError:
                pass
            b.close()
        await asyncio.gather(pump(reader, back), pump(back_reader, writer))


@scene('D09', 'doctor: proxies that work, refuse, are not there, want a password or stand in a refused place')
async def d09(w):
    up = await Upstream().start()
    up.script = well
    there = Upstream()
    await there.start()

    async def refuse(request, answer):
        await answer.whole(400, [LOCATION])
    there.script = refuse
    url = {'GEMINI_BASE_URL': 'http://gemini.test:8000'}  # a name that only proxies lead to
    good = await Proxy(up.port, login='me:CANARY').start()
    found, status = await doctor(w, 'gemini-test', env={**url, 'ALL_PROXY': f'http://me:CANARY@127.0.0.1:{good.port}'})
    has(found, 'proxy-ok', 'upstream-ok', 'key-ok', 'model-ok', 'upstream-streams', without=('dns-failed',))
    assert found['proxy-ok']['subject'] == good.name and 'CANARY' not in json.dumps(found)
    assert status == 3 and set(good.asked) == {'gemini.test:8000'}, good.asked  # 3: upstream is not https
    found, status = await doctor(w, env={**url, 'all_proxy': good.name})
    has(found, 'proxy-login', without=('proxy-ok', 'upstream-ok', 'key-ok'))
    assert status == 1
    for proxy in ((await Proxy(up.port, 502).start()).name, f'socks5://127.0.0.1:{free_port()}'):
        found, status = await doctor(w, env={**url, 'ALL_PROXY': proxy})
        has(found, 'proxy-failed', without=('upstream-ok', 'connect-failed'))
        assert found['proxy-failed']['subject'] == proxy and status == 1
    refused = await Proxy(there.port).start()
    found, status = await doctor(w, env={**url, 'ALL_PROXY': refused.name})
    has(found, 'location-refused')
    assert found['location-refused']['subject'] == refused.name and status == 1
    good.login = None
    found, status = await doctor(w, env={**url, 'ALL_PROXY': f'{refused.name},{good.name},direct'})
    has(found, 'way-refused', 'way-failed', 'proxy-ok', 'key-ok', without=('location-refused', 'dns-failed'))
    assert status == 3, found
    keys = f'{KEY},{KEY}2 {refused.name},{KEY}3 http://127.0.0.1:{free_port()}'
    found, status = await doctor(w, env={**url, 'ALL_PROXY': good.name, 'GEMINI_API_KEY': keys})
    has(found, 'key-ok', 'location-refused', 'proxy-failed', 'key-unclear', without=('way-refused',))
    assert status == 1
    found, status = await doctor(w, env={'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}', 'ALL_PROXY': 'socks5://nowhere'})
    has(found, 'upstream-ok', without=('proxy-ok', 'proxy-failed'))  # this machine needs no proxy
    assert status == 0


@scene('D10', 'doctor: LIM-18: thirty-two keys are tried, of one more it is said that it was not')
async def d10(w):
    up = await Upstream().start()
    up.script = well
    for n, without in ((32, 'keys-unasked'), (33, None)):
        seen = set()

        async def script(request, answer):
            seen.add(request.head.get('x-goog-api-key'))
            await well(request, answer)
        up.script = script
        keys = [f'{KEY}{i:02}' for i in range(n)]
        found, _ = await doctor(w, env={'GEMINI_BASE_URL': f'http://127.0.0.1:{up.port}', 'GEMINI_API_KEY': ','.join(keys)})
        has(found, 'key-ok', without=(without,) if without else ())
        assert seen & set(keys) == set(keys[:32]), len(seen)
        if not without:
            assert found['keys-unasked']['detail'] == '32 of 33', found['keys-unasked']
