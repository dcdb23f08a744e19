"""A job queue in one file: it takes jobs, writes them down, and does each once.

Every replica keeps a journal of its own. A job is acknowledged once it is on
disk, so that no kill can lose it: the next start goes on where the last ended.
An effect is reported with the job's key until the witness has answered. What
is reported twice, because an answer was lost or because two replicas took the
same job, is known by its key and happens once.
"""

import http.client
import json
import os
import queue
import random
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORKERS = 4
TIMEOUT = 1.0  # seconds until an answer of the witness is given up
PAUSE = 0.2  # seconds at most between two attempts


class Journal:
    """Jobs that were taken and jobs that are done, one line of JSON each."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.taken = {}  # by key
        self.done = set()  # keys
        self.file = open(path, "a+b")
        self.file.seek(0)
        end = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                break  # the last write of somebody who was killed: never acknowledged
            end += len(line)
            entry = json.loads(line)
            if "done" in entry:
                self.done.add(entry["done"])
            else:
                self.taken[entry["key"]] = entry
        self.file.truncate(end)
        self.left = [job for key, job in self.taken.items() if key not in self.done]

    def take(self, job):
        """Returns once the job is on disk. False: it was there before."""
        with self.lock:
            if job["key"] in self.taken:
                return False
            self.write(job)
            os.fsync(self.file.fileno())
            self.taken[job["key"]] = job
            return True

    def finish(self, job):
        """Need not reach the disk: a job done again is the same effect."""
        with self.lock:
            self.write({"done": job["key"]})
            self.done.add(job["key"])

    def state(self, key):
        """What became of a job, or None where another replica may have it."""
        with self.lock:
            if key not in self.taken:
                return None
            return "done" if key in self.done else "open"

    def write(self, entry):
        self.file.write(json.dumps(entry).encode() + b"\n")
        self.file.flush()


class Witness:
    """The outside world, in which effects happen."""

    def __init__(self, url, token):
        self.address = urllib.parse.urlsplit(url).netloc
        self.headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}

    def report(self, job):
        """Reports the job's effect until it is certain that it took place."""
        attempt = 1
        while not self.attempt(job, attempt):
            attempt += 1
            time.sleep(random.uniform(0, PAUSE))

    def attempt(self, job, attempt):
        effect = {"subject": job["subject"], "kind": "once", "attempt": attempt}
        effect["key"] = job["key"]
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT)
        try:
            connection.request("POST", "/v1/effects", json.dumps(effect), self.headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            print(f"{job['key']}: attempt {attempt}: {error!r}", flush=True)
            return False  # perhaps it took place, perhaps not
        finally:
            connection.close()
        if status in (200, 208):  # accepted, or seen before
            return True
        print(f"{job['key']}: attempt {attempt}: the witness answers {status}", flush=True)
        return False


def work(jobs, journal, witness):
    while True:
        job = jobs.get()
        time.sleep(job["seconds"])
        witness.report(job)
        journal.finish(job)


def parse(body):
    """The job in a request, or None where nobody could do it."""
    try:
        request = json.loads(body)
        seconds = (request["args"] or {}).get("work_ms", 0) / 1000
        job = {"key": request["key"], "subject": request["subject"], "seconds": seconds}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return job if seconds >= 0 and job["key"] and job["subject"] else None


def handler(jobs, journal):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            state = journal.state(self.path.removeprefix("/jobs/"))
            if self.path == "/ready":
                self.answer(200)
            elif state is None:
                self.answer(404)
            else:
                self.answer(200, json.dumps({"state": state}).encode())

        def do_POST(self):
            job = parse(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            if self.path != "/jobs":
                self.answer(404)
            elif job is None:
                self.answer(422)
            else:
                if journal.take(job):
                    jobs.put(job)
                self.answer(202)

        def answer(self, status, body=b""):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass  # a line a request would drown what matters

    return Handler


def main():
    journal = Journal(os.path.join(os.environ["HOME"], "journal.jsonl"))
    witness = Witness(os.environ["WITNESS_URL"], os.environ["WITNESS_TOKEN"])
    jobs = queue.SimpleQueue()
    for job in journal.left:
        jobs.put(job)
    for _ in range(WORKERS):
        threading.Thread(target=work, args=(jobs, journal, witness), daemon=True).start()
    host, port = os.environ["LISTEN"].rsplit(":", 1)
    print(f"{len(journal.left)} jobs are left of the last life", flush=True)
    ThreadingHTTPServer((host, int(port)), handler(jobs, journal)).serve_forever()


if __name__ == "__main__":
    main()
