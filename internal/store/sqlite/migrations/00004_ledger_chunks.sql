-- +goose Up
CREATE TABLE ledger_slos (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    through INTEGER,                     -- unix seconds up to which queries were counted
    keep    INTEGER NOT NULL DEFAULT 0,  -- seconds; 0: not said yet
    pruned  INTEGER NOT NULL DEFAULT 0   -- unix seconds; older chunks are gone
) STRICT;

-- The cells of a chunk. By time first: chunks of all SLOs end together.
CREATE TABLE ledger_cells (
    start INTEGER NOT NULL,  -- unix seconds
    slo   INTEGER NOT NULL,
    cells BLOB NOT NULL,
    PRIMARY KEY (start, slo)
) STRICT, WITHOUT ROWID;

-- The sums of up to 32 chunks in a row.
CREATE TABLE ledger_sums (
    start INTEGER NOT NULL,  -- unix seconds, a multiple of 32 chunks
    slo   INTEGER NOT NULL,
    sums  BLOB NOT NULL,
    PRIMARY KEY (start, slo)
) STRICT, WITHOUT ROWID;

-- What was saved of steps whose chunk is not over yet, one row for each save.
CREATE TABLE ledger_recent (
    id     INTEGER PRIMARY KEY,
    latest INTEGER NOT NULL, -- unix seconds at which the last of its steps begins
    steps  BLOB NOT NULL
) STRICT;
CREATE INDEX ledger_recent_latest ON ledger_recent (latest);

ALTER TABLE ledger_position ADD COLUMN chunk INTEGER NOT NULL DEFAULT 0;   -- seconds
ALTER TABLE ledger_position ADD COLUMN settled INTEGER NOT NULL DEFAULT 0; -- unix seconds

-- The table ledger stays: its steps are read, and moved into chunks as they are
-- saved, by the first process that knows how to.

-- +goose Down
ALTER TABLE ledger_position DROP COLUMN settled;
ALTER TABLE ledger_position DROP COLUMN chunk;
DROP TABLE ledger_recent;
DROP TABLE ledger_sums;
DROP TABLE ledger_cells;
DROP TABLE ledger_slos;
