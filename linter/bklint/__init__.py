"""bklint: finds in infrastructure code what would break Azure VM backup, before it is deployed."""

__version__ = "0.1.0"
