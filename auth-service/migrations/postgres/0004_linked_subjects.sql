-- Who has which account here, as another issuer knows them. A subject belongs to one account for ever: what is taken
-- away keeps its row, and so does what belonged to an account that is gone.
CREATE TABLE linked_subjects (
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    user_id    BIGINT REFERENCES users (id) ON DELETE SET NULL,
    linked_at  BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX linked_subjects_by_user ON linked_subjects (user_id);
