"""Cards and mails, drawn from samples: no server, no store."""
