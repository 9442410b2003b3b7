# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""What a scene plays on: one upstream, a road to it, one runtime, one gateway."""
import asyncio
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import zipfile

from gateway import Gateway
from road import Nginx, Relay, certificates, free_port
from runtime import Runtime, can_unshare
from upstream import Upstream

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ZIP = os.environ.get('FC_ZIP', os.path.join(ROOT, 'dist', 'queqiao-fc.zip'))
PROGRAM = os.environ.get('FC_PROGRAM')  # instead of the packed one, and without the empty root: build/san/queqiao
DYNAMIC = os.environ.get('FC_DYNAMIC', os.path.join(ROOT, 'build', 'dev', 'queqiao'))
KEY = 'AIzaCANARY-UPSTREAM-KEY-0123456789abcdef'
TOKEN = 'CANARY-CLIENT-TOKEN-0123456789'


class Skip(Exception):
    """This machine cannot show it."""


class World:
    """Made once: certificates, the unpacked package, nginx with and without HTTP/2."""

    async def make(self):
        self.folder = tempfile.mkdtemp(prefix='queqiao-fc-')
        os.chmod(self.folder, 0o755)
        certificates(self.folder)
        self.root = os.path.join(self.folder, 'root')
        os.makedirs(f'{self.root}/code')
        if PROGRAM:
            shutil.copy(PROGRAM, f'{self.root}/code/bootstrap')
        else:
            with zipfile.ZipFile(ZIP) as z:
                z.extract('bootstrap', f'{self.root}/code')
        os.chmod(f'{self.root}/code/bootstrap', 0o755)
        shutil.copy(f'{self.folder}/ca.pem', f'{self.root}/code/ca.pem')
        self.upstream = await Upstream().start()
        self.nginx = {}
        for name in ('h1', 'h2'):
            if Nginx.there():
                sub = os.path.join(self.folder, name)
                os.mkdir(sub)
                for f in ('host.pem', 'host.key'):
                    shutil.copy(f'{self.folder}/{f}', sub)
                os.chmod(f'{sub}/host.key', 0o644)
                self.nginx[name] = await Nginx(sub, self.upstream.port, name == 'h2').start()
        self.isolated = not PROGRAM and os.geteuid() == 0 and can_unshare('--pid', '--kill-child')
        return self

    def end(self):
        for n in self.nginx.values():
            n.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Clock:
    """The offsets of clock.c."""

    def __init__(self, folder):
        self.library = os.path.join(folder, 'clock.so')
        self.path = os.path.join(folder, 'clock')
        if not os.path.exists(DYNAMIC):
            raise Skip(f'{os.path.relpath(DYNAMIC, ROOT)} is not built')
        if not os.path.exists(self.library):
            done = subprocess.run([os.environ.get('CC', 'cc'), '-shared', '-fPIC', '-O1', '-o', self.library,
                                   os.path.join(ROOT, 'tests/fc/clock.c')], check=False)
            if done.returncode:
                raise Skip('no C compiler')
        with open(self.path, 'wb') as f:
            f.write(bytes(16))
        with open(self.path, 'r+b') as f:
            self.map = mmap.mmap(f.fileno(), 16)
        self.now = [0, 0]

    def advance(self, monotonic_s, wall_s):
        self.now[0] += int(monotonic_s * 1e9)
        self.now[1] += int(wall_s * 1e9)
        self.map[:] = struct.pack('qq', *self.now)


class Stage:
    """async with Stage(world, ...) as s: the runtime is up, and ends at the end."""

    def __init__(self, world, road='h1', clock=False, env=None, cgroup=None, token=TOKEN, plain=False,
                 isolated=True):
        self.world, self.road, self.extra, self.cgroup = world, road, env or {}, cgroup
        self.token, self.plain = token, plain
        self.isolated = isolated and world.isolated and not clock
        self.clock = Clock(world.folder) if clock else None

    async def __aenter__(self):
        w = self.world
        w.upstream.reset()
        if not self.plain and self.road not in w.nginx:
            raise Skip('nginx is not installed')
        self.upstream = w.upstream
        self.nginx = None if self.plain else w.nginx[self.road]
        self.relay = await Relay(w.upstream.port if self.plain else self.nginx.port).start()
        port = free_port()
        inside = '' if self.isolated else w.root
        env = {'GEMINI_API_KEY': KEY, 'AUTH_TOKEN': self.token,
               'GEMINI_BASE_URL': f'http{"" if self.plain else "s"}://127.0.0.1:{self.relay.port}',
               'SSL_CERT_FILE': f'{inside}/code/ca.pem', **self.extra}
        binary = f'{inside}/code/bootstrap'
        if self.clock:
            env.update(LD_PRELOAD=self.clock.library, CLOCK_FILE=self.clock.path)
            binary = DYNAMIC
        self.runtime = Runtime(binary, env, port, root=w.root if self.isolated else None, pid1=self.isolated,
                               cgroup=self.cgroup)
        self.gateway = Gateway(port, self.token)
        await self.runtime.start()
        return self

    async def __aexit__(self, kind, *rest):
        self.gateway.close()
        status = await self.runtime.stop()
        self.relay.server.close()
        self.relay.fate('close')
        if kind is None:
            self.hold_canaries()
            assert not self.gateway.faults, self.gateway.faults
            assert status == 0, f'exit status {status}\n{self.runtime.log[-3000:]}'
        else:
            print(f'       | {self.runtime.log[-3000:]}')

    def hold_canaries(self):
        """E11, after every scene: secrets are neither in the log nor upstream, but for the key's header."""
        for canary in ('CANARY-AK', 'CANARY-SECRET', 'CANARY-TOKEN', self.token or 'CANARY', KEY):
            assert canary not in self.runtime.log, f'{canary} is in the log'
        for r in self.upstream.requests:
            for name, value in r.head.fields:
                assert not name.startswith('x-fc-'), f'{name} went upstream'
                if name != 'x-goog-api-key':
                    assert 'CANARY' not in value, f'{name}: a canary went upstream'
            assert b'CANARY' not in r.body and 'CANARY' not in r.target

    def lines(self, what):
        return [line for line in self.runtime.log.splitlines() if what in line]

    async def freeze(self, seconds=0.05, fate=None, monotonic_s=None, wall_s=None):
        """Frozen for so long; meanwhile upstream's side of the connections meets its fate."""
        await self.runtime.freeze()
        if fate == 'goaway':
            self.nginx.renew()
        elif fate is not None:
            self.relay.fate(fate)
        if self.clock:
            self.clock.advance(monotonic_s or 0, wall_s or 0)
        await asyncio.sleep(seconds)
        self.runtime.thaw()
