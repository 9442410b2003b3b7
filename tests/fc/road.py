# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""The road between the runtime and upstream: certificates, nginx for TLS (HTTP/1.1 or HTTP/2), and a
relay that lets connections die in every way that a frozen instance finds them in."""
import asyncio
import os
import random
import shutil
import signal
import socket
import struct
import subprocess

from wire import until


def certificates(folder):
    """A CA and a certificate for localhost and 127.0.0.1."""
    def ssl(*argv):
        subprocess.run(['openssl', *argv], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    ssl('req', '-x509', *ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=fc test CA',
        '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
    ssl('req', *ec, '-keyout', 'host.key', '-out', 'host.csr', '-subj', '/CN=localhost')
    with open(f'{folder}/ext', 'w', encoding='ascii') as f:
        f.write('subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n')
    ssl('x509', '-req', '-in', 'host.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
        '-extfile', 'ext', '-out', 'host.pem')


def free_port():
    """Below those that the system gives to who asks for any port: nobody is given it meanwhile."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port


class Nginx:
    """TLS before the plain upstream."""

    def __init__(self, folder, upstream_port, h2):
        self.folder, self.port = folder, free_port()
        self.path = shutil.which('nginx') or '/usr/sbin/nginx'
        with open(f'{folder}/nginx.conf', 'w', encoding='ascii') as f:
            f.write(f'''
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; client_max_body_size 64m; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  keepalive_timeout 1d; keepalive_requests 100000; large_client_header_buffers 8 64k;
  server {{
    listen 127.0.0.1:{self.port} ssl{' http2' if h2 else ''} backlog=1024;
    ssl_certificate {folder}/host.pem; ssl_certificate_key {folder}/host.key;
    ssl_session_cache shared:s:1m; http2_max_concurrent_streams 512;
    location / {{
      proxy_pass http://127.0.0.1:{upstream_port}; proxy_http_version 1.1; proxy_buffering off;
      proxy_request_buffering off; proxy_read_timeout 1d; proxy_set_header Connection "";
      proxy_buffer_size 128k; proxy_buffers 8 128k; proxy_busy_buffers_size 256k;
    }}
  }}
}}''')

    @staticmethod
    def there():
        return shutil.which('nginx') is not None or os.path.exists('/usr/sbin/nginx')

    async def start(self):
        self.process = subprocess.Popen([self.path, '-p', self.folder, '-c', f'{self.folder}/nginx.conf'],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def listens():
            with socket.socket() as s:
                return s.connect_ex(('127.0.0.1', self.port)) == 0
        await until('nginx to listen', listens)
        return self

    def renew(self):
        """A new worker; the old one says GOAWAY to its idle HTTP/2 connections and closes them."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Relay:
    """Passes bytes on, until a connection's fate is decided."""

    def __init__(self, port):
        self.to = port
        self.pairs = set()
        self.accepted = 0

    async def start(self):
        self.server = await asyncio.start_server(self._serve, '127.0.0.1', 0, limit=1 << 20, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        self.accepted += 1
        try:
            far_reader, far_writer = await asyncio.open_connection('127.0.0.1', self.to)
        except OSError:
            writer.close()
            return
        pair = Pair(writer, far_writer)
        self.pairs.add(pair)
        await asyncio.gather(pair.pump(reader, far_writer), pair.pump(far_reader, writer))
        self.pairs.discard(pair)

    def fate(self, what):
        """close: FIN to the runtime; reset: RST; silent: what comes is swallowed and nothing goes out."""
        n = 0
        for pair in list(self.pairs):
            pair.suffer(what)
            n += 1
        return n


class Pair:
    def __init__(self, near, far):
        self.near, self.far, self.silent = near, far, False

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
            if not self.silent:
                writer.close()
        except (ConnectionError, RuntimeError, OSError):
            if not self.silent:
                writer.close()

    def suffer(self, what):
        if what == 'silent':
            self.silent = True
        elif what == 'close':
            self.near.close()
            self.far.close()
        elif what == 'reset':
            self.near.get_extra_info('socket').setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self.near.transport.abort()
            self.far.close()
