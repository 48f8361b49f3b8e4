"""What the stand-ins for the clouds are made of: an API that listens, containers, addresses, and what goes wrong."""
