"""One text of a known kind → the guest/* resources it stands for.

What a text of its kind cannot be (a template's YAML that is no YAML before it is rendered) is counted as a gap and
otherwise passed over: nobody has said that it must be readable. A file that says what it is, and is no template, must.
"""

from __future__ import annotations

from collections.abc import Callable

from bklint import limits
from bklint.errors import InputError, LimitError
from bklint.frontends.guest import (
    cloud_init,
    firewalls,
    mof,
    network_files,
    registry,
    system_files,
    wdac,
    windows_files,
)
from bklint.frontends.guest.interpreter import Interpreter
from bklint.frontends.guest.programs import run
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.text import MAX_NESTING
from bklint.syntax.words import Script

SCRIPTS = ("shell", "powershell", "batch")


def script(family: str, out: Recorder) -> None:
    """The commands of a script."""
    found = parsed(family, out.text.data)
    out.unit.gaps += found.gaps
    for call in Interpreter(found, out, family).calls():
        run(call, family)


def parsed(family: str, data: bytes) -> Script:
    """The statements of a script, which is shell, powershell or batch. Raises LimitError."""
    if family == "shell":
        from bklint.syntax import shell

        return shell.parse(data)
    if family == "powershell":
        from bklint.syntax import powershell

        return powershell.parse(data)
    from bklint.syntax import batch

    return batch.parse(data)


READERS: dict[str, Callable[[Recorder], None]] = {
    "cloud-init": cloud_init.cloud_config,
    "mime": cloud_init.mime,
    "netplan": network_files.netplan,
    "ifcfg": network_files.ifcfg,
    "interfaces": network_files.interfaces,
    "networkd": network_files.networkd,
    "keyfile": network_files.keyfile,
    "waagent": system_files.waagent,
    "environment": system_files.environment,
    "unit": system_files.unit,
    "fstab": system_files.fstab,
    "mountunit": system_files.mount_unit,
    "hosts": system_files.hosts,
    "selinux": system_files.selinux,
    "fapolicyd": system_files.fapolicyd,
    "ufw": system_files.ufw,
    "iptables": firewalls.iptables_save,
    "nftables": firewalls.nft_file,
    "firewalld": windows_files.firewalld,
    "registry": registry.file,
    "template": registry.security_template,
    "unattend": windows_files.unattend,
    "applocker": windows_files.applocker,
    "wdac": wdac.policy,
    "mof": mof.file,
}
"""Kinds of configuration files."""


def read(kind: str, out: Recorder, claims: bool = False) -> None:
    """Add what a text of a kind stands for. Raises InputError only where the text `claims` to be of that kind."""
    if out.text.depth > MAX_NESTING:
        out.unit.gaps += 1
        return
    try:
        if kind in SCRIPTS:
            script(kind, out)
        elif kind in READERS:
            READERS[kind](out)
    except InputError as error:
        if claims:
            raise type(error)(f"{error.message} (recognised as {kind})", error.offset) from error
        out.unit.gaps += 1
        if isinstance(error, LimitError) and error.limit:  # others are gaps of the grammars, which the summary counts
            limits.note(error.message, out.text.place(0, 0))
