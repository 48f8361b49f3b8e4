"""The files that a team starts from. `adopt` copies their text into the team's package; nothing else imports them."""
