# Copyright 2026 The queqiao authors
# SPDX-License-Identifier: MIT
"""Fixed requests of each kind through a gateway: what bench/instr counts, and what bench/train shows to the
compiler. Client and upstream are one thread that works in lock step (standin.py)."""
import os
import re
import signal
import subprocess
import sys
import tempfile

import bodies
import standin

TOKEN, WHOLE = 'bench-token', bodies.whole_answer().encode()


# ---- one round of each kind: everything that passes between client, gateway and upstream

def stop(gate):
    os.kill(gate.pid, signal.SIGSTOP)


def go_on(gate):
    os.kill(gate.pid, signal.SIGCONT)


def whole(stage, body):
    """One request at a time."""
    c = stage.clients(1)[0]
    c.send(c.request(body))
    stage.up.answer(stage.up.collect(1), 'application/json', WHOLE)
    c.whole()


def together(stage, body, n=32):
    """n requests that the gateway finds in one turn, and n answers likewise."""
    clients = stage.clients(n)
    stop(stage.gate)
    for c in clients:
        c.send(c.request(body))
    go_on(stage.gate)
    asked = stage.up.collect(n)
    stop(stage.gate)
    stage.up.answer(asked, 'application/json', WHOLE)
    go_on(stage.gate)
    for c in clients:
        c.whole()


def burst(stage, body):
    """A stream whose events come in one piece."""
    c = stage.clients(1)[0]
    c.send(c.request(body))
    conn, key = stage.up.collect(1)[0]
    conn.send(conn.head(key, 'text/event-stream') + conn.body(key, ''.join(bodies.events()).encode(), True, True))
    c.until(b'0\r\n\r\n')


def paced(stage, body):
    """A stream whose events come one by one, each when the client has the one before."""
    c = stage.clients(1)[0]
    c.send(c.request(body))
    conn, key = stage.up.collect(1)[0]
    events = bodies.events()
    conn.send(conn.head(key, 'text/event-stream') + conn.body(key, events[0].encode()))
    c.until(b'word 0 of')
    for i, e in enumerate(events[1:], 1):
        conn.send(conn.body(key, e.encode(), True, e is events[-1]))
        c.until(f'word {i} of'.encode())
    c.until(b'0\r\n\r\n')


# name: (over TLS, a round, body, requests in a round, few rounds, many rounds)
CASES = {
    'whole answer, plain': (False, whole, bodies.chat(False), 1, 20, 220),
    'whole answer, TLS': (True, whole, bodies.chat(False), 1, 20, 220),
    '32 whole answers at once, plain': (False, together, bodies.chat(False), 32, 2, 12),
    '32 whole answers at once, TLS': (True, together, bodies.chat(False), 32, 2, 12),
    'stream of 100 events in one read, plain': (False, burst, bodies.chat(True), 1, 10, 60),
    'stream of 100 events in one read, TLS': (True, burst, bodies.chat(True), 1, 10, 60),
    'stream of 100 events one by one, plain': (False, paced, bodies.chat(True), 1, 2, 12),
    'stream of 100 events one by one, TLS': (True, paced, bodies.chat(True), 1, 2, 12),
    'request of 100 KB, 40 tools': (False, whole, bodies.agent_body(100000), 1, 4, 24),
    'request of 4 MB': (False, whole, bodies.agent_body(4 << 20), 1, 2, 6),
    'request of 20 MB with an image': (False, whole, bodies.agent_body(0, 20 << 20), 1, 1, 3),
}


class Stage:
    """A gateway between our client and our upstream; argv begins with its file, or with what runs it."""

    def __init__(self, work, tls, argv):
        cert = certificate(work) if tls else None
        self.up = standin.Upstream(cert)
        base = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self.up.port}"
        env = {'PATH': os.environ['PATH'], 'GEMINI_API_KEY': 'bench-key', 'AUTH_TOKEN': TOKEN, 'GEMINI_BASE_URL': base,
               'QUEQIAO_LISTEN': '127.0.0.1:0', 'QUEQIAO_WORKERS': '1', 'QUEQIAO_LOG_LEVEL': 'info'}
        if tls:
            env['SSL_CERT_FILE'] = cert[0]
        self.gate = subprocess.Popen([*argv, 'serve'], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.port = None
        for line in self.gate.stderr:
            m = re.search(r'listening on http://127.0.0.1:(\d+)', line)
            if m:
                self.port = int(m.group(1))
                break
        if self.port is None:
            sys.exit('bench: the gateway did not start')
        self.log = tempfile.TemporaryFile()
        subprocess.Popen(['cat'], stdin=self.gate.stderr, stdout=self.log)
        self.open = []

    def clients(self, n):
        while len(self.open) < n:
            self.open.append(standin.Client(self.port, TOKEN))
        return self.open[:n]

    def end(self):
        for c in self.open:
            c.sock.close()
        self.gate.send_signal(signal.SIGTERM)
        if self.gate.wait(120) != 0:
            sys.exit('bench: the gateway did not end well')


def certificate(work):
    cert, key = os.path.join(work, 'cert.pem'), os.path.join(work, 'key.pem')
    if not os.path.exists(cert):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                        '-nodes', '-keyout', key, '-out', cert, '-days', '30', '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=DNS:localhost,IP:127.0.0.1'], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def play(work, name, rounds, argv):
    """So many rounds of a case."""
    tls, round_, body, _, _, _ = CASES[name]
    stage = Stage(work, tls, argv)
    try:
        for _ in range(rounds):
            round_(stage, body)
        stage.end()
    finally:
        if stage.gate.poll() is None:
            stage.gate.kill()
