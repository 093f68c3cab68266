-- Widgets, settings, and open frames of applications.

-- name: add_placement(portal, app, place, handler, title, description, group_name, translations, options, now)$
-- One more widget; its id.
INSERT INTO placement (portal, app, place, handler, title, description, group_name, translations, options, bound_at)
VALUES (:portal, :app, :place, :handler, :title, :description, :group_name, :translations, :options, :now)
RETURNING id;

-- name: placements(app)
-- The widgets of one application, in the order in which they were bound.
SELECT * FROM placement WHERE app = :app ORDER BY +id;

-- name: placement(portal, id)^
-- One widget.
SELECT * FROM placement WHERE id = :id AND portal = :portal;

-- name: shown(portal, place)
-- The widgets of one place whose applications are installed, oldest first.
SELECT p.*, a.name AS app_name, a.scope AS app_scope
FROM placement p JOIN app a ON a.id = p.app
WHERE p.portal = :portal AND p.place = :place AND a.state = 'installed'
ORDER BY p.id;

-- name: own_pages(portal)
-- The installed applications that have a page and no entry of their own in the menu.
SELECT a.id, a.name FROM app a
WHERE a.portal = :portal AND a.state = 'installed' AND a.has_interface = 1 AND a.handler_url <> ''
  AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.app = a.id AND p.place = 'LEFT_MENU')
ORDER BY a.id;

-- name: remove_placement(id)!
-- It is shown no longer.
DELETE FROM placement WHERE id = :id;

-- name: remove_placements(app)!
-- None of an application's widgets is shown any longer.
DELETE FROM placement WHERE app = :app;

-- name: options(app, person)
-- The settings of one application: those of a person, or of everybody (0).
SELECT name, value FROM option WHERE app = :app AND person = :person ORDER BY name;

-- name: set_option(app, person, name, value)!
-- One setting; the others stay.
INSERT INTO option (app, person, name, value) VALUES (:app, :person, :name, :value)
ON CONFLICT (app, person, name) DO UPDATE SET value = excluded.value;

-- name: remove_options(app)!
-- The application keeps nothing here any longer.
DELETE FROM option WHERE app = :app;

-- name: launched(app, person)$
-- When a person first launched an application.
SELECT launched_at FROM launch WHERE app = :app AND person = :person;

-- name: add_launch(app, person, now)!
-- The first launch counts.
INSERT INTO launch (app, person, launched_at) VALUES (:app, :person, :now) ON CONFLICT (app, person) DO NOTHING;

-- name: remove_launches(app)!
-- Everybody's next launch is the first one.
DELETE FROM launch WHERE app = :app;

-- name: add_frame(sid_hash, app, person, visit_hash, place, options, is_installer, now, expires_at)!
-- A frame was shown.
INSERT INTO frame (sid_hash, app, person, visit_hash, place, options, is_installer, opened_at, expires_at)
VALUES (:sid_hash, :app, :person, :visit_hash, :place, :options, :is_installer, :now, :expires_at);

-- name: frame(sid_hash, now)^
-- A frame that is not over.
SELECT * FROM frame WHERE sid_hash = :sid_hash AND expires_at > :now;

-- name: remove_frames(app)!
-- What an application has open takes no more commands.
DELETE FROM frame WHERE app = :app;

-- name: forget_frames(now)!
-- Frames that are over, a slice at a time.
DELETE FROM frame WHERE sid_hash IN (SELECT sid_hash FROM frame WHERE expires_at <= :now LIMIT 100);
