-- The tokens that this service gives to people. kind: personal, identity or session. Of the token itself only its
-- SHA-256 is kept; scopes has one bit for each. One with a generation ends when the account's is another one.
CREATE TABLE tokens (
    id           BIGINT  PRIMARY KEY,
    kind         TEXT    NOT NULL,
    user_id      BIGINT  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C",
    digest       BYTEA    NOT NULL,
    scopes       BIGINT  NOT NULL,
    project_id   BIGINT,
    generation   BIGINT,
    client       TEXT,
    address      TEXT,
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT,
    idle_until   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX tokens_by_user ON tokens (user_id, kind);
CREATE UNIQUE INDEX token_names ON tokens (user_id, kind, name);
-- For forgetting those whose time is over.
CREATE INDEX tokens_by_end ON tokens (expires_at) WHERE expires_at IS NOT NULL;
