-- Times are UTC milliseconds since 1970. Numbers of users and teams come from one sequence, those of
-- projects and repositories from another; neither ever goes back, whatever is deleted.

CREATE TABLE sequences (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
-- Both begin above every number that the Synapse API reserves.
INSERT INTO sequences (name, value) VALUES ('principal', 3400000), ('entity', 2000000);

-- One row for each name of a user or team, so that the two cannot share one.
CREATE TABLE principals (
    id   BIGINT  PRIMARY KEY,
    name TEXT COLLATE "C"    NOT NULL UNIQUE,
    kind TEXT    NOT NULL
);

-- An account made for somebody who logs in elsewhere may have neither address nor password; a robot account
-- acts for the project robot_of and has neither.
CREATE TABLE users (
    id            BIGINT  PRIMARY KEY REFERENCES principals (id) ON DELETE CASCADE,
    email         TEXT COLLATE "C" UNIQUE,
    password_hash TEXT,
    certified     BOOLEAN NOT NULL,
    administrator BOOLEAN NOT NULL,
    disabled      BOOLEAN NOT NULL,
    generation    BIGINT  NOT NULL,
    robot_of      BIGINT,
    created_at    BIGINT  NOT NULL
);

CREATE TABLE teams (
    id         BIGINT  PRIMARY KEY REFERENCES principals (id) ON DELETE CASCADE,
    created_at BIGINT  NOT NULL
);

CREATE TABLE team_members (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    team_id BIGINT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, team_id)
);
CREATE INDEX team_members_by_team ON team_members (team_id);

CREATE TABLE projects (
    id         BIGINT  PRIMARY KEY,
    name       TEXT COLLATE "C"    NOT NULL,
    open_data  BOOLEAN NOT NULL,
    created_by BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    trashed_at BIGINT,
    trashed_by BIGINT
);
CREATE UNIQUE INDEX live_projects_by_name ON projects (name) WHERE trashed_at IS NULL;

-- state: reserved, live, trashed or fenced.
CREATE TABLE repositories (
    id             BIGINT  PRIMARY KEY,
    project_id     BIGINT  NOT NULL REFERENCES projects (id),
    path           TEXT COLLATE "C"    NOT NULL,
    state          TEXT    NOT NULL,
    local_sharing  BOOLEAN NOT NULL,
    open_data      BOOLEAN NOT NULL,
    reserved_by    BIGINT,
    reserved_until BIGINT,
    created_by     BIGINT,
    created_at     BIGINT  NOT NULL,
    trashed_at     BIGINT,
    trashed_by     BIGINT
);
CREATE UNIQUE INDEX repositories_by_name ON repositories (project_id, path);
-- The few that do not follow their project in everything, without a walk through all the others.
CREATE INDEX unusual_repositories ON repositories (project_id)
    WHERE local_sharing OR open_data OR state <> 'live';

-- Who may do what to a project, or to a repository with local sharing; kinds has one bit for each kind.
CREATE TABLE access (
    item_id      BIGINT NOT NULL,
    principal_id BIGINT NOT NULL,
    kinds        BIGINT NOT NULL,
    PRIMARY KEY (item_id, principal_id)
);
CREATE INDEX access_by_principal ON access (principal_id);

CREATE TABLE manifests (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest        TEXT COLLATE "C"   NOT NULL,
    media_type    TEXT   NOT NULL,
    size          BIGINT NOT NULL,
    pushed_by     BIGINT,
    pushed_at     BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);

CREATE TABLE tags (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    tag           TEXT COLLATE "C"   NOT NULL,
    digest        TEXT COLLATE "C"   NOT NULL,
    pushed_by     BIGINT,
    moved_at      BIGINT NOT NULL,
    arrived_at    BIGINT NOT NULL,
    PRIMARY KEY (repository_id, tag)
);

-- Every event of the registry, as it came. state: pending, done, noted or unusable.
CREATE TABLE events (
    id          TEXT COLLATE "C"   PRIMARY KEY,
    state       TEXT   NOT NULL,
    reason      TEXT,
    happened_at BIGINT NOT NULL,
    arrived_at  BIGINT NOT NULL,
    body        TEXT   NOT NULL
);
CREATE INDEX events_by_arrival ON events (arrived_at);
CREATE INDEX events_pending ON events (arrived_at) WHERE state = 'pending';

-- What came to the webhook and is no event, or another event under an id that is taken.
CREATE TABLE dead_letters (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason     TEXT    NOT NULL,
    arrived_at BIGINT  NOT NULL,
    body      BYTEA   NOT NULL
);

-- Raised by every change that a decision could depend on, in the transaction that makes it; the rows of
-- facts_changes tell other processes what to forget.
CREATE TABLE facts_revision (
    only_row SMALLINT PRIMARY KEY CHECK (only_row = 1),
    revision BIGINT  NOT NULL
);
INSERT INTO facts_revision (only_row, revision) VALUES (1, 1);

CREATE TABLE facts_changes (
    revision BIGINT  PRIMARY KEY,
    subject  TEXT    NOT NULL,
    number   BIGINT  NOT NULL
);
