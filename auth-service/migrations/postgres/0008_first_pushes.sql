-- When the numbers were raised above those that a registry uses; database tells this one from its copies.
CREATE TABLE numbers_raised (
    registry  TEXT   PRIMARY KEY,
    database  TEXT   NOT NULL,
    raised_at BIGINT NOT NULL
);

-- The reservations of one user, and those that ended.
CREATE INDEX reservations ON repositories (reserved_by, reserved_until) WHERE state = 'reserved';
