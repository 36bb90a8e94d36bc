"""Many subscriptions: requests and work follow what there is, memory follows one group of subscriptions."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest

from azure_fake.rows import S1, Tables, disk, subscription
from azure_fake.server import Fake
from azure_fake.tenants import Tenant
from bklint.cli import Progress, main
from bklint.frontends.azure import estate
from bklint.model.inventory import World
from bklint.model.resource import Resource


def scan(fake: Fake, file: Path, *words: str) -> dict[str, Any]:
    main(["scan", "--cloud", fake.endpoint, "--no-config", "--format", f"json={file}", "--quiet", *words])
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_requests_and_findings_grow_with_the_tenant(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estate, "MAX_ROWS", 150)
    requests = []
    for number in (4, 8):
        tenant = Tenant(number, 70)
        report = scan(serve(tenant), tmp_path / "report.json", "--tenant")
        assert report["summary"]["resources"] == tenant.resources
        assert report["summary"]["subscriptions"] == number
        assert len(report["findings"]) == number
        requests.append(report["summary"]["requests"])
    assert requests[1] <= 2 * requests[0]


def test_no_more_than_a_group_of_subscriptions_is_in_memory(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Worlds and resources that are alive when a subscription begins, the earlier ones being garbage."""
    monkeypatch.setattr(estate, "MAX_ROWS", 100)
    alive: list[tuple[int, int]] = []
    judged = estate.LiveRoot.lower

    def counted(self: estate.LiveRoot, *given: Any) -> World:
        gc.collect()
        objects = gc.get_objects()
        worlds = sum(isinstance(each, World) for each in objects)
        alive.append((worlds, sum(isinstance(each, Resource) for each in objects)))
        return judged(self, *given)

    monkeypatch.setattr(estate.LiveRoot, "lower", counted)
    gc.collect()
    before = sum(isinstance(each, Resource) for each in gc.get_objects())
    scan(serve(Tenant(6, 30)), tmp_path / "report.json", "--tenant")
    assert len(alive) == 6
    assert max(resources for _, resources in alive) - before <= 100


def test_subscriptions_are_grouped_by_their_rows() -> None:
    many = [
        estate.Subscription(str(number), "", frozenset(), rows) for number, rows in enumerate([5, 9000, 10, 20, 2980])
    ]
    batches = [[one.id for one in batch] for batch in estate._batches(many)]
    assert batches == [["0"], ["1"], ["2", "3"], ["4"]]
    small = [estate.Subscription(str(number), "", frozenset(), 1) for number in range(450)]
    assert [len(batch) for batch in estate._batches(small)] == [200, 200, 50]


def test_one_query_fetches_what_a_group_of_subscriptions_refers_to(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = serve(Tenant(3, 30))
    scan(fake, tmp_path / "report.json", "--tenant")
    asked = [each.body["query"] for each in fake.requests if each.body and " | where id in~ " in each.body["query"]]
    assert asked == []  # the network of the first subscription is in the same group
    fake = serve(Tenant(6, 40))
    last = f"{6:08x}-0000-4000-8000-000000000000"
    scan(fake, tmp_path / "report.json", "--subscription", last)
    asked = [each.body["query"] for each in fake.requests if each.body and " | where id in~ " in each.body["query"]]
    assert len(asked) == 2  # the network, then the security group of its subnet


def test_progress_counts(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Terminal:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            shown.append(text)
            return len(text)

        def flush(self) -> None:
            """Nothing to do."""

    monkeypatch.setattr("bklint.cli.PROGRESS_AFTER", 0)
    monkeypatch.setattr("bklint.cli.PROGRESS_EVERY", 0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("bklint.cli.Progress", lambda _, wanted: Progress(Terminal(), wanted))  # type: ignore[arg-type]
    fake = serve(Tables([subscription(S1, "prod"), *(disk(S1, "rg", f"d{number}") for number in range(1500))]))
    words = ("--no-config", "--format", f"json={tmp_path / 'r.json'}", "--subscription", S1)
    main(["scan", "--cloud", fake.endpoint, *words])
    text = "".join(shown)
    assert "1000 of 1500 resources" in text
    assert "1 checked, now 1500 of 1500 resources, prod" in text
    assert text.endswith("\r\x1b[K")
