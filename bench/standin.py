# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""A client and an upstream in one thread, in lock step, so that the gateway between them does the same
work in the same order in each run: what is sent arrives in one piece, and nobody sends before the other
side has read. Upstream speaks HTTP/1.1, or HTTP/2 over TLS (just enough of it for one client)."""
import select
import socket
import ssl
import struct

DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = 24
WINDOW_MAX = (1 << 31) - 1


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def listen():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 0))
    s.listen(256)
    return s, s.getsockname()[1]


class Plain:
    """One HTTP/1.1 connection of the gateway to us."""

    def __init__(self, sock):
        self.sock, self.got = sock, bytearray()

    def read(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError
        self.got += data

    def requests(self):
        """Requests that have come whole; what answers one of them is its key."""
        head = self.got.find(b'\r\n\r\n')
        if head < 0:
            return []
        fields = bytes(self.got[:head]).lower()
        at = fields.find(b'content-length:')
        n = int(fields[at + 15:].split(b'\r\n')[0]) if at >= 0 else 0
        if len(self.got) < head + 4 + n:
            return []
        del self.got[:head + 4 + n]
        return [0]

    def head(self, key, kind, length=None):
        framing = 'transfer-encoding: chunked' if length is None else f'content-length: {length}'
        return f'HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n'.encode()

    def body(self, key, data, chunked=True, last=False):
        if not chunked:
            return data
        return (f'{len(data):x}\r\n'.encode() + data + b'\r\n') + (b'0\r\n\r\n' if last else b'')

    def send(self, data):
        self.sock.sendall(data)


class Http2:
    """One HTTP/2 connection over TLS. A turn's frames leave in one write."""

    def __init__(self, sock, context):
        self.sock, self.got, self.raw = sock, bytearray(), bytearray()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.skip, self.done, self.shaken = PREFACE, [], False

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.sock.sendall(data)

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def read(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError
        self.incoming.write(data)
        try:
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
                self.tls.write(frame(SETTINGS, 0, 0, struct.pack('>HIHI', 3, 1000, 4, WINDOW_MAX))
                               + frame(WINDOW_UPDATE, 0, 0, struct.pack('>I', WINDOW_MAX - 65535)))
            while True:
                self.got += self.tls.read(1 << 20)
        except ssl.SSLWantReadError:
            pass
        self.frames()
        self.flush()

    def frames(self):
        at = min(self.skip, len(self.got))
        self.skip -= at
        while len(self.got) - at >= 9:
            n = int.from_bytes(self.got[at:at + 3], 'big')
            if len(self.got) - at < 9 + n:
                break
            self.frame(self.got[at + 3], self.got[at + 4], int.from_bytes(self.got[at + 5:at + 9], 'big'),
                       bytes(self.got[at + 9:at + 9 + n]) if n < 64 else b'')
            at += 9 + n
        del self.got[:at]

    def frame(self, kind, flags, stream, payload):
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.tls.write(frame(kind, ACK, 0, payload if kind == PING else b''))
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.done.append(stream)

    def requests(self):
        done, self.done = self.done, []
        return done

    def head(self, key, kind, length=None):
        kind = kind.encode()
        return frame(HEADERS, END_HEADERS, key, b'\x88\x0f\x10' + bytes([len(kind)]) + kind)

    def body(self, key, data, chunked=True, last=False):
        out, step = b'', 16384
        for i in range(0, len(data), step):
            end = last and i + step >= len(data)
            out += frame(DATA, END_STREAM if end else 0, key, data[i:i + step])
        return out


class Upstream:
    def __init__(self, cert=None):
        self.listener, self.port = listen()
        self.conns, self.context = [], None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*cert)
            self.context.set_alpn_protocols(['h2'])

    def collect(self, n):
        """Wait for n whole requests; where each is to be answered."""
        asked = []
        while len(asked) < n:
            by_fd = {c.sock.fileno(): c for c in self.conns}
            ready = select.select([self.listener, *by_fd], [], [], 120)[0]
            if not ready:
                raise TimeoutError('the gateway asked for nothing')
            for fd in ready:
                if fd is self.listener:
                    sock = self.listener.accept()[0]
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.conns.append(Http2(sock, self.context) if self.context else Plain(sock))
                    continue
                conn = by_fd[fd]
                try:
                    conn.read()
                except EOFError:
                    self.conns.remove(conn)
                    continue
                asked += [(conn, key) for key in conn.requests()]
        return asked

    def answer(self, asked, kind, data):
        """Whole answers, all that go to one connection in one write."""
        out = {}
        for conn, key in asked:
            out.setdefault(conn, bytearray()).extend(
                conn.head(key, kind, len(data)) + conn.body(key, data, False, True))
        for conn, bytes_ in out.items():
            conn.send(bytes(bytes_))


class Client:
    """One keep-alive connection to the gateway."""

    def __init__(self, port, token):
        self.sock = socket.create_connection(('127.0.0.1', port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.token, self.got = token, b''

    def request(self, body):
        data = body.encode()
        return (f'POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.token}\r\n'
                'User-Agent: OpenAI/Python 2.8.0\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n'
                f'Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n').encode() + data

    def send(self, request):
        self.sock.sendall(request)

    def until(self, mark):
        """Read up to and with the mark; what was read."""
        while mark not in self.got:
            data = self.sock.recv(1 << 18)
            if not data:
                raise EOFError('the gateway closed: ' + self.got[:300].decode(errors='replace'))
            self.got += data
        at = self.got.index(mark) + len(mark)
        read, self.got = self.got[:at], self.got[at:]
        return read

    def whole(self):
        head = self.until(b'\r\n\r\n')
        if not head.startswith(b'HTTP/1.1 200'):
            raise ValueError('the gateway answered ' + head.decode() + self.got.decode(errors='replace'))
        n = int(head.lower().split(b'content-length:')[1].split(b'\r\n')[0])
        while len(self.got) < n:
            self.got += self.sock.recv(1 << 18)
        self.got = self.got[n:]
