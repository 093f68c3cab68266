"""What may be tried against us, and the test of each control: a row whose test is gone fails here."""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

INSTALL = "app/test_install.py::"

FORGED_INSTALLS = {
    "no tokens, or not enough of them": INSTALL + "test_a_callback_that_cannot_be_proved_is_refused",
    "a valid token of another application": INSTALL + "test_a_token_of_another_application_is_refused",
    "a token of another portal": "security/test_app_crossing.py::"
    "test_no_installation_replaces_that_of_another_portal",
    "a valid token of an ordinary person": INSTALL + "test_the_token_of_an_ordinary_user_installs_nothing",
    "a refresh token of another portal": INSTALL + "test_a_refresh_token_of_another_portal_is_refused",
    "addresses in the payload": INSTALL + "test_endpoints_of_the_callback_are_ignored",
    "a status that is none": INSTALL + "test_an_unknown_status_is_refused",
    "another portal than the pinned one": INSTALL + "test_a_local_application_takes_no_other_portal",
    "another portal than the first": INSTALL
    + "test_a_local_application_belongs_to_the_first_portal_that_installs_it",
    "another application_token for a known portal": INSTALL
    + "test_a_different_application_token_for_a_known_portal_goes_to_quarantine",
    "and only an administrator's word frees it": "app/test_tokens.py::"
    "test_an_installation_in_quarantine_is_confirmed_by_a_command",
    "or in the console, which has raised an alarm": "app/test_console.py::"
    "test_an_installation_in_quarantine_raises_an_alarm_and_is_confirmed_in_the_console",
    "or his own opening of a page": "app/test_frames.py::"
    "test_another_application_token_is_taken_from_an_administrator_only",
    "the same callback again": INSTALL + "test_the_same_callback_again_changes_nothing",
    "the refresh token that travelled": INSTALL + "test_the_refresh_token_that_travelled_is_dead_afterwards",
    "an install event at the door for events": INSTALL
    + "test_an_install_event_at_the_event_door_installs_nothing",
    "a crowd of callbacks": INSTALL
    + "test_a_crowd_of_callbacks_does_not_become_a_crowd_at_the_authorization_server",
    "a forged uninstall": "app/test_leaving.py::test_a_forged_uninstall_event_stops_nothing",
}

FORGED_EVENTS = {
    "a wrong, missing or foreign token": "app/test_door.py::"
    "test_what_is_not_proved_gets_one_and_the_same_refusal",
    "the token of another portal": "security/test_app_crossing.py::"
    "test_no_event_counts_with_the_token_of_another_portal",
    "guessing portals by the time of a refusal": "app/test_door.py::test_both_refusals_take_the_same_time",
    "a token whose overlap is over": "app/test_door.py::test_a_token_in_its_overlap_is_right_until_that_ends",
    "guessing the secret path": "app/test_tokens.py::test_with_a_secret_path_there_is_no_other_door",
    "and at the own server": "app/http/test_secret_path.py::test_events_come_in_at_one_path",
    "too long": "app/test_door.py::test_what_is_too_large_is_refused_with_413",
    "without an end": "app/test_door.py::test_a_chunked_body_without_end_is_cut_at_64_kb",
    "sent again": "app/test_door.py::test_two_equal_bodies_are_two_events",
    "with tokens of its own": "app/test_door.py::"
    "test_the_tokens_of_an_event_never_replace_the_pair_of_the_installer",
    "with any time it likes": "app/test_door.py::test_the_time_that_an_event_names_is_no_gate",
    "a page that is opened again": "app/test_frames.py::test_an_opening_sent_again_replaces_no_newer_pair",
}

CONTROLS = {
    "refresh stampede": "client/test_processes.py::test_64_callers_in_four_processes_cause_one_refresh",
    "lost rotated token": "client/test_processes.py::test_a_process_that_dies_in_a_refresh_loses_no_pair",
    "dead refresh token": "app/test_tokens.py::test_a_pair_that_nobody_needs_is_refreshed_before_it_ends",
    "stolen database": "app/test_door.py::test_no_secret_lies_in_the_database_file",
    "stolen database, application_token": INSTALL + "test_the_application_token_is_stored_as_a_hash_only",
    "stolen key": "app/test_keys.py::test_keys_are_rotated_while_events_come_in",
    "stolen database of an erased portal": "app/test_keys.py::"
    "test_what_is_left_of_a_portal_that_was_erased_cannot_be_read",
    "a sealed value moved to another row": "client/test_vault.py::"
    "test_a_blob_moved_to_another_portal_does_not_open",
    "secrets in logs, traces, pages": "security/test_secrets.py::"
    "test_no_secret_of_a_full_run_is_found_anywhere_again",
    "secrets in what commands show": "system/test_demo.py::"
    "test_nothing_secret_is_logged_shown_or_stored_in_clear",
    "token sent to a foreign host": "app/test_runner.py::test_a_redirect_elsewhere_gets_no_token",
    "stored XSS": "ui/test_diff.py::test_no_text_of_a_post_becomes_markup",
    "stored XSS, second wall": "ui/test_bbcode.py::"
    "test_the_second_wall_stops_what_the_first_one_never_writes",
    "BBCode injection into notices": "notifier/test_wording.py::test_nothing_of_a_post_is_alive_in_a_notice",
    "crossing portals": "security/test_app_crossing.py::test_operations_name_their_portal",
    "crossing portals, uninstall": "security/test_app_crossing.py::"
    "test_an_uninstall_of_one_portal_leaves_the_other",
    "crossing portals, frames": "security/test_app_crossing.py::"
    "test_no_frame_opens_with_the_tokens_of_another_portal",
    "CSRF": "security/test_app_doors.py::"
    "test_no_form_of_the_console_counts_unless_it_was_shown_to_this_browser",
    "click-jacking": "security/test_app_doors.py::test_the_pages_of_a_frame_are_framed_by_their_portal_alone",
    "code theft": "security/test_app_crossing.py::"
    "test_no_state_counts_in_another_browser_or_for_another_departure",
    "edit storms": "app/test_runner.py::test_a_coalescing_handler_gets_the_run_and_another_each_event",
    "edit storms, notices": "notifier/test_telling.py::test_edits_within_the_quiet_time_are_one_notice",
    "personal data, retention": "app/test_runner.py::test_what_is_past_its_retention_goes_with_its_steps",
    "personal data, after leaving": "app/test_leaving.py::"
    "test_what_is_kept_of_a_portal_goes_after_thirty_days",
    "personal data, every place is known": "house/test_personal.py::"
    "test_every_column_is_known_to_hold_something_of_a_person_or_nothing",
    "personal data, export": "notifier/test_privacy.py::test_an_export_has_everything_that_is_kept",
    "personal data, erasure": "notifier/test_privacy.py::test_nothing_is_left_of_a_person_who_is_erased",
    "personal data, what the portal still shows": "notifier/test_privacy.py::test_nothing_of_him_comes_back",
    "personal data, erased while something is decided": "notifier/test_privacy.py::"
    "test_what_is_being_decided_when_he_is_erased_is_decided_again_without_him",
    "personal data, legal hold": "notifier/test_privacy.py::test_what_is_held_is_left_until_the_hold_ends",
    "personal data, legal hold and CLEAN=1": "notifier/test_privacy.py::"
    "test_a_portal_that_leaves_with_clean_is_kept_while_anything_of_it_is_held",
    "personal data, redaction": "notifier/test_privacy.py::test_the_words_of_a_version_are_gone_for_all",
    "personal data, redaction in the portal": "scenario/test_the_history_opens_in_the_frame.py::"
    "test_nobody_but_an_administrator_redacts",
    "personal data, CLEAN=1": "app/test_leaving.py::test_with_clean_it_goes_at_once",
}


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


@pytest.mark.parametrize(
    "table", [FORGED_INSTALLS, FORGED_EVENTS, CONTROLS], ids=["installs", "events", "controls"]
)
def test_what_is_tried_has_a_test(table: Mapping[str, str]):
    gone = {
        what: named
        for what, named in table.items()
        if named.partition("::")[2] not in named_in(named.partition("::")[0])
    }

    assert {} == gone
    assert len(set(table.values())) == len(table), "each row has a test of its own"
