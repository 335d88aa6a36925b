"""Encrypted content of exchanges: sealed on the way in, opened with a reason, ended by destroying keys."""
