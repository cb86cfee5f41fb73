-- Which shapes of opaque tokens a password is known not to have: a digest of those of the configuration in which it was
-- set or last used, 0 for none, NULL without a password.
ALTER TABLE users ADD COLUMN password_shapes BIGINT;
UPDATE users SET password_shapes = 0 WHERE password_hash IS NOT NULL;
-- Whether any differ is told by the least and the greatest.
CREATE INDEX users_by_password_shapes ON users (password_shapes);
