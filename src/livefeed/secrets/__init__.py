"""Secrets: a type that masks itself, envelope encryption at rest, keyed hashes, and the key file."""

from livefeed.secrets.files import KeyFile, read_key_file, write_key_file
from livefeed.secrets.ring import KeyRing, read_or_create_key_file
from livefeed.secrets.sealing import SealingKey, Secret, fresh_key, hash_key_of, key_id_of

__all__ = [
    "KeyFile",
    "KeyRing",
    "SealingKey",
    "Secret",
    "fresh_key",
    "hash_key_of",
    "key_id_of",
    "read_key_file",
    "read_or_create_key_file",
    "write_key_file",
]
