"""Cost of a live scan: time and memory for tenants of growing size, against a Resource Manager on the loopback.

Usage: python -m bench.live [SUBSCRIPTIONS:RESOURCES_EACH…]     (default: 250:105 500:105 1000:105 2000:105)

The service is that of the tests, in a process of its own, so that the times are the client's: wall clock and CPU seconds
of `bklint scan --tenant`, its peak memory, and CPU per 1,000 resources, which must not grow with the tenant.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZES = ("250:105", "500:105", "1000:105", "2000:105")

SERVE = """
import sys
from azure_fake.server import Fake
from azure_fake.tenants import Tenant
number, size = map(int, sys.argv[1].split(":"))
tenant = Tenant(number, size)
with Fake(tenant) as fake:
    print(fake.endpoint, fake.ca, tenant.resources, flush=True)
    sys.stdin.read()
"""

SCAN = """
import json, resource, sys, time
from azure_fake.signing import Identity
from bklint.cli import main
from bklint.frontends.azure import client
client.credential = lambda cloud: Identity()
began = time.monotonic()
code = main(["scan", "--tenant", "--cloud", sys.argv[1], "--no-config", "--format", "json"])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss]), file=sys.stderr)
"""


def measured(size: str) -> tuple[int, int, list[float], int, int]:
    """Resources, findings, what the scan used, its exit status and its requests."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("linter", "tests"))}
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as service,
    ):
        assert service.stdout is not None
        assert service.stdin is not None
        endpoint, ca, resources = service.stdout.readline().split()
        file = Path(directory) / "report.json"
        with file.open("w", encoding="utf-8") as written:
            done = subprocess.run(
                [sys.executable, "-c", SCAN, endpoint],
                env={**environment, "REQUESTS_CA_BUNDLE": ca},
                stdout=written,
                stderr=subprocess.PIPE,
                text=True,
                check=True,
            )
        service.stdin.close()
        code, *used = json.loads(done.stderr.splitlines()[-1])
        report = json.loads(file.read_text("utf-8"))
    assert report["summary"]["resources"] == int(resources), (report["summary"], resources)
    return int(resources), len(report["findings"]), used, code, report["summary"]["requests"]


def main() -> int:
    """Measure and print."""
    print("subscriptions resources findings requests exit  wall s   CPU s  CPU s/1,000  peak MiB", flush=True)
    for size in sys.argv[1:] or SIZES:
        began = time.monotonic()
        resources, findings, (wall, cpu, peak), code, requests = measured(size)
        print(
            f"{size.partition(':')[0]:>13} {resources:>9} {findings:>8} {requests:>8} {code:>4} {wall:>7.1f} {cpu:>7.1f}"
            f" {cpu / resources * 1000:>12.3f} {peak / 1024:>9.0f}   ({time.monotonic() - began:.0f} s in all)",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
