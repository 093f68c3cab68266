-- name: find(member_id)^
-- One installation.
SELECT member_id, state, domain, client_endpoint, scope, status, user_id, application_token, previous_token,
       previous_until, proof, bound, bound_at, installed_at, uninstalled_at, erase_at
FROM install
WHERE member_id = :member_id;

-- name: every()
-- All installations, also of portals that have left and are not erased yet.
SELECT member_id, state, domain, client_endpoint, scope, status, user_id, application_token, previous_token,
       previous_until, proof, bound, bound_at, installed_at, uninstalled_at, erase_at
FROM install
ORDER BY member_id;

-- name: owner(member_id)$
-- A portal that has the application, if another one asks for it.
SELECT owner.member_id FROM install AS owner
WHERE owner.state = 'active' AND NOT EXISTS (
    SELECT 1 FROM install AS own WHERE own.member_id = :member_id AND own.state = 'active'
) LIMIT 1;

-- name: put(member_id, domain, client_endpoint, scope, status, user_id, application_token, previous_token, previous_until, proof, installed_at)!
-- An installation that has been proved.
INSERT INTO install (member_id, state, domain, client_endpoint, scope, status, user_id, application_token,
                     previous_token, previous_until, proof, installed_at)
VALUES (:member_id, 'active', :domain, :client_endpoint, :scope, :status, :user_id, :application_token,
        :previous_token, :previous_until, :proof, :installed_at)
ON CONFLICT (member_id) DO UPDATE SET
    state = 'active', domain = excluded.domain, client_endpoint = excluded.client_endpoint, scope = excluded.scope,
    status = excluded.status, user_id = excluded.user_id, application_token = excluded.application_token,
    previous_token = excluded.previous_token, previous_until = excluded.previous_until, proof = excluded.proof,
    installed_at = excluded.installed_at, uninstalled_at = NULL, erase_at = NULL;

-- name: renew_token(member_id, application_token, previous_token, previous_until)!
-- Another application_token, which an administrator's opening of a page has brought.
UPDATE install SET
    application_token = :application_token, previous_token = :previous_token, previous_until = :previous_until
WHERE member_id = :member_id AND state = 'active';

-- name: leave(member_id, application_token, proof, at, erase_at)!
-- The portal has uninstalled the application. A portal known from settings alone gets its row here.
INSERT INTO install (member_id, state, domain, client_endpoint, scope, status, user_id, application_token,
                     proof, installed_at, uninstalled_at, erase_at)
VALUES (:member_id, 'uninstalled', '', '', '', '', 0, :application_token, :proof, :at, :at, :erase_at)
ON CONFLICT (member_id) DO UPDATE SET
    state = 'uninstalled', uninstalled_at = excluded.uninstalled_at, erase_at = excluded.erase_at;

-- name: move(member_id, domain, client_endpoint)!
-- The portal has a new address.
UPDATE install SET domain = :domain, client_endpoint = :client_endpoint WHERE member_id = :member_id;

-- name: set_bound(member_id, bound, at)!
-- The events that the portal sends to our door now.
UPDATE install SET bound = :bound, bound_at = :at WHERE member_id = :member_id;

-- name: due_for_erasure(now)
-- Portals whose time to keep has passed, and of which nothing is held; the table has one row per portal.
SELECT member_id FROM install
WHERE erase_at <= :now
    AND NOT EXISTS (SELECT 1 FROM legal_hold AS h WHERE h.portal = install.member_id AND h.ended_at IS NULL)
ORDER BY member_id;

-- name: erase(member_id)!
-- The last trace of a portal.
DELETE FROM install WHERE member_id = :member_id;

-- name: quarantined()
-- Which portals have an installation that waits for an administrator.
SELECT member_id FROM quarantine ORDER BY member_id;

-- name: find_quarantined(member_id)^
-- An installation that waits for an administrator.
SELECT member_id, domain, client_endpoint, scope, status, user_id, application_token, proof, access, refresh,
       expires_at, received_at
FROM quarantine
WHERE member_id = :member_id;

-- name: quarantine(member_id, domain, client_endpoint, scope, status, user_id, application_token, proof, access, refresh, expires_at, received_at)!
-- Put an installation aside; a newer one takes its place.
INSERT INTO quarantine (member_id, domain, client_endpoint, scope, status, user_id, application_token,
                        proof, access, refresh, expires_at, received_at)
VALUES (:member_id, :domain, :client_endpoint, :scope, :status, :user_id, :application_token,
        :proof, :access, :refresh, :expires_at, :received_at)
ON CONFLICT (member_id) DO UPDATE SET
    domain = excluded.domain, client_endpoint = excluded.client_endpoint, scope = excluded.scope,
    status = excluded.status, user_id = excluded.user_id, application_token = excluded.application_token,
    proof = excluded.proof, access = excluded.access, refresh = excluded.refresh,
    expires_at = excluded.expires_at, received_at = excluded.received_at;

-- name: release(member_id)!
-- Confirmed, or gone with its portal.
DELETE FROM quarantine WHERE member_id = :member_id;

-- name: key_check()^
-- The sealed word.
SELECT sealed FROM key_check WHERE id = 1;

-- name: set_key_check(sealed)!
-- Written once, by the first start.
INSERT INTO key_check (id, sealed) VALUES (1, :sealed) ON CONFLICT (id) DO NOTHING;

-- name: next_version()$
-- Another version of all installations; the row is locked until the commit.
UPDATE install_version SET version = version + 1 WHERE id = 1 RETURNING version;

-- name: set_version(member_id, version)!
UPDATE install SET version = :version WHERE member_id = :member_id;

-- name: set_erased(version)!
UPDATE install_version SET erased = :version WHERE id = 1;

-- name: version()^
-- The version of all installations, and the one at which a portal was erased last.
SELECT version, erased FROM install_version WHERE id = 1;

-- name: changed(since)
-- Installations that were changed after a version.
SELECT member_id, state, domain, client_endpoint, scope, status, user_id, application_token, previous_token,
       previous_until, proof, bound, bound_at, installed_at, uninstalled_at, erase_at
FROM install
WHERE version > :since
ORDER BY version;

-- name: present()
SELECT member_id FROM install;

-- name: is_due(member_id, now)$
-- Whether a portal is still to be erased: another process may have done it, or it has come back.
-- Or something of it is held.
SELECT 1 FROM install
WHERE member_id = :member_id AND erase_at <= :now
    AND NOT EXISTS (SELECT 1 FROM legal_hold AS h WHERE h.portal = install.member_id AND h.ended_at IS NULL);

-- name: erase_due(member_id, now)!
-- The last trace of a portal that has not come back meanwhile.
DELETE FROM install WHERE member_id = :member_id AND erase_at <= :now;
