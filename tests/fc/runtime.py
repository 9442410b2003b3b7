# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""The sandbox: starts the binary as Function Compute does, stops and continues it, looks at it."""
import asyncio
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

from wire import until

FC_ENV = {
    'FC_FUNCTION_NAME': 'gemini-proxy', 'FC_FUNCTION_HANDLER': 'index.handler',
    'FC_FUNCTION_MEMORY_SIZE': '128', 'FC_REGION': 'ap-northeast-1',
    'FC_ACCOUNT_ID': '1000000000000000', 'FC_INSTANCE_ID': 'c-67a59f35-150c1267', 'FC_FUNC_CODE_PATH': '/code/',
    'FC_FUNCTION_VERSION': 'LATEST', 'ALIBABA_CLOUD_ACCESS_KEY_ID': 'STS.CANARY-AK',
    'ALIBABA_CLOUD_ACCESS_KEY_SECRET': 'CANARY-SECRET', 'ALIBABA_CLOUD_SECURITY_TOKEN': 'CANARY-TOKEN',
}


def can_unshare(*flags):
    return os.geteuid() == 0 and shutil.which('unshare') is not None and subprocess.run(
        ['unshare', '--fork', *flags, 'true'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=False).returncode == 0


class Cgroup:
    """One group with limits, of either version; None where the machine gives none."""

    def __init__(self, name, cpu_us=None, memory=None):
        self.folders = []
        base = '/sys/fs/cgroup'
        if os.path.exists(f'{base}/cgroup.controllers'):
            wanted = [(f'{base}/{name}', {'cpu.max': cpu_us and f'{cpu_us} 100000', 'memory.max': memory})]
        else:
            wanted = [(f'{base}/cpu/{name}', {'cpu.cfs_quota_us': cpu_us}),
                      (f'{base}/memory/{name}', {'memory.limit_in_bytes': memory})]
        for folder, values in wanted:
            values = {k: v for k, v in values.items() if v is not None}
            if not values:
                continue
            os.mkdir(folder)
            self.folders.append(folder)
            for key, value in values.items():
                with open(f'{folder}/{key}', 'w', encoding='ascii') as f:
                    f.write(str(value))

    def enter(self):
        for folder in self.folders:
            with open(f'{folder}/cgroup.procs', 'w', encoding='ascii') as f:
                f.write(str(os.getpid()))

    def remove(self):
        for folder in self.folders:
            for _ in range(200):
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.01)


class Runtime:
    def __init__(self, binary, env, port, root=None, pid1=False, cgroup=None, arg0=None):
        self.binary, self.port, self.pid1, self.cgroup, self.root = binary, port, pid1, cgroup, root
        self.env = {**FC_ENV, 'FC_CUSTOM_LISTEN_PORT': str(port), **env}
        self.env = {k: v for k, v in self.env.items() if v is not None}
        self.arg0 = arg0
        self.log = ''
        self.process = None

    def _argv(self):
        argv = []
        if self.pid1:
            argv += ['unshare', '--fork', '--pid', '--kill-child']
        if self.root:
            argv += ['chroot', self.root]
        return argv + [self.binary]

    def _prepare(self):
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(100000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
        if self.cgroup:
            self.cgroup.enter()

    async def start(self, wait=True):
        self.began = time.monotonic()
        # Namespace tools are found by the path of this process, the runtime sees only its own variables.
        env = dict(self.env)
        argv = self._argv()
        argv[0] = shutil.which(argv[0]) or argv[0]
        if len(argv) > 1 and 'chroot' in argv:
            argv[argv.index('chroot')] = shutil.which('chroot')
        self.process = await asyncio.create_subprocess_exec(
            *argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd='/', preexec_fn=self._prepare, limit=1 << 20)
        self.reader = asyncio.ensure_future(self._read())
        if wait:
            await until(f'port {self.port} to open', self._probe)
            self.pid = self._find_pid()
        return self

    def _probe(self):
        if self.process.returncode is not None:
            raise AssertionError(f'the runtime ended with {self.process.returncode}:\n{self.log}')
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    def _find_pid(self):
        """Through unshare and chroot (which exec) to the binary itself."""
        pid = self.process.pid
        while self.pid1:
            with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as f:
                children = f.read().split()
            if not children:
                break
            pid = int(children[0])
        return pid

    async def _read(self):
        while data := await self.process.stdout.read(65536):
            self.log += data.decode('utf-8', 'replace')

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)
        return until('the runtime to be stopped', lambda: self.state() == 'T')

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def state(self):
        with open(f'/proc/{self.pid}/stat', encoding='ascii', errors='replace') as f:
            return f.read().rsplit(') ', 1)[1][0]

    def status(self, key):
        with open(f'/proc/{self.pid}/status', encoding='ascii', errors='replace') as f:
            return next(int(line.split()[1]) for line in f if line.startswith(key + ':'))

    def cpu_ms(self):
        with open(f'/proc/{self.pid}/schedstat', encoding='ascii') as f:
            main = int(f.read().split()[0])
        total = 0
        for t in os.listdir(f'/proc/{self.pid}/task'):
            with open(f'/proc/{self.pid}/task/{t}/schedstat', encoding='ascii') as f:
                total += int(f.read().split()[0])
        return max(main, total) / 1e6

    def fds(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))

    async def stop(self, signum=signal.SIGTERM):
        """Ends it; the exit status."""
        if self.process is None:
            return None
        if self.process.returncode is None:
            try:
                self.thaw()
                os.kill(self.pid, signum)
            except (ProcessLookupError, AttributeError):
                pass
            try:
                await asyncio.wait_for(self.process.wait(), 60)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self.reader
        if self.cgroup:
            self.cgroup.remove()
        return self.process.returncode
