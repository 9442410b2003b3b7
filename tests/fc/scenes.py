# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""The scenes, by the number of what each one holds true. No scene asserts how long something took;
what was measured is printed."""
import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import zipfile

from gateway import chat
from runtime import Cgroup, Runtime, can_unshare
from stage import DYNAMIC, KEY, ROOT, ZIP, Skip, Stage
from upstream import default_script, event
from wire import until

SCENES = []


def scene(name, title):
    def add(f):
        SCENES.append((name, title, f))
        return f
    return add


def ok(response, status=200):
    assert response.status == status, f'{response.status}: {response.body[:500]!r}'
    return response


# ------------------------------------------------------------------------------------ start-up

async def closed_root(w, *who):
    if not (w.isolated and can_unshare('--net', '--mount', '--pid')):
        raise Skip('needs root and namespaces')
    done = subprocess.run(
        ['unshare', '--fork', '--net', '--mount', '--pid', '--kill-child', sys.executable,
         os.path.join(ROOT, 'tests/fc/offline.py'), w.root, *who], check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout.strip().splitlines()[-1]


@scene('E01', 'the port opens without a network, a writable disk, /proc, /etc or a libc')
async def e01(w):
    return await closed_root(w)


@scene('E01', 'the same as in the container image: not root, PORT')
async def e01_container(w):
    return await closed_root(w, '65532')


@scene('E01', 'the port opens at 0.05 vCPU and 128 MB, and a request is served')
async def e01_small(w):
    try:
        group = Cgroup(f'queqiao-fc-{os.getpid()}', cpu_us=5000, memory=128 << 20)
    except OSError as e:
        raise Skip(f'no cgroup: {e}') from e
    async with Stage(w, cgroup=group) as s:
        opened = asyncio.get_running_loop().time() - s.runtime.began
        ok(await s.gateway.chat())
        return f'port open after {opened * 1000:.0f} ms, RSS {s.runtime.status("VmRSS")} kB'


@scene('E02', '10,000 probes that connect and close or reset: silent, and no descriptor is lost')
async def e02(w):
    async with Stage(w) as s:
        await s.gateway.chat()
        before, log = s.runtime.fds(), len(s.runtime.log)
        for i in range(10000):
            probe = socket.create_connection(('127.0.0.1', s.runtime.port))
            if i % 2:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            probe.close()
        await until('every descriptor to be closed', lambda: s.runtime.fds() <= before)
        ok(await s.gateway.chat())
        assert len(s.lines('ev=exchange')) == 2
        assert 'level=warn' not in s.runtime.log[log:] and 'level=error' not in s.runtime.log[log:]


@scene('E03', 'hooks: /initialize warms, /pre-freeze and /invoke answer, clients cannot reach them')
async def e03(w):
    async with Stage(w, road='h2') as s:
        ok(await s.gateway.hook('/initialize', 'POST', b''))
        assert s.relay.accepted >= 1, 'no connection was opened'
        opened = s.relay.accepted
        ok(await s.gateway.chat())
        assert s.relay.accepted == opened, 'the warm connection was not used'
        ok(await s.gateway.hook('/pre-freeze'))
        for method, path in (('POST', '/initialize'), ('GET', '/pre-stop'), ('GET', '/pre-freeze'), ('POST', '/invoke')):
            r = await s.gateway.request(method, path, b'' if method == 'POST' else None)
            ok(r, 404)
            assert r.json()['error']['code'], r.body
        ok(await s.gateway.request('GET', '/readyz'))  # the client's /pre-stop has drained nothing


# ---------------------------------------------------------------------------- freeze and thaw

FATES = ('alive', 'close', 'reset', 'silent', 'goaway')


async def thaw_rounds(s, fates, freeze):
    """Before each freeze a request fills the pool; after it the first POST must succeed, with one POST
    upstream and no connection of the gateway lost."""
    inbound = s.gateway.opened
    for fate in fates:
        ok(await s.gateway.chat())
        inbound = max(inbound, s.gateway.opened)
        posts = len(s.upstream.posts())
        await freeze(fate)
        ok(await s.gateway.chat(f'after {fate}'))
        assert len(s.upstream.posts()) == posts + 1, f'{fate}: {len(s.upstream.posts()) - posts} POSTs for one'
        answer = await s.gateway.stream(f'stream after {fate}')
        assert answer.status == 200 and b'[DONE]' in await answer.rest()
    assert s.gateway.opened == inbound, 'an inbound connection was lost'


for _road in ('h1', 'h2'):
    @scene('E04', f'{_road}: the first POST after a short freeze, whatever became of the pool')
    async def e04_short(w, road=_road):
        fates = [f for f in FATES if f != 'silent' and (road == 'h2' or f != 'goaway')]
        async with Stage(w, road=road) as s:
            await thaw_rounds(s, fates, lambda fate: s.freeze(0.05, None if fate == 'alive' else fate))

    @scene('E04', f'{_road}: the first POST after 3 seconds, the silent pool included')
    async def e04_long(w, road=_road):
        async with Stage(w, road=road) as s:
            await thaw_rounds(s, FATES if road == 'h2' else FATES[:-1],
                              lambda fate: s.freeze(3, None if fate == 'alive' else fate))

    for _clock, _mono in (('the monotonic clock went on', 650), ('the monotonic clock stood still', 0)):
        @scene('E04', f'{_road}: the first POST after 650 seconds; {_clock}')
        async def e04_clock(w, road=_road, mono=_mono):
            async with Stage(w, road=road, clock=True) as s:
                await thaw_rounds(s, FATES if road == 'h2' else FATES[:-1],
                                  lambda fate: s.freeze(0.05, None if fate == 'alive' else fate, mono, 650))


@scene('E04', 'the first POST after a freeze that really took 11 minutes')
async def e04_slow(w):
    if not os.environ.get('FC_SLOW'):
        raise Skip('takes 11 minutes: FC_SLOW=1')
    async with Stage(w, road='h2') as s:
        await thaw_rounds(s, ['silent'], lambda fate: s.freeze(660, fate))


for _clock, _mono in (('the monotonic clock went on', 1), ('the monotonic clock stood still', 0)):
    @scene('E05', f'the inbound connection lives through 24 hours; {_clock}')
    async def e05(w, mono=_mono):
        async with Stage(w, clock=True) as s:
            for hours in (0.002, 0.1, 24):
                ok(await s.gateway.chat())
                await s.freeze(0.05, None, mono * hours * 3600, hours * 3600)
                ok(await s.gateway.chat())
            assert s.gateway.opened == 1

    @scene('E06', f'a freeze in the middle of answers ends none of them; {_clock}')
    async def e06(w, mono=_mono):
        async with Stage(w, clock=True) as s:
            go = asyncio.Event()

            async def script(request, answer):
                if 'stream' in request.target:
                    await answer.begin()
                    await answer.event(event('one '))
                    await go.wait()
                    await answer.event(event('two', 'STOP'))
                    await answer.end()
                else:
                    await go.wait()
                    await answer.whole(200, event('whole', 'STOP'))
            s.upstream.script = script
            streaming = await s.gateway.stream()
            assert b'one' in await streaming.next()
            whole = asyncio.ensure_future(s.gateway.chat())
            await until('both to be upstream', lambda: len(s.upstream.posts()) == 2)
            await s.freeze(0.05, None, mono * 650, 650)
            await asyncio.sleep(0.05)
            go.set()
            assert b'two' in await streaming.rest()
            ok(await whole)


@scene('E06', 'a request whose bytes came while frozen is served, though every timer has run out')
async def e06_queued(w):
    async with Stage(w, clock=True) as s:
        ok(await s.gateway.chat())
        await s.runtime.freeze()
        pending = asyncio.ensure_future(s.gateway.chat('while frozen'))
        await asyncio.sleep(0.05)
        s.clock.advance(86400, 86400)
        s.runtime.thaw()
        ok(await pending)
        assert s.gateway.opened == 1


@scene('E07', 'UPS-1: one POST upstream for each request; an error of upstream is not repeated blindly')
async def e07(w):
    async with Stage(w) as s:
        for _ in range(5):
            ok(await s.gateway.chat())
        assert len(s.upstream.posts()) == 5

        async def refuse(request, answer):
            await answer.whole(400, {'error': {'code': 400, 'message': 'bad', 'status': 'INVALID_ARGUMENT'}})
        s.upstream.script = refuse
        ok(await s.gateway.chat(), 400)
        assert len(s.upstream.posts()) == 6

        async def cut(request, answer):  # after the first byte nothing is repeated
            await answer.begin()
            await answer.event(event('one '))
            answer.writer.transport.abort()
            raise ConnectionError
        s.upstream.script = cut
        broken = await s.gateway.stream()
        text = await broken.rest()
        assert b'error' in text and b'[DONE]' not in text, text
        assert len(s.upstream.posts()) == 7


# ------------------------------------------------------------------------------------- streams

for _road in ('h1', 'h2'):
    @scene('E08', f'{_road}: lockstep: an event reaches the client before the next one is sent; [DONE] is last')
    async def e08(w, road=_road):
        async with Stage(w, road=road) as s:
            seen = asyncio.Queue()

            async def script(request, answer):
                await answer.begin()
                for i in range(20):
                    await answer.event(event(f'word{i} ', 'STOP' if i == 19 else None))
                    assert await asyncio.wait_for(seen.get(), 60) == i
                await answer.end()
            s.upstream.script = script
            answer = await s.gateway.stream()
            assert answer.head.get('transfer-encoding') == 'chunked'
            assert answer.head.get('content-type').startswith('text/event-stream')
            text = b''
            for i in range(20):
                while f'word{i} '.encode() not in text:
                    text += await answer.next()
                seen.put_nowait(i)
            text += await answer.rest()
            assert text.rstrip().endswith(b'data: [DONE]')


@scene('E08', 'heartbeats while upstream is silent, before its first byte too')
async def e08_heartbeat(w):
    async with Stage(w, env={'QUEQIAO_HEARTBEAT': '50ms'}) as s:
        go = asyncio.Event()

        async def script(request, answer):
            await go.wait()
            await default_script(request, answer)
        s.upstream.script = script
        answer = await s.gateway.stream()
        assert (await answer.next()).startswith(b':') and (await answer.next()).startswith(b':')
        go.set()
        assert b'[DONE]' in await answer.rest()


@scene('E09', 'a client that leaves: upstream is let go before the freeze, and nothing goes on after it')
async def e09(w):
    async with Stage(w) as s:
        async def script(request, answer):
            await answer.begin()
            await answer.event(event('one '))
            await request.gone.wait()
            raise ConnectionError
        s.upstream.script = script
        in_time = rounds = 0
        while rounds < 10 or (in_time == 0 and rounds < 20):  # the later ones: a machine that is busy
            rounds += 1
            answer = await s.gateway.stream()
            await answer.next()
            request = s.upstream.requests[-1]
            answer.abort()
            await asyncio.sleep(0.01 if rounds <= 10 else 0.2)
            await s.runtime.freeze()
            await asyncio.sleep(0.1)
            in_time += request.gone.is_set()
            s.runtime.thaw()
            await until('upstream to be let go', request.gone.is_set)
        await until('a line in the log for each', lambda: len(s.lines('end=client_gone')) == rounds)
        s.upstream.script = default_script
        ok(await s.gateway.chat())
        assert in_time > 0, 'upstream was never let go before the freeze'
        return f'{in_time} of {rounds} before the freeze, 10 ms later'


@scene('E09', 'a client that leaves before the first byte')
async def e09_early(w):
    async with Stage(w, road='h2') as s:
        async def script(request, answer):
            await request.gone.wait()
            raise ConnectionError
        s.upstream.script = script
        body = chat(stream=True)
        head = s.gateway.head_of('POST', '/v1/chat/completions', body, '/http-invoke', None, 'early-id-0123456789')
        _, writer = await asyncio.open_connection('127.0.0.1', s.runtime.port)
        writer.write(head + body)
        await until('the request to be upstream', s.upstream.posts)
        writer.transport.abort()
        await until('upstream to be let go', s.upstream.posts()[0].gone.is_set)
        await until('its line', lambda: [x for x in s.lines('end=client_gone') if 'id=early-id-0123456789 ' in x])


@scene('E10', '200 streams at once in one instance of 128 MB')
async def e10(w):
    async with Stage(w, road='h2') as s:
        go = asyncio.Event()

        async def script(request, answer):
            await answer.begin()
            await answer.event(event('one '))
            await go.wait()
            await answer.event(event('two', 'STOP'))
            await answer.end()
        s.upstream.script = script
        idle = s.runtime.status('VmRSS')
        answers = await asyncio.gather(*[s.gateway.stream(str(i)) for i in range(201)])
        for a in answers:
            assert a.status == 200 and b'one' in await a.next()
        rss, threads = s.runtime.status('VmRSS'), s.runtime.status('Threads')
        go.set()
        for text in await asyncio.gather(*[a.rest() for a in answers]):
            assert b'two' in text and b'[DONE]' in text
        assert rss < 64 << 10 and threads < 64, (rss, threads)
        return f'RSS idle {idle} kB, with 201 streams {rss} kB, {threads} threads'


# ------------------------------------------------------------------------- headers and secrets

@scene('E11', 'SEC-1: temporary credentials, tokens and keys go nowhere; our id of a request is the platform\'s')
async def e11(w):
    async with Stage(w) as s:
        r = ok(await s.gateway.chat(), 200)
        assert r.head.get('x-request-id') == r.id
        assert s.lines(f'id={r.id}')

        async def leak(request, answer):
            await answer.whole(400, {'error': {'code': 400, 'status': 'INVALID_ARGUMENT', 'message':
                                               f'API key {KEY} is not good; Bearer {s.token}'}})
        s.upstream.script = leak
        r = ok(await s.gateway.chat(), 400)
        assert KEY.encode() not in r.body
        for r in (await s.gateway.request('GET', '/health'), await s.gateway.request('GET', '/v1/nothing'),
                  await s.gateway.request('GET', '/metrics'), await s.gateway.request('GET', '/doctor')):
            for canary in (b'CANARY-AK', b'CANARY-SECRET', b'CANARY-TOKEN', KEY.encode(), s.token.encode()):
                assert canary not in r.body, (canary, r.body)
        assert s.upstream.posts()[0].head.get('x-goog-api-key') == KEY
        ok(await s.gateway.request('GET', f'/v1/{KEY}/chat'), 404)  # pasted into the base URL: not into the log


@scene('E12', 'H1-10: response headers stay small although upstream\'s are huge')
async def e12(w):
    async with Stage(w) as s:
        big = [(f'x-big-{i}', 'y' * 4000) for i in range(8)]

        async def script(request, answer):
            await answer.whole(200, event('x', 'STOP'), big)
        s.upstream.script = script
        r = ok(await s.gateway.request('POST', '/v1/chat/completions',
                                       chat(**{f'unknown_field_{i}': 1 for i in range(500)})))
        assert r.head.size() < 8192, r.head.size()
        assert not [k for k, _ in r.head.fields if k.startswith('x-big') or k == 'server']


@scene('E12', 'a request as large as the platform lets through is served')
async def e12_limits(w):
    async with Stage(w) as s:
        ok(await s.gateway.request('POST', '/v1/chat/completions?' + 'x' * 4000, chat(), headers={'X-Title': 'y' * 8000}))
        assert 'y' * 100 not in str(s.upstream.posts()[0].head.fields)


@scene('E13', 'the log line of a request is written before its last chunk; every line is short and has the id')
async def e13(w):
    async with Stage(w) as s:
        for i in range(5):
            answer = await s.gateway.stream('x' * 50000)
            await answer.rest()
            await s.runtime.freeze()
            await until('the line, though the runtime stands still',
                        lambda a=answer: [x for x in s.lines('ev=exchange') if f'id={a.id} ' in x])
            s.runtime.thaw()
        assert all(len(line) < 4096 for line in s.runtime.log.splitlines())
        fields = s.lines('ev=exchange')[0]
        for field in ('dialect=', 'model=gemini-test', f'key={hashlib.sha256(KEY.encode()).hexdigest()[:8]}', 'status=200', 'ttft_ms=', 'ms=', 'tok_in=7',
                      'tok_out=3', 'attempts=1', 'end=finish'):
            assert field in fields, (field, fields)


@scene('E13', 'the lines by which the console finds a request\'s logs, and JSON lines')
async def e13_marks(w):
    async with Stage(w, env={'QUEQIAO_FC_MARKS': '1', 'QUEQIAO_LOG_FORMAT': 'json'}) as s:
        r = ok(await s.gateway.chat())
        await until('the marks', lambda: f'FC Invoke End RequestId: {r.id}' in s.runtime.log)
        assert f'FC Invoke Start RequestId: {r.id}\n' in s.runtime.log
        line = json.loads(next(x for x in s.runtime.log.splitlines() if '"ev":"exchange"' in x))
        assert line['id'] == r.id and line['status'] == 200 and line['tok_in'] == 7


# ------------------------------------------------------------------------------------ lifecycle

for _signal in (signal.SIGTERM, signal.SIGINT):
    @scene('E14', f'{_signal.name} as PID 1: running answers finish, then exit 0')
    async def e14(w, signum=_signal):
        async with Stage(w) as s:
            go = asyncio.Event()

            async def script(request, answer):
                await answer.begin()
                await answer.event(event('one '))
                await go.wait()
                await answer.event(event('two', 'STOP'))
                await answer.end()
            s.upstream.script = script
            answer = await s.gateway.stream()
            await answer.next()
            ending = asyncio.ensure_future(s.runtime.stop(signum))
            await asyncio.sleep(0.2)
            assert not ending.done()
            go.set()
            text = b''
            async for piece in answer._pieces:
                text += piece
            assert b'[DONE]' in text
            assert await ending == 0


@scene('E14', 'a second signal ends it at once, still with an error to the client and exit 0')
async def e14_twice(w):
    async with Stage(w) as s:
        async def script(request, answer):
            await answer.begin()
            await answer.event(event('one '))
            await request.gone.wait()
            raise ConnectionError
        s.upstream.script = script
        answer = await s.gateway.stream()
        await answer.next()
        os.kill(s.runtime.pid, signal.SIGTERM)
        await asyncio.sleep(0.1)
        status = await s.runtime.stop(signal.SIGTERM)
        text = b''
        async for piece in answer._pieces:
            text += piece
        assert status == 0 and b'error' in text and b'[DONE]' not in text, (status, text)


@scene('E14', '/pre-stop waits for running answers; what still comes is served')
async def e14_pre_stop(w):
    async with Stage(w) as s:
        go = asyncio.Event()

        async def script(request, answer):
            if 'stream' not in request.target:
                return await default_script(request, answer)
            await answer.begin()
            await answer.event(event('one '))
            await go.wait()
            await answer.event(event('two', 'STOP'))
            await answer.end()
        s.upstream.script = script
        ok(await s.gateway.request('GET', '/readyz'))
        answer = await s.gateway.stream()
        await answer.next()
        hook = asyncio.ensure_future(s.gateway.hook('/pre-stop'))
        await until('readiness to go', lambda: ready_is(s, 503))
        ok(await s.gateway.chat('still served'))
        assert not hook.done()
        go.set()
        assert b'[DONE]' in await answer.rest()
        ok(await hook)
        ok(await s.gateway.chat('and still'))


async def ready_is(s, status):
    return (await s.gateway.request('GET', '/readyz')).status == status


@scene('E14', 'SIGKILL at any time leaves nothing to repair')
async def e14_kill(w):
    for _ in range(2):
        async with Stage(w) as s:
            ok(await s.gateway.chat())
            os.kill(s.runtime.pid, signal.SIGKILL)
            await s.runtime.process.wait()
            s.runtime.process = None  # its status is not 0, and that is right
            s.runtime.stop = nothing


async def nothing(*_):
    return 0


@scene('E15', 'an event: 200 with a helpful text, nothing upstream, the connection stays')
async def e15(w):
    async with Stage(w) as s:
        for body in (b'', b'{"payload":"x"}', os.urandom(1 << 20)):
            r = ok(await s.gateway.hook('/invoke', 'POST', body))
            assert 'HTTP' in r.json()['message'] and r.json()['status'] == 'ignored' and len(r.body) < 2048
        assert not s.upstream.requests and s.gateway.opened == 1


@scene('E16', 'OPTIONS without a token, HEAD without a body')
async def e16(w):
    async with Stage(w) as s:
        s.gateway.token = 'wrong'
        r = await s.gateway.request('OPTIONS', '/v1/chat/completions', headers={
            'Origin': 'https://app.example', 'Access-Control-Request-Method': 'POST',
            'Access-Control-Request-Headers': 'authorization,content-type'})
        assert r.status in (200, 204) and r.head.get('access-control-allow-origin') == '*'
        assert 'authorization' in r.head.get('access-control-allow-headers')
        r = ok(await s.gateway.request('HEAD', '/'))
        assert r.body == b''


@scene('E17', 'a wrong key: 401 in OpenAI\'s shape, nothing upstream')
async def e17(w):
    async with Stage(w) as s:
        s.gateway.token = 'wrong'
        before = s.runtime.cpu_ms()
        for _ in range(200):
            r = ok(await s.gateway.chat(), 401)
        spent = s.runtime.cpu_ms() - before
        assert r.json()['error']['code'] == 'invalid_api_key', r.body
        assert not s.upstream.requests
        return f'{spent / 200:.3f} ms of CPU each'


@scene('E18', 'a refused location, as an object and as an array: said clearly, not tried with another key')
async def e18(w):
    async with Stage(w, env={'GEMINI_API_KEY': f'{KEY},{KEY}2,{KEY}3'}) as s:
        error = {'error': {'code': 400, 'message': 'User location is not supported for the API use.',
                           'status': 'FAILED_PRECONDITION'}}
        for value in (error, [error]):
            async def refuse(request, answer, value=value):
                await answer.whole(400, value)
            s.upstream.reset()
            s.upstream.script = refuse
            r = await s.gateway.chat()
            assert r.status in (400, 403) and 'location' in r.json()['error']['message'].lower(), r.body
            assert len(s.upstream.posts()) == 1


@scene('E19', 'a body of just under 32 MB in 256 MB of memory; over it a 413 that explains')
async def e19(w):
    try:
        group = Cgroup(f'queqiao-fc-mem-{os.getpid()}', memory=256 << 20)
    except OSError as e:
        raise Skip(f'no cgroup: {e}') from e
    async with Stage(w, cgroup=group, env={'FC_FUNCTION_MEMORY_SIZE': '256'}) as s:
        picture = 'iVBORw0KGgo' + 'A' * (30 << 20)
        picture += '=' * (-len(picture) % 4)
        body = chat('data:image/png;base64,' + picture)
        r = ok(await s.gateway.request('POST', '/v1/chat/completions', body))
        assert len(s.upstream.posts()[0].body) > 30 << 20
        peak = s.runtime.status('VmHWM')
        del body, picture
        ok(await s.gateway.chat())
        s.upstream.reset()  # 30 MB less to look through
        reader, writer = await asyncio.open_connection('127.0.0.1', s.runtime.port)
        writer.write(f'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                     f'Authorization: Bearer {s.token}\r\nContent-Length: {40 << 20}\r\n\r\n'.encode())
        head = await reader.readuntil(b'\r\n\r\n')
        assert b' 413 ' in head.split(b'\r\n')[0]
        told = await reader.read(4096)
        assert b'32 MB' in told and '函数计算'.encode() in told, told
        writer.close()
        return f'peak {peak} kB'


# -------------------------------------------------------------------------------- the package

@scene('E20', 'the zip: bootstrap at its root, 0755, made on Unix, a static x86-64 ELF, under 4 MB')
async def e20(w):
    with zipfile.ZipFile(ZIP) as z:
        assert z.namelist() == ['bootstrap']
        info = z.infolist()[0]
        data = z.read(info)
    assert info.create_system == 3 and (info.external_attr >> 16) & 0o777 == 0o755
    assert (info.external_attr >> 16) & 0o170000 == 0o100000
    assert data[:4] == b'\x7fELF' and data[4] == 2 and struct.unpack_from('<H', data, 18)[0] == 62
    offset, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    kinds = [struct.unpack_from('<I', data, offset + i * size)[0] for i in range(count)]
    assert 3 not in kinds, 'it asks for a dynamic loader'
    total = os.path.getsize(ZIP)
    assert total < 4 << 20, total
    return f'{total} bytes, unpacked {info.file_size}'


@scene('E21', 'no option of ours begins with FC_')
async def e21(w):
    out = subprocess.run([f'{w.root}/code/bootstrap', '--print-options'], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    names = re.findall(r'^\| `(\w+)`', out, re.M)
    assert len(names) > 20 and not [n for n in names if n.startswith('FC_')]


@scene('E22', '100 quick stops under load: no request fails')
async def e22(w):
    async with Stage(w, road='h2') as s:
        running = True

        async def client(i):
            n = 0
            while running:
                if i % 2:
                    ok(await s.gateway.chat())
                else:
                    assert b'[DONE]' in await (await s.gateway.stream()).rest()
                n += 1
            return n
        clients = [asyncio.ensure_future(client(i)) for i in range(8)]
        for i in range(100):
            await s.runtime.freeze()
            await asyncio.sleep(0.002 * (i % 5))
            s.runtime.thaw()
            await asyncio.sleep(0.01)
        running = False
        served = sum(await asyncio.gather(*clients))
        assert len(s.upstream.posts()) == served, (len(s.upstream.posts()), served)
        return f'{served} requests'


@scene('E23', 'concurrency from 1 to 200: rounds with a freeze between them')
async def e23(w):
    async with Stage(w, road='h2') as s:
        for n in (1, 2, 20, 100, 200):
            done = await asyncio.gather(*[s.gateway.chat(str(i)) for i in range(n)])
            assert [ok(r) for r in done]
            await s.freeze(0.05, 'close')
        assert len(s.upstream.posts()) == 323


# --------------------------------------------------------------------------- other platforms

PLATFORMS = {
    'scf': ({'SCF_FUNCTIONNAME': 'f'}, '0.0.0.0:9000'), 'functiongraph': ({'RUNTIME_FUNC_NAME': 'f'}, '127.0.0.1:8000'),
    'lambda': ({'AWS_LAMBDA_FUNCTION_NAME': 'f'}, '0.0.0.0:8080'), 'cloudrun': ({'K_SERVICE': 's'}, '0.0.0.0:8080'),
    'fly': ({'FLY_APP_NAME': 'a'}, '0.0.0.0:8080'), 'kubernetes': ({'KUBERNETES_SERVICE_HOST': '10.0.0.1'}, '0.0.0.0:8080'),
    'fc': ({'FC_FUNCTION_NAME': 'f'}, '0.0.0.0:9000'), 'none': ({}, '127.0.0.1:8080'),
}


@scene('E24', 'every platform is found out by its variables, and can be overridden')
async def e24(w):
    if not can_unshare('--net'):
        raise Skip('needs a network namespace of its own, for the fixed ports')
    for name, (env, where) in PLATFORMS.items():
        for extra, expected in (({}, name), ({'QUEQIAO_PLATFORM': 'fly'}, 'fly')):
            out = subprocess.run(
                ['unshare', '--net', sys.executable, os.path.join(ROOT, 'tests/fc/offline.py'), '--say',
                 f'{w.root}/code/bootstrap'], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                timeout=60, env={'GEMINI_API_KEY': KEY, 'AUTH_TOKEN': 't', **env, **extra}).stdout
            assert f'platform {expected}, ' in out, (name, out)
            if not extra:
                assert f'http://{where} ' in out, (name, out)


@scene('E24', 'a front end on loopback is no reason to make up a token')
async def e24_loopback(w):
    async with Stage(w, token='', env={'FC_FUNCTION_NAME': None, 'FC_INSTANCE_ID': None, 'FC_FUNCTION_MEMORY_SIZE': None,
                                       'AUTH_TOKEN': '', 'RUNTIME_FUNC_NAME': 'f'}) as s:
        ok(await s.gateway.chat(), 401)
        assert 'for this run clients' not in s.runtime.log


@scene('E25', 'readiness goes first, then a delay, then the drain')
async def e25(w):
    # The delay is what a stalled machine may take for the chat in it.
    async with Stage(w, env={'QUEQIAO_PLATFORM': 'kubernetes', 'QUEQIAO_DRAIN_DELAY': '5s'}) as s:
        ok(await s.gateway.request('GET', '/readyz'))
        os.kill(s.runtime.pid, signal.SIGTERM)
        await until('readiness to go', lambda: ready_is(s, 503))
        ok(await s.gateway.chat('within the delay'))
        assert await asyncio.wait_for(s.runtime.process.wait(), 60) == 0


@scene('E26', 'systemd: sockets that were handed down, READY, WATCHDOG, STOPPING')
async def e26(w):
    listener = socket.create_server(('127.0.0.1', 0))
    path = os.path.join(w.folder, 'notify')
    news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    news.bind(path)
    news.setblocking(False)
    said = ''

    def heard(word):
        nonlocal said
        try:
            while True:
                said += news.recv(4096).decode() + '\n'
        except BlockingIOError:
            pass
        return word in said
    env = {'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': '100000', 'GEMINI_API_KEY': KEY, 'AUTH_TOKEN': 't',
           'QUEQIAO_WORKERS': '2'}

    def prepare():
        os.dup2(listener.fileno(), 3, inheritable=True)
    # The id of the process that is to take the sockets is only known inside of it.
    process = await asyncio.create_subprocess_exec(
        '/bin/sh', '-c', f'LISTEN_PID=$$ LISTEN_FDS=1 exec {w.root}/code/bootstrap', env=env, preexec_fn=prepare,
        pass_fds=(3,), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        await until('READY', lambda: heard('READY=1'))
        await until('WATCHDOG', lambda: heard('WATCHDOG=1'))
        reader, writer = await asyncio.open_connection('127.0.0.1', listener.getsockname()[1])
        writer.write(b'GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
        assert b'"platform":"systemd"' in await asyncio.wait_for(reader.readuntil(b'}'), 60)
        writer.close()
        process.send_signal(signal.SIGHUP)
        await until('RELOADING', lambda: heard('RELOADING=1'))
        process.terminate()
        await until('STOPPING', lambda: heard('STOPPING=1'))
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.kill()
        news.close()
        listener.close()
