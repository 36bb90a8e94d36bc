resource "azurerm_virtual_network" "erp" {
  name                = "vnet-erp"
  resource_group_name = azurerm_resource_group.erp.name
  location            = azurerm_resource_group.erp.location
  address_space       = ["10.20.0.0/16"]
}

resource "azurerm_subnet" "erp" {
  name                 = "snet-erp"
  resource_group_name  = azurerm_resource_group.erp.name
  virtual_network_name = azurerm_virtual_network.erp.name
  address_prefixes     = ["10.20.1.0/24"]
}

resource "azurerm_network_security_group" "erp" {
  name                = "nsg-erp"
  resource_group_name = azurerm_resource_group.erp.name
  location            = azurerm_resource_group.erp.location

  security_rule {
    name                       = "deny-link-local"
    priority                   = 200
    direction                  = "Outbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "169.254.0.0/16"
    destination_port_range     = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "erp" {
  subnet_id                 = azurerm_subnet.erp.id
  network_security_group_id = azurerm_network_security_group.erp.id
}

resource "azurerm_network_interface" "erp" {
  name                = "nic-erp-01"
  resource_group_name = azurerm_resource_group.erp.name
  location            = azurerm_resource_group.erp.location

  ip_configuration {
    name                          = "internal"
    subnet_id                     = azurerm_subnet.erp.id
    private_ip_address_allocation = "Dynamic"
  }
}
