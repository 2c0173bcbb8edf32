"""The Teams app package: its manifest, words, icons, and what builds it."""
