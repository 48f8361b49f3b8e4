"""How good a bundle is: metrics, how sure they are, where they are worse, and the card that tells people."""
