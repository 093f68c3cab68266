"""Sealed values open only with their key and context; secrets never show themselves."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.errors import SettingsError
from livefeed.secrets import (
    KeyFile,
    KeyRing,
    Secret,
    hash_key_of,
    key_id_of,
    read_key_file,
    read_or_create_key_file,
    write_key_file,
)

OLD, NEW = b"o" * 32, b"n" * 32


def test_secrets_are_compared_whatever_letters_they_have():
    assert Secret("тайна") == Secret("тайна")
    assert Secret("тайна") != Secret("secret")


@given(st.binary(), st.binary(max_size=20))
def test_what_is_sealed_opens_again(plain: bytes, context: bytes):
    ring = KeyRing([NEW])

    assert plain == ring.open(ring.seal(plain, context=context), context=context)


def test_a_blob_of_an_older_key_opens_after_a_rotation_and_hashes_stay():
    blob, digest = KeyRing([OLD]).seal(b"token"), KeyRing([OLD]).hash("token")
    rotated = KeyRing([NEW, OLD])

    assert b"token" == rotated.open(blob)
    assert digest == rotated.hash("token")


@pytest.mark.parametrize("ring", [KeyRing([NEW]), KeyRing([OLD])])
def test_a_damaged_blob_or_a_wrong_key_is_one_clear_error(ring: KeyRing):
    blob = KeyRing([OLD]).seal(b"token")

    with pytest.raises(SettingsError):
        ring.open(blob[:-1] + bytes([blob[-1] ^ 1]))


def test_a_value_sealed_for_one_portal_does_not_open_for_another():
    ring = KeyRing([NEW])

    with pytest.raises(SettingsError):
        ring.open(ring.seal(b"token", context=b"portal a"), context=b"portal b")


def test_a_secret_masks_itself():
    secret = Secret("hunter2")

    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert "hunter2" == secret.reveal()


def test_a_key_file_is_made_once_and_is_private(tmp_path: Path):
    path = tmp_path / "app.key"

    blob = read_or_create_key_file(path).seal(b"token")

    assert 0o600 == path.stat().st_mode & 0o777
    assert b"token" == read_or_create_key_file(path).open(blob)


@pytest.mark.parametrize("content", ["", "zz", "00ff", "0" * 63])
def test_another_file_is_not_taken_for_a_key_file(tmp_path: Path, content: str):
    path = tmp_path / "app.key"
    path.write_text(content)

    with pytest.raises(SettingsError, match=r"app\.key|32 bytes"):
        read_or_create_key_file(path)


def test_a_key_that_is_added_while_a_process_starts_is_taken_over(tmp_path: Path):
    path = tmp_path / "app.key"
    read_or_create_key_file(path)
    before = read_key_file(path)
    write_key_file(path, replace(before, keys=(NEW, *before.keys)))
    ring = KeyRing(
        before.keys, hash_key=before.hash_key, source=path
    )  # it has read the file before the key was added

    assert b"token" == ring.open(KeyRing([NEW]).seal(b"token"))


def test_a_prepared_key_opens_and_seals_only_when_it_is_seen_to_seal(tmp_path: Path):
    path = tmp_path / "app.key"
    ring = read_or_create_key_file(path)
    older, digest = ring.ids, ring.hash("token")
    write_key_file(path, replace(read_key_file(path), prepared=NEW))
    ring.look_again(now=True)
    blob = KeyRing([NEW]).seal(b"token")

    before = (ring.ids, key_id_of(ring.seal(b"token")), ring.hash("token"))
    opened = ring.open(blob)

    assert (older, older[0], digest) == before
    assert (b"token", key_id_of(blob), digest) == (opened, key_id_of(ring.seal(b"token")), ring.hash("token"))
    os.utime(path, (1, 1))
    ring.look_again(now=True)
    assert (key_id_of(blob), *older) == ring.ids, "and stays the newest whatever the file says"
    assert None is ring.prepared_id


@pytest.mark.parametrize("line", ["next:00ff", "next:zz", "last:" + "0" * 64])
def test_a_line_that_says_nothing_known_makes_no_key_file(tmp_path: Path, line: str):
    path = tmp_path / "app.key"
    path.write_text(f"{NEW.hex()}\n{line}\n")

    with pytest.raises(SettingsError, match=r"app\.key|32 bytes"):
        read_key_file(path)


def test_what_a_key_file_holds_is_read_as_it_was_written(tmp_path: Path):
    path = tmp_path / "app.key"
    path.touch()
    for content in (
        KeyFile(keys=(NEW, OLD), hash_key=hash_key_of(OLD)),
        KeyFile(keys=(NEW,), hash_key=hash_key_of(OLD), prepared=OLD),
    ):
        write_key_file(path, content)
        assert content == read_key_file(path)
        assert NEW.hex() not in repr(content)


def test_no_two_blobs_share_a_nonce():
    ring = KeyRing([bytes(range(32))])

    blobs = [ring.seal(b"the same") for _ in range(2_000)]

    assert len({blob[4:16] for blob in blobs}) == 2_000
