# Hardening of the ERP servers.
Set-StrictMode -Version Latest

Set-Service -Name 'VSS' -StartupType Disabled
Stop-Service -Name 'WindowsAzureGuestAgent' -Force
Set-Service -Name 'WindowsAzureGuestAgent' -StartupType Disabled

New-NetIPAddress -InterfaceAlias 'Ethernet' -IPAddress 10.20.1.10 -PrefixLength 24 -DefaultGateway 10.20.1.1
