"""A job queue to begin with: put your own program in its place.

It does what a drill needs of any program: it listens where it is told, says
when it is ready, takes jobs, and reports their effects.
"""

import http.client
import json
import os
import sqlite3
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
# HOME is the replica's own, and stays when it is killed and started again.
db = sqlite3.connect(os.path.join(os.environ["HOME"], "jobs.db"), check_same_thread=False, isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS jobs (key TEXT PRIMARY KEY, subject TEXT, done INT DEFAULT 0)")


def query(sql, *values):
    with lock:
        return db.execute(sql, values).fetchone()


def work():
    """Does one job after the other, and those first that the last life left."""
    while True:
        job = query("SELECT key, subject FROM jobs WHERE NOT done ORDER BY rowid LIMIT 1")
        if job and report(*job):
            query("UPDATE jobs SET done = 1 WHERE key = ?", job[0])
        else:
            time.sleep(0.05)


def report(key, subject):
    """True once it is certain that the effect took place. The key is always the same."""
    effect = json.dumps({"subject": subject, "key": key, "kind": "once"}).encode()
    headers = {"Authorization": "Bearer " + os.environ["WITNESS_TOKEN"], "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["WITNESS_URL"] + "/v1/effects", effect, headers)
    try:
        with urllib.request.urlopen(request, timeout=1) as answer:
            return answer.status in (200, 208)  # accepted, or seen before
    except (OSError, http.client.HTTPException) as error:
        print(f"{key}: {error}", flush=True)  # perhaps it took place, perhaps not
        return False


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/counts":
            unfinished = query("SELECT count(*) FROM jobs WHERE NOT done")[0]
            counts = {"unfinished": unfinished, "dead_letters": 0, "goroutines": threading.active_count()}  # it gives nothing up
            return self.answer(200, json.dumps(counts))
        self.answer(200 if self.path == "/ready" else 404)

    def do_POST(self):
        try:
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key, subject = job["key"], job["subject"]
        except (ValueError, KeyError, TypeError):
            return self.answer(400)
        query("INSERT OR IGNORE INTO jobs (key, subject) VALUES (?, ?)", key, subject)
        self.answer(202)  # only now that it is written down

    def answer(self, status, text=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass  # a line a request would drown what matters


threading.Thread(target=work, daemon=True).start()
host, port = os.environ["LISTEN"].rsplit(":", 1)
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
