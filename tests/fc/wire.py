# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""HTTP/1.1 on asyncio streams, for both ends of the test: heads, bodies, chunks."""
import asyncio

LIMIT = 64 << 20
PATIENCE = 60  # seconds; bounds a test that has failed and says nothing about speed


class Broken(Exception):
    """The connection ended where a message had not."""


class Head:
    def __init__(self, first, fields):
        self.first = first
        self.fields = fields  # list of (lower-case name, value)

    def get(self, name, otherwise=''):
        return next((v for k, v in self.fields if k == name), otherwise)

    def size(self):
        return len(self.first) + 4 + sum(len(k) + len(v) + 4 for k, v in self.fields)


async def read_head(reader):
    try:
        raw = await reader.readuntil(b'\r\n\r\n')
    except (asyncio.IncompleteReadError, ConnectionError) as e:
        raise Broken(f'no head: {e!r}') from e
    lines = raw.decode('latin-1').split('\r\n')
    fields = []
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(':')
            fields.append((name.lower(), value.strip()))
    return Head(lines[0], fields)


async def pieces(reader, head, no_body=False):
    """The body as it comes, a chunk at a time."""
    try:
        if no_body:
            return
        if head.get('transfer-encoding') == 'chunked':
            while True:
                line = await reader.readuntil(b'\r\n')
                n = int(line.split(b';')[0], 16)
                if n == 0:
                    await reader.readuntil(b'\r\n')
                    return
                data = await reader.readexactly(n + 2)
                yield data[:-2]
        else:
            n = int(head.get('content-length', '0'))
            if n:
                yield await reader.readexactly(n)
    except (asyncio.IncompleteReadError, ConnectionError) as e:
        raise Broken(f'cut inside a body: {e!r}') from e


async def body_of(reader, head, no_body=False):
    return b''.join([p async for p in pieces(reader, head, no_body)])


def chunk(data):
    return b'%x\r\n%s\r\n' % (len(data), data)


async def until(what, ask, seconds=PATIENCE):
    """Ask until the answer is truthy."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        answer = ask()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        if loop.time() > end:
            raise AssertionError(f'waited {seconds} s in vain for {what}')
        await asyncio.sleep(0.002)
