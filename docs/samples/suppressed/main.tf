# bklint: ignore[BKP301] the archive is copied to tape, until=2099-12-31
resource "azurerm_managed_disk" "archive" {
  name         = "disk-archive"
  disk_size_gb = 40000
}

resource "azurerm_managed_disk" "scratch" {
  name         = "disk-scratch"
  disk_size_gb = 512 # bklint: ignore[BKP301] scratch
}

resource "azurerm_managed_disk" "logs" {
  # bklint: ignore[BKP301]
  name         = "disk-logs"
  disk_size_gb = 1024
}
