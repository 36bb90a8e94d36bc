# Hardening of the ERP servers.
Set-StrictMode -Version Latest

Set-Service -Name 'VSS' -StartupType Manual
Set-Service -Name 'WindowsAzureGuestAgent' -StartupType Automatic
Set-Service -Name 'Spooler' -StartupType Disabled
