-- +goose Up
CREATE TABLE deliveries (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of a thread
    receiver TEXT NOT NULL,
    id       TEXT NOT NULL,    -- of the message
    thread   TEXT NOT NULL,
    at       INTEGER NOT NULL, -- unix nanoseconds, as are the others
    next     INTEGER NOT NULL,
    done     INTEGER NOT NULL, -- 0: it waits
    failed   INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    trouble  TEXT NOT NULL,
    message  TEXT NOT NULL,    -- JSON
    UNIQUE (receiver, id)
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (receiver, thread, seq) WHERE done = 0;
CREATE INDEX deliveries_done ON deliveries (done) WHERE done <> 0;

CREATE TABLE router_state (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    data BLOB NOT NULL
) STRICT;

CREATE TABLE receipts (
    receiver TEXT NOT NULL,
    thread   TEXT NOT NULL,
    receipt  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (receiver, thread)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE receipts;
DROP TABLE router_state;
DROP TABLE deliveries;
