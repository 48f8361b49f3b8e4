"""Any host with Docker and ssh: containers are revisions, and one Caddy before them shares the traffic out."""
