"""Drawing and words: plain data in, a card (dict), a mail or a sentence out. Knows no service, no dialog, no SDK."""
