-- +goose Up
CREATE TABLE events (
    seq    INTEGER PRIMARY KEY,
    time   INTEGER NOT NULL, -- unix nanoseconds
    plan   TEXT NOT NULL,
    type   TEXT NOT NULL,
    actor  TEXT NOT NULL,
    source TEXT NOT NULL,    -- state before
    target TEXT NOT NULL,    -- state after
    data   TEXT,             -- JSON
    prev   TEXT NOT NULL,
    hash   TEXT NOT NULL
) STRICT;
CREATE INDEX events_plan ON events (plan, seq) WHERE plan <> '';

CREATE TABLE ledger (
    slo   TEXT NOT NULL,
    start INTEGER NOT NULL,  -- unix seconds
    good  INTEGER NOT NULL,
    bad   INTEGER NOT NULL,
    PRIMARY KEY (slo, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_start ON ledger (start);

CREATE TABLE ledger_position (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;

CREATE TABLE leases (
    name    TEXT PRIMARY KEY,
    owner   TEXT NOT NULL,   -- '' when free
    fencing INTEGER NOT NULL,
    expires INTEGER NOT NULL -- unix nanoseconds
) STRICT;

CREATE TABLE changes (
    id   TEXT PRIMARY KEY,
    time INTEGER NOT NULL,   -- unix nanoseconds
    data TEXT NOT NULL       -- JSON
) STRICT;
CREATE INDEX changes_time ON changes (time);

-- +goose Down
DROP TABLE changes;
DROP TABLE leases;
DROP TABLE ledger_position;
DROP TABLE ledger;
DROP TABLE events;
