-- What is kept of one person, slice by slice in the order of a and b; and what is taken out.

-- name: erased(portal)
-- Hashes of the people who were erased.
SELECT hash, erased_at FROM erased_person WHERE portal = :portal;

-- name: bury_person(portal, hash, now)!
INSERT INTO erased_person (portal, hash, erased_at) VALUES (:portal, :hash, :now)
ON CONFLICT (portal, hash) DO NOTHING;

-- name: admit_person(portal, hash)!
DELETE FROM erased_person WHERE portal = :portal AND hash = :hash;

-- name: digests(portal, posts)
-- Of words that were redacted; posts is a JSON list.
SELECT post, digest FROM redaction
WHERE portal = :portal AND post IN (SELECT value FROM json_each(:posts));

-- name: add_redaction(portal, post, version, digest, person, reason, now)!
INSERT INTO redaction (portal, post, version, digest, redacted_at, person, reason)
VALUES (:portal, :post, :version, :digest, :now, :person, :reason)
ON CONFLICT (portal, post, version) DO NOTHING;

-- name: versions_of(portal, post)
SELECT version, content FROM archived_version WHERE portal = :portal AND post = :post ORDER BY version;

-- name: put_content(portal, post, version, content)!
UPDATE archived_version SET content = :content
WHERE portal = :portal AND post = :post AND version = :version;

-- name: portals_of_post(post)
SELECT portal FROM archived_post WHERE post = :post ORDER BY portal;

-- name: forget_erased(portal)!
DELETE FROM erased_person WHERE portal = :portal;

-- name: forget_redactions(portal)!
DELETE FROM redaction WHERE portal = :portal;

-- name: walk_person(portal, person, a, most)
SELECT person AS a, 0 AS b, person, name, gender, is_active, comment_cursor FROM archived_person
WHERE portal = :portal AND person = :person AND person > :a LIMIT :most;

-- name: walk_posts(portal, person, a, most)
-- Those he wrote, and those that were seen with his token.
SELECT post AS a, 0 AS b, post, author, state, seen_version, told_version, edited_at, published_at, swept_at, seen_by
FROM archived_post
WHERE portal = :portal AND post > :a AND (author = :person OR seen_by = :person)
ORDER BY post LIMIT :most;

-- name: walk_versions(portal, a, b, most)
SELECT v.post AS a, v.version AS b, v.post, v.version, v.source, v.at, v.content, v.editors, p.author
FROM archived_version AS v LEFT JOIN archived_post AS p ON p.portal = v.portal AND p.post = v.post
WHERE v.portal = :portal AND (v.post, v.version) > (:a, :b)
ORDER BY v.post, v.version LIMIT :most;

-- name: walk_comments(portal, person, a, most)
SELECT c.comment AS a, 0 AS b, c.comment, c.log_id, c.person, e.post
FROM archived_comment AS c LEFT JOIN archived_entry AS e ON e.portal = c.portal AND e.log_id = c.log_id
WHERE c.portal = :portal AND c.person = :person AND c.comment > :a
ORDER BY c.comment LIMIT :most;

-- name: walk_notices(portal, a, most)
SELECT
    id AS a, 0 AS b, id, person, post, channel, from_version, to_version, reason, editors, state, calls, detail,
    planned_at, sending_at, settled_at
FROM notice WHERE portal = :portal AND id > :a ORDER BY id LIMIT :most;

-- name: walk_decisions(portal, a, most)
SELECT post AS a, 0 AS b, post, at, ruling FROM decision
WHERE portal = :portal AND post > :a ORDER BY post LIMIT :most;

-- name: walk_redactions(portal, person, a, b, most)
-- Those he made.
SELECT post AS a, version AS b, post, version, redacted_at, reason FROM redaction
WHERE portal = :portal AND person = :person AND (post, version) > (:a, :b)
ORDER BY post, version LIMIT :most;

-- name: walk_filling(portal, person, a, most)
-- With whose token the back-fill reads posts; in its phase of comments the page is whom it has asked last.
SELECT 1 AS a, 0 AS b, phase FROM told_portal
WHERE portal = :portal AND 1 > :a AND (reader = :person OR (phase = 'comments' AND page = :person)) LIMIT :most;

-- name: walk_rounds(portal, person, a, most)
-- For the sake of which posts he was the last one who was asked for his comments.
SELECT post AS a, 0 AS b, post, at FROM comment_round
WHERE portal = :portal AND after = :person AND post > :a ORDER BY post LIMIT :most;

-- name: walk_tokens(portal, person, a, most)
-- That there is a pair, and how it is; never what it is.
SELECT user_id AS a, 0 AS b, user_id, kind, state, received_at, expires_at FROM token
WHERE member_id = :portal AND user_id = :person AND user_id > :a LIMIT :most;

-- name: walk_quarantine(portal, person, a, most)
SELECT user_id AS a, 0 AS b, user_id, domain, received_at FROM quarantine
WHERE member_id = :portal AND user_id = :person AND user_id > :a LIMIT :most;

-- name: walk_installs(portal, person, a, most)
SELECT user_id AS a, 0 AS b, user_id, state, domain, installed_at, uninstalled_at FROM install
WHERE member_id = :portal AND user_id = :person AND user_id > :a LIMIT :most;

-- name: walk_sweeps(portal, person, a, most)
SELECT CASE scope WHEN 'hot' THEN 1 ELSE 2 END AS a, 0 AS b, scope, person, reader, last_began_at, last_ended_at
FROM sweep
WHERE portal = :portal AND (person = :person OR reader = :person) AND CASE scope WHEN 'hot' THEN 1 ELSE 2 END > :a
ORDER BY 1 LIMIT :most;

-- name: walk_holds(portal, person, a, most)
SELECT set_at AS a, 0 AS b, kind, number, set_at, reason, set_by, ended_at, ended_by FROM legal_hold
WHERE portal = :portal AND kind = 'person' AND number = :person AND set_at > :a
ORDER BY set_at LIMIT :most;

-- name: walk_letters(portal, a, most)
SELECT d.id AS a, 0 AS b, d.id, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE c.portal = :portal AND d.id > :a ORDER BY d.id LIMIT :most;

-- name: walk_steps(portal, a, most)
-- Who was told, in the words of the inbox.
SELECT s.seq AS a, 0 AS b, s.seq, s.step, s.at, s.detail, e.key
FROM step AS s JOIN entry AS e ON e.seq = s.seq
WHERE e.portal = :portal AND s.step = 'told' AND s.seq > :a ORDER BY s.seq LIMIT :most;

-- name: drop_person(portal, person)!
DELETE FROM archived_person WHERE portal = :portal AND person = :person;

-- name: drop_pair(portal, person)!
DELETE FROM token WHERE member_id = :portal AND user_id = :person;

-- name: drop_quarantine(portal, person)!
DELETE FROM quarantine WHERE member_id = :portal AND user_id = :person;

-- name: mend_sweeps(portal, person)!
UPDATE sweep SET
    person = CASE WHEN person = :person THEN 0 ELSE person END,
    reader = CASE WHEN reader = :person THEN NULL ELSE reader END,
    began_at = NULL
WHERE portal = :portal AND (person = :person OR reader = :person);

-- name: mend_holds(portal, person)!
-- The record of a hold on him that has ended stays, without him.
UPDATE legal_hold SET number = 0, reason = ''
WHERE portal = :portal AND kind = 'person' AND number = :person AND ended_at IS NOT NULL;

-- name: mend_post(portal, post, person)!
UPDATE archived_post SET
    author = CASE WHEN author = :person THEN 0 ELSE author END,
    seen_by = CASE WHEN seen_by = :person THEN NULL ELSE seen_by END
WHERE portal = :portal AND post = :post;

-- name: mend_filling(portal, person)!
-- Who comes next is the same.
UPDATE told_portal SET
    reader = CASE WHEN reader = :person THEN NULL ELSE reader END,
    page = CASE WHEN phase = 'comments' AND page = :person THEN page - 1 ELSE page END
WHERE portal = :portal;

-- name: mend_round(portal, post, person)!
UPDATE comment_round SET after = after - 1 WHERE portal = :portal AND post = :post AND after = :person;

-- name: mend_version(portal, post, version, content, editors)!
UPDATE archived_version SET content = :content, editors = :editors
WHERE portal = :portal AND post = :post AND version = :version;

-- name: mend_comment(portal, comment)!
UPDATE archived_comment SET person = 0 WHERE portal = :portal AND comment = :comment;

-- name: drop_notice(id)!
DELETE FROM notice WHERE id = :id;

-- name: mend_notice(id, editors)!
UPDATE notice SET editors = :editors WHERE id = :id;

-- name: mend_decision(portal, post, ruling)!
UPDATE decision SET ruling = :ruling WHERE portal = :portal AND post = :post;

-- name: mend_redaction(portal, post, version)!
UPDATE redaction SET person = NULL WHERE portal = :portal AND post = :post AND version = :version;

-- name: mend_step(seq, detail)!
UPDATE step SET detail = :detail WHERE seq = :seq AND step = 'told';

-- name: drop_letter(id)!
DELETE FROM dead WHERE id = :id;
