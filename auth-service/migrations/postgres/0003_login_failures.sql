-- Random values that all processes share, made by the first that needs one.
CREATE TABLE shared_secrets (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Wrong passwords. What is counted is hashed, under a key of this database, to one of a fixed number of buckets: the
-- table cannot grow beyond them, and nothing ever has to be thrown out to make room. account and network tell which
-- buckets an unlocked account has to do with.
CREATE TABLE login_failures (
    bucket         BIGINT PRIMARY KEY,
    account        BIGINT,
    network        BIGINT,
    failures       BIGINT NOT NULL,
    failed_at      BIGINT NOT NULL,
    form_failed_at BIGINT
);
CREATE INDEX login_failures_by_account ON login_failures (account) WHERE account IS NOT NULL;
