# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""A Gemini that does what a scene says, over plain HTTP/1.1. Keeps every request that reached it."""
import asyncio
import json

from wire import Broken, body_of, chunk, read_head


def event(text, finish=None, usage=True):
    candidate = {'content': {'role': 'model', 'parts': [{'text': text}]}, 'index': 0}
    if finish:
        candidate['finishReason'] = finish
    e = {'candidates': [candidate], 'modelVersion': 'gemini-test', 'responseId': 'r1'}
    if usage:
        e['usageMetadata'] = {'promptTokenCount': 7, 'candidatesTokenCount': 3, 'totalTokenCount': 10}
    return e


class Request:
    def __init__(self, head, body):
        self.method, self.target, _ = head.first.split(' ', 2)
        self.head = head
        self.body = body
        self.gone = asyncio.Event()  # the other side closed before the answer was over


class Answer:
    """What a scene's script writes with."""

    def __init__(self, writer, request):
        self.writer, self.request = writer, request

    async def whole(self, status, value, headers=()):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        extra = ''.join(f'{k}: {v}\r\n' for k, v in headers)
        self.writer.write(f'HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{extra}'
                          f'content-length: {len(data)}\r\n\r\n'.encode() + data)
        await self.writer.drain()

    async def begin(self, headers=()):
        extra = ''.join(f'{k}: {v}\r\n' for k, v in headers)
        self.writer.write(f'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{extra}'
                          'transfer-encoding: chunked\r\n\r\n'.encode())
        await self.writer.drain()

    async def event(self, value):
        self.writer.write(chunk(b'data: ' + json.dumps(value).encode() + b'\r\n\r\n'))
        await self.writer.drain()

    async def end(self):
        self.writer.write(b'0\r\n\r\n')
        await self.writer.drain()


async def default_script(request, answer):
    if request.method == 'GET':
        await answer.whole(200, {'models': [{'name': 'models/gemini-test', 'supportedGenerationMethods': ['generateContent']}]})
    elif 'streamGenerateContent' in request.target:
        await answer.begin()
        await answer.event(event('one '))
        await answer.event(event('two', 'STOP'))
        await answer.end()
    else:
        await answer.whole(200, event('hello', 'STOP'))


class Upstream:
    def __init__(self):
        self.requests = []
        self.connections = 0
        self.script = default_script
        self.open = 0

    async def start(self):
        self.server = await asyncio.start_server(self._serve, '127.0.0.1', 0, limit=64 << 20)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def posts(self):
        return [r for r in self.requests if r.method == 'POST']

    def reset(self):
        self.requests.clear()
        self.script = default_script

    async def _serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        try:
            while True:
                head = await read_head(reader)
                request = Request(head, await body_of(reader, head))
                self.requests.append(request)
                watch = asyncio.ensure_future(self._watch(reader, request))
                try:
                    await self.script(request, Answer(writer, request))
                finally:
                    watch.cancel()
                    try:
                        await watch
                    except asyncio.CancelledError:
                        pass
        except (Broken, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    @staticmethod
    async def _watch(reader, request):
        """Nobody sends ahead here: bytes or an end during an answer mean that the client left."""
        while not reader.at_eof() and reader.exception() is None:
            await asyncio.sleep(0.001)
        request.gone.set()
