# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""Run inside fresh namespaces: the binary without a network, in a root that nobody can write to.

  offline.py ROOT              chroot to ROOT, start /code/bootstrap as on Function Compute, ask for /health
  offline.py ROOT UID          the same as in the container image, as that user
  offline.py --say PROGRAM     start PROGRAM with this environment, print what it logs first"""
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))  # SIOCSIFFLAGS, IFF_UP


def say(program):
    p = subprocess.Popen([program], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    print(p.stderr.readline())
    p.send_signal(signal.SIGTERM)
    sys.exit(p.wait())


def cpu_ms(pid):
    total = 0
    for t in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{t}/schedstat', encoding='ascii') as f:
            total += int(f.read().split()[0])
    return total / 1e6


def enter(root, uid):
    os.chroot(root)
    os.chdir('/')
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


def closed_root(root, uid):
    subprocess.run(['mount', '--bind', root, root], check=True)
    subprocess.run(['mount', '-o', 'remount,bind,ro', root], check=True)
    subprocess.run(['mount', '-t', 'proc', 'proc', '/proc'], check=True)
    env = {'GEMINI_API_KEY': 'k' * 39, 'AUTH_TOKEN': 't'}
    env.update({'PORT': '9000'} if uid else {'FC_FUNCTION_NAME': 'f', 'FC_CUSTOM_LISTEN_PORT': '9000'})
    began = time.monotonic()
    p = subprocess.Popen(['/code/bootstrap'], env=env, stderr=subprocess.DEVNULL,
                         preexec_fn=lambda: enter(root, uid))
    while time.monotonic() - began < 60:
        with socket.socket() as s:
            if s.connect_ex(('127.0.0.1', 9000)) == 0:
                break
    else:
        sys.exit('the port never opened')
    opened = time.monotonic() - began
    spent = cpu_ms(p.pid)
    with socket.create_connection(('127.0.0.1', 9000)) as s:
        s.sendall(b'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        answer = b''
        while data := s.recv(4096):
            answer += data
    if b' 200 ' not in answer or (b'"platform":"none"' if uid else b'"platform":"fc"') not in answer:
        sys.exit(f'unexpected: {answer!r}')
    p.terminate()
    if p.wait() != 0:
        sys.exit(f'exit status {p.returncode}')
    print(f'port open after {opened * 1000:.1f} ms with the start of the process, {spent:.1f} ms of CPU')


loopback_up()
if sys.argv[1] == '--say':
    say(sys.argv[2])
else:
    closed_root(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
