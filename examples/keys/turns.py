"""A job queue in which jobs that share a concurrency key take turns.

The jobs wait in Redis, in one list for all replicas. Whoever works on a job
holds the lease of its key, renews it before each step, and takes the job off the
list when it is done. A lease that is not renewed runs out by itself: after a
SIGKILL the job is still on the list, and another replica does it again from its
first step, under the same keys.

What it does not promise: to keep jobs apart if a replica is frozen after it has
renewed its lease and before it sends its call. It wakes up in somebody else's
turn, and no lease prevents that: the receiver has to refuse it, by a fencing
token. Nor to keep jobs that Redis loses, which is as durable as it is set up.
"""

import http.client
import json
import os
import random
import secrets
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORKERS = 3
LEASE = 2.0  # seconds
TIMEOUT = 1.0  # seconds until an answer is given up, before the lease has run out
PAUSE = 0.06  # seconds at most between two looks at the list, and between two attempts
STEPS = (("COMPUTE_URL", "/boot"), ("COMPUTE_URL", "/configure"), ("WITNESS_URL", ""))

TAKE = "return redis.call('SADD', 'taken', ARGV[1]) == 1 and redis.call('RPUSH', 'waiting', ARGV[2])"
HELD = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
RENEW = HELD + "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"
DONE = HELD + "redis.call('LREM', 'waiting', 1, ARGV[2]) return redis.call('DEL', KEYS[1])"


class Redis:
    """One connection, made again after an error."""

    def __init__(self, url):
        self.url, self.lock, self.file = urllib.parse.urlsplit(url), threading.Lock(), None

    def __call__(self, *words):
        with self.lock:
            try:
                if self.file is None:
                    self.file = socket.create_connection((self.url.hostname, self.url.port), TIMEOUT).makefile("rwb")
                    self.ask("AUTH", self.url.password)
                return self.ask(*words)
            except OSError:
                self.file = None
                raise

    def ask(self, *words):
        words = [str(word).encode() for word in words]
        self.file.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        self.file.flush()
        return self.answer()

    def answer(self):
        line = whole(self.file.readline())
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else whole(self.file.read(int(rest) + 2)).decode()
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        raise OSError(f"Redis answers {line!r}")


def whole(text):
    if not text.endswith(b"\r\n"):
        raise OSError("the connection has ended")
    return text[:-2]


def lease_of(job):
    """The name of the lease that a job needs. Without a key it waits for nobody."""
    return "lease:" + (job["turn"] or "job:" + job["key"])


def work(redis):
    while True:
        try:
            first = {}  # of each lease, the job that waits longest
            for entry in redis("LRANGE", "waiting", 0, -1):
                first.setdefault(lease_of(json.loads(entry)), entry)
            for lease, entry in first.items():
                turn(redis, lease, entry)
        except OSError as error:
            print(f"left to its lease: {error!r}", flush=True)
        time.sleep(random.uniform(0, PAUSE))


def turn(redis, lease, entry):
    """Does the job if it is its turn."""
    job, token = json.loads(entry), secrets.token_hex(8)
    if redis("SET", lease, token, "NX", "PX", int(LEASE * 1000)) is None:
        return
    if redis("LPOS", "waiting", entry) is not None:  # else it was done since
        for receiver, name in STEPS:
            step = {"subject": job["subject"] + name, "key": job["key"] + name, "kind": "once"}
            while True:
                begun = time.monotonic()
                if redis("EVAL", RENEW, 1, lease, token, int(LEASE * 1000)) == 0:
                    raise TimeoutError(f"{lease} has run out")  # and may be somebody else's
                if call(os.environ[receiver], step, begun + LEASE):
                    break
                time.sleep(random.uniform(0, PAUSE))
    redis("EVAL", DONE, 1, lease, token, entry)


def call(address, step, until):
    """Whether it is certain that the step took place. It ends with the lease."""
    headers = {"Authorization": "Bearer " + os.environ["WITNESS_TOKEN"], "Content-Type": "application/json"}
    limit = min(TIMEOUT, until - time.monotonic())
    if limit <= 0:
        raise TimeoutError("the lease has run out")
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=limit)
    try:
        connection.request("POST", "/v1/effects", json.dumps(step), headers)
        return connection.getresponse().status in (200, 208)  # accepted, or seen before
    except (OSError, http.client.HTTPException) as error:
        print(f"{step['subject']}: {error!r}", flush=True)
        return False
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        try:
            job = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            entry = json.dumps({name: str(job[name]) for name in ("key", "subject", "turn")})
            self.server.redis("EVAL", TAKE, 0, job["key"], entry)
            self.answer(202)
        except (ValueError, KeyError, TypeError):
            self.answer(422)  # nobody could do it
        except OSError as error:
            print(f"not taken: {error!r}", flush=True)
            self.answer(503)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass  # a line a request would drown what matters


def main():
    redis = Redis(os.environ["REDIS_URL"])
    for _ in range(WORKERS):
        threading.Thread(target=work, args=(redis,), daemon=True).start()
    host, port = os.environ["LISTEN"].rsplit(":", 1)
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.redis = redis
    server.serve_forever()


if __name__ == "__main__":
    main()
