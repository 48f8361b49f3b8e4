"""What we say about speed, as programs that anyone can run."""
