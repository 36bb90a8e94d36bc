"""Commands that install and remove software → guest/packageChanges, guest/agentSources, guest/fileRemovals.

`manager` says whose names the packages are: a Linux package manager, `feature` for Windows features, `msi` for products
of Windows Installer, `alternatives`.
"""

from __future__ import annotations

import re

from bklint.frontends.guest.calls import Call

_REMOVES = frozenset(
    {
        "remove",
        "purge",
        "erase",
        "autoremove",
        "autopurge",
        "rm",
        "uninstall",
        "-e",
        "--erase",
        "-r",
        "--remove",
        "-P",
        "--purge",
        "del",
    }
)
_INSTALLS = frozenset(
    {"install", "in", "reinstall", "-i", "--install", "localinstall", "update", "upgrade", "-U", "-Uvh", "-ivh", "add"}
)
_GITHUB = re.compile(r"github(?:usercontent)?\.com[/:]azure/walinuxagent", re.I)


def change(call: Call, package: str, action: str, manager: str) -> None:
    """Record that a package is installed or removed."""
    call.record("packageChanges", package=package.casefold(), action=action, manager=manager)


def linux(call: Call) -> None:
    """`apt-get purge NAME…` and its like."""
    args = list(call.args)
    verb = next((arg for arg in args if arg.text in _REMOVES or arg.text in _INSTALLS), None)
    if verb is None:
        return
    action = "remove" if verb.text in _REMOVES else "install"
    if call.name in ("dpkg", "rpm") and verb.text == "-r" and call.name == "rpm":
        return
    for arg in args[args.index(verb) + 1 :]:
        if arg.text.startswith("-") or arg.text.startswith("/dev"):
            continue
        change(call, re.sub(r"[=:](?=\S).*\Z", "", arg.text) if "://" not in arg.text else arg.text, action, call.name)


def windows_feature(call: Call) -> None:
    """`Uninstall-WindowsFeature`, `Disable-WindowsOptionalFeature`, and their opposites."""
    arg = call.parameter("FeatureName", "Name") or next(iter(call.positional), None)
    action = "remove" if call.name.startswith(("uninstall", "remove", "disable")) else "install"
    for name in arg.all if arg is not None else ():
        change(call, name, action, "feature")


def dism(call: Call) -> None:
    """`dism /online /disable-feature /featurename:NAME`."""
    name = next((word.partition(":")[2] for word in call.words if word.startswith("/featurename:")), "")
    if name and ("/disable-feature" in call.words or "/enable-feature" in call.words):
        change(call, name, "remove" if "/disable-feature" in call.words else "install", "feature")


def msiexec(call: Call) -> None:
    """`msiexec /x PRODUCT`."""
    for index, word in enumerate(call.words):
        match = re.match(r"[/-](?:x|uninstall)(\{.*|.*\.msi)?\Z", word)
        if match:
            product = match[1] or (call.words[index + 1] if index + 1 < len(call.words) else "")
            change(call, product, "remove", "msi")
        elif re.match(r"[/-](?:i|package)\Z", word) and index + 1 < len(call.words):
            change(call, call.words[index + 1], "install", "msi")


def product_method(call: Call, object_: str, name: str) -> None:
    """WMI: `(Get-WmiObject Win32_Product -Filter "Name like '…'").Uninstall()`."""
    match = re.search(r"win32_product[^\n]*?name\s*(?:=|-eq|-like|-match|like)\s*[\"'`]*([^\"'`}\)]+)", object_, re.I)
    if name == "uninstall" and match:
        change(call, match[1].strip("%* "), "remove", "msi")


def wmic(call: Call) -> None:
    """`wmic product where name='…' call uninstall`."""
    match = re.search(r"product\s+where\s+.*?name\s*(?:=|like)\s*[\"'\\]*([^\"'\\]+)", call.line)
    if match and "uninstall" in call.line:
        change(call, match[1].strip("%"), "remove", "msi")


def uninstall_package(call: Call) -> None:
    """`Uninstall-Package -Name …`."""
    arg = call.parameter("Name") or next(iter(call.positional), None)
    for name in arg.all if arg is not None else ():
        change(call, name, "remove", "msi")


def wusa(call: Call) -> None:
    """`wusa /uninstall /kb:NUMBER`."""
    kb = next((word.partition(":")[2] for word in call.words if word.startswith("/kb:")), "")
    if "/uninstall" in call.words and kb:
        change(call, f"kb{kb.removeprefix('kb')}", "remove", "update")


def alternatives(call: Call) -> None:
    """`update-alternatives --remove NAME PATH`."""
    words = [arg.text for arg in call.args]
    if words[:1] in (["--remove"], ["--remove-all"]) and len(words) >= 2:
        change(call, words[1], "remove", "alternatives")
    elif words[:1] in (["--install"], ["--set"], ["--config"]) and len(words) >= 3:
        change(call, words[2] if words[0] == "--install" else words[1], "install", "alternatives")


def remove_files(call: Call) -> None:
    """`rm -rf PATH…`, `Remove-Item PATH`."""
    if call.name == "rm" and not any(arg.text.startswith("/") for arg in call.args):
        return
    for arg in call.args:
        for path in arg.all:
            if path.startswith("/") or re.match(r"[A-Za-z]:\\", path):
                call.record("fileRemovals", path=re.sub(r"/+\Z", "", path) or "/")


def downloads(call: Call) -> None:
    """`git clone`, `wget` and `curl` of the Linux agent's source, `pip install` of it."""
    for arg in call.args:
        if _GITHUB.search(arg.text):
            call.out.unit.flags.add("walinuxagent source")
            if call.name in ("git", "pip", "pip3") or re.search(
                r"/(?:archive|releases|tarball|zipball|master|refs)", arg.low
            ):
                call.record("agentSources", path=arg.text, source="github", how=call.name)
            else:
                call.record("agentSources", path=arg.text, source="page", how=call.name)
            return


def python(call: Call) -> None:
    """`python setup.py install` in the agent's source."""
    words = [arg.low for arg in call.args]
    if any(word.endswith("setup.py") for word in words) and "install" in words:
        seen = "walinuxagent source" in call.out.unit.flags or any("walinuxagent" in word for word in words)
        if seen and "--register-service" in words:
            call.record("agentSources", path="setup.py", source="source", how="setup.py")
