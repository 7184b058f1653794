-- +goose Up
CREATE TABLE alerts (
    id     TEXT PRIMARY KEY,
    starts INTEGER NOT NULL, -- unix nanoseconds
    ends   INTEGER NOT NULL, -- unix nanoseconds, the greatest integer: not over
    data   TEXT NOT NULL     -- JSON
) STRICT;
CREATE INDEX alerts_ends ON alerts (ends, starts);

-- +goose Down
DROP TABLE alerts;
