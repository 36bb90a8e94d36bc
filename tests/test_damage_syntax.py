"""A damaged HCL file invents nothing: whatever token is missing, what is not marked damaged is as in the intact file."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bklint.source import Source
from bklint.syntax import hcl
from bklint.syntax.node import Body

TOKEN = re.compile(r"<<-?\w+|[A-Za-z_][\w-]*|\d+|\$\{|%\{|==|!=|&&|\|\||=>|\.\.\.|[^\s\w]")

SAMPLES = {
    "machine": """\
# A machine with two disks.
variable "size" {
  description = "how large, in \\"GiB\\""
  type        = number
  default     = 5000
}

locals {
  name = "vm-${var.prefix}-%{ if var.test }test%{ else }prod%{ endif }"
  tags = { env = "prod", owner = "ops" }
}

resource "azurerm_linux_virtual_machine" "vm" {
  name                = local.name
  resource_group_name = azurerm_resource_group.rg.name
  size                = var.large ? "Standard_D4s_v3" : var.small ? "Standard_B1s" : "Standard_D2s_v3"
  admin_username      = "op"
  network_interface_ids = [
    azurerm_network_interface.nic.id, // the first
    azurerm_network_interface.other[0].id,
  ]

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
    disk_size_gb         = 128
  }

  dynamic "additional_capabilities" {
    for_each = var.ultra ? [1] : []
    content {
      ultra_ssd_enabled = true
    }
  }

  tags = merge(local.tags, { for k, v in var.tags : k => upper(v) if v != null })
}

resource "azurerm_managed_disk" "data" {
  count        = 2
  name         = "data-${count.index}"
  disk_size_gb = var.size
}
""",
    "network": """\
resource "azurerm_network_security_group" "nsg" {
  name     = "nsg"
  location = "westeurope"

  security_rule {
    name                       = "deny-all"
    priority                   = 100 + 1
    direction                  = "Outbound"
    access                     = "Deny"
    destination_port_range     = "*"
    destination_address_prefix = "Internet"
  }

  security_rule {
    name     = "allow-storage"
    priority = 90
    access   = "Allow"
  }
}

module "net" {
  source = "./net"
  rules = {
    a = { port = 443, allow = true }
    b = { port = 80, allow = !var.strict && length(var.ports) > 0 }
  }
  providers = { azurerm = azurerm.west }
}

output "ids" {
  value     = [for n in module.net.all[*].id : n]
  sensitive = false
}
""",
    "script": """\
resource "azurerm_virtual_machine_extension" "setup" {
  name               = "setup"
  virtual_machine_id = azurerm_linux_virtual_machine.vm.id
  type               = "CustomScript"

  settings = <<-JSON
    {
      "commandToExecute": "${var.command} --name='x' # not a comment"
    }
  JSON

  protected_settings = jsonencode({
    script = base64encode(<<EOT
#!/bin/sh
name="a" {
%{ for p in var.ports ~}
iptables -A OUTPUT -p tcp --dport ${p} -j DROP
%{ endfor ~}
}
EOT
    )
  })

  lifecycle {
    ignore_changes = [tags, settings]
  }
}

data "azurerm_client_config" "me" {}
""",
}


def attributes(body: Body, data: bytes, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Path, text and damage of every attribute."""
    for attribute in body.attributes.values():
        text = data[attribute.expr.start : attribute.expr.end].decode()
        yield path + attribute.name, text, attribute.damaged
    for block in body.blocks:
        yield from attributes(block.body, data, f"{path}{'.'.join([block.type, *block.labels])}/")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_without_a_token(sample: str, line_end: str) -> None:
    intact = SAMPLES[sample].replace("\n", line_end)
    data = intact.encode()
    file = hcl.parse(Source("main.tf", data))
    assert file.problems == ()
    known = {(path, text) for path, text, _ in attributes(file.body, data)}
    broken = 0
    for token in TOKEN.finditer(intact):
        rest = intact[: token.start()] + intact[token.end() :]
        data = rest.encode()
        file = hcl.parse(Source("main.tf", data))
        if not file.problems:
            continue
        broken += 1
        assert file.body.damaged
        for path, text, damaged in attributes(file.body, data):
            where = f"without {token[0]!r} in {intact[max(0, token.start() - 30) : token.end() + 30]!r}"
            # What floats at the top level because its block is gone belongs to no resource.
            assert damaged or "/" not in path or (path, text) in known, f"{where}: {path} = {text}"
    assert broken > 50


@pytest.mark.parametrize("sample", SAMPLES)
def test_cut_off(sample: str) -> None:
    intact = SAMPLES[sample]
    data = intact.encode()
    known = {(path, text) for path, text, _ in attributes(hcl.parse(Source("main.tf", data)).body, data)}
    for end in range(0, len(data), 7):
        file = hcl.parse(Source("main.tf", data[:end]))
        for path, text, damaged in attributes(file.body, data[:end]):
            assert damaged or not file.problems or (path, text) in known, f"up to {end}: {path} = {text}"
