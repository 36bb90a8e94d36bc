"""Signing in with the real azure-identity, against an authority on the loopback; nothing else is probed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from azure_fake.estates import healthy
from azure_fake.rows import S1, TENANT
from azure_fake.server import TOKEN, Fault, error
from bklint.cli import main
from bklint.frontends.azure import client

REAL = client.credential
SECRET = "the-secret-of-the-principal"


@pytest.fixture
def principal(serve: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A service principal in the environment, as pipelines have it."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "00000000-0000-4000-8000-00000000000c")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    monkeypatch.setattr(client, "credential", REAL)
    return serve(healthy())


def test_a_service_principal_scans(principal: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    code = main(
        ["scan", "--subscription", S1, "--cloud", principal.endpoint, "--no-config", "--format", f"json={file}"]
    )
    captured = capsys.readouterr()
    assert code == 0
    assert json.loads(file.read_text())["summary"]["machines"] == 2
    shown = captured.out + captured.err + file.read_text()
    assert SECRET not in shown
    assert TOKEN not in shown
    (token,) = [each for each in principal.requests if each.path.endswith("/oauth2/v2.0/token")]
    assert token.path == f"/{TENANT}/oauth2/v2.0/token"
    assert not list(tmp_path.rglob("*token*"))


def test_a_wrong_secret_is_a_clear_error(principal: Any, capsys: pytest.CaptureFixture[str]) -> None:
    refused = error(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")._replace(
        body={"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    )
    principal.faults.append(Fault("oauth2/v2.0/token", refused, times=-1))
    assert main(["scan", "--subscription", S1, "--cloud", principal.endpoint, "--no-config"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("bklint: not signed in to Azure: run `az login`")
    assert SECRET not in captured.err + captured.out


def test_nobody_signed_in_is_a_clear_error(
    principal: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    assert main(["scan", "--subscription", S1, "--cloud", principal.endpoint, "--no-config"]) == 2
    assert "az login" in capsys.readouterr().err
    assert not [each for each in principal.requests if "resourcegraph" in each.path.lower()]
