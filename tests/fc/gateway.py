# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""Function Compute's front: its headers and limits, its pool of connections to the runtime, and its
habit of repeating GET, HEAD and OPTIONS on a broken one, but never a POST."""
import asyncio
import json
import uuid

from wire import Broken, body_of, pieces, read_head

IDEMPOTENT = {'GET', 'HEAD', 'OPTIONS', 'TRACE'}
HEAD_MAX, TARGET_MAX, BODY_MAX = 8 << 10, 4 << 10, 32 << 20


def chat(text='hi', stream=False, **more):
    return json.dumps({'model': 'gemini-test', 'stream': stream,
                       'messages': [{'role': 'user', 'content': text}], **more}).encode()


class Response:
    def __init__(self, status, head=None, body=b''):
        self.status, self.head, self.body = status, head, body

    def json(self):
        return json.loads(self.body)


class Stream:
    """An answer that is still coming."""

    def __init__(self, gateway, connection, head, id_):
        self.gateway, self.connection, self.head, self.id = gateway, connection, head, id_
        self.status = int(head.first.split(' ')[1])
        self._pieces = pieces(connection[0], head)

    async def next(self):
        """The next chunk, or None at the end."""
        try:
            return await asyncio.wait_for(self._pieces.__anext__(), 60)
        except StopAsyncIteration:
            self.gateway.give_back(self.connection, self.head)
            return None

    async def rest(self):
        out = b''
        while (piece := await self.next()) is not None:
            out += piece
        return out

    def abort(self):
        self.connection[1].transport.abort()


class Gateway:
    def __init__(self, port, token='client-token', timeout=600, methods=None):
        self.port, self.token, self.timeout = port, token, timeout
        self.methods = methods or {'GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'}
        self.idle = []
        self.opened = 0
        self.faults = []  # what a client would have seen as 502, and what the contract forbids

    async def _connect(self):
        self.opened += 1
        return await asyncio.open_connection('127.0.0.1', self.port, limit=64 << 20)

    def head_of(self, method, target, body, control, headers, id_):
        fields = {
            'Host': 'gemini-proxy-abcdefghij.ap-northeast-1.fcapp.run', 'User-Agent': 'OpenAI/Python 1.0',
            'Content-Type': 'application/json', 'Accept-Encoding': 'gzip',
            'Authorization': f'Bearer {self.token}', 'X-Fc-Request-Id': id_, 'X-Fc-Control-Path': control,
            'X-Fc-Base-Path': target.split('?')[0], 'X-Fc-Account-Id': '1000000000000000',
            'X-Fc-Region': 'ap-northeast-1', 'X-Fc-Function-Name': 'gemini-proxy',
            'X-Fc-Function-Handler': 'index.handler', 'X-Fc-Function-Memory': '128',
            'X-Fc-Function-Timeout': str(self.timeout), 'X-Fc-Qualifier': 'LATEST', 'X-Fc-Version-Id': '',
            'X-Fc-Client-Ip': '', 'X-Fc-Retry-Count': '0', 'X-Fc-Access-Key-Id': 'STS.CANARY-AK',
            'X-Fc-Access-Key-Secret': 'CANARY-SECRET', 'X-Fc-Security-Token': 'CANARY-TOKEN',
            'X-Fc-Service-Name': '', 'X-Fc-Service-Logproject': '', 'X-Fc-Service-Logstore': '',
            'X-Fc-Tracing-Opentracing-Span-Context': ''}
        for name, value in (headers or {}).items():
            if name.lower().startswith('x-fc-') or name.lower() in ('connection', 'keep-alive'):
                continue  # what clients may not send
            fields[name] = value
        if control != '/http-invoke':
            fields['Host'] = '21.0.5.6:9000'
            fields['Content-Type'] = 'application/octet-stream'
            fields.pop('Authorization')
        if body is not None or method in ('POST', 'PUT', 'PATCH'):
            fields['Content-Length'] = str(len(body or b''))
        lines = [f'{method} {target} HTTP/1.1'] + [f'{k}: {v}' for k, v in fields.items() if v is not None]
        return '\r\n'.join(lines).encode() + b'\r\n\r\n'

    def give_back(self, connection, head):
        if head.get('connection').lower() == 'close':
            self.faults.append(f'connection: close after {head.first}')
            connection[1].close()
        else:
            self.idle.append(connection)

    def _check(self, head):
        if head.size() > HEAD_MAX:
            self.faults.append(f'BadResponse: {head.size()} bytes of response headers')
        for name, _ in head.fields:
            if name.startswith('x-fc-'):
                self.faults.append(f'a response header {name}')

    async def _send(self, method, request, body):
        """A connection with the response's head read."""
        while True:
            reused = bool(self.idle)
            connection = self.idle.pop() if reused else await self._connect()
            try:
                connection[1].write(request)
                if body:
                    connection[1].write(body)
                await connection[1].drain()
                head = await asyncio.wait_for(read_head(connection[0]), 90)
                while head.first.split(' ')[1] == '100':
                    head = await asyncio.wait_for(read_head(connection[0]), 90)
                return connection, head
            except (Broken, ConnectionError) as e:
                if reused and method in IDEMPOTENT:
                    continue
                self.faults.append(f'502 for {method}: {e!r}')
                raise

    async def open(self, method, target, body=None, control='/http-invoke', headers=None):
        id_ = f'1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:12]}'
        request = self.head_of(method, target, body, control, headers, id_)
        connection, head = await self._send(method, request, body)
        self._check(head)
        return Stream(self, connection, head, id_)

    async def request(self, method, target, body=None, control='/http-invoke', headers=None):
        """What a client of the HTTP trigger sees."""
        sent = sum(len(k) + len(v) + 4 for k, v in (headers or {}).items())
        if sent > HEAD_MAX or len(target) > TARGET_MAX or len(body or b'') > BODY_MAX:
            return Response(400)
        if method not in self.methods:
            return Response(403)
        stream = await self.open(method, target, body, control, headers)
        try:
            data = await asyncio.wait_for(
                body_of(stream.connection[0], stream.head, method == 'HEAD' or stream.status == 204), 90)
        except Broken as e:
            self.faults.append(f'502 for {method}: {e!r}')
            raise
        self.give_back(stream.connection, stream.head)
        response = Response(stream.status, stream.head, data)
        response.id = stream.id
        return response

    async def chat(self, text='hi', **more):
        return await self.request('POST', '/v1/chat/completions', chat(text, **more))

    async def stream(self, text='hi', **more):
        return await self.open('POST', '/v1/chat/completions', chat(text, stream=True, **more))

    async def hook(self, path, method='GET', body=None):
        return await self.request(method, path, body, control=path)

    def close(self):
        for connection in self.idle:
            connection[1].close()
        self.idle.clear()
