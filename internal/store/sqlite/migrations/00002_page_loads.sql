-- +goose Up
CREATE TABLE page_loads (
    time     INTEGER NOT NULL, -- unix nanoseconds
    page     TEXT NOT NULL,
    session  TEXT NOT NULL,
    trace    TEXT NOT NULL,
    ttfb     REAL NOT NULL,    -- seconds, negative: not measured
    response REAL NOT NULL,
    render   REAL NOT NULL,
    lcp      REAL NOT NULL,
    inp      REAL NOT NULL
) STRICT;
CREATE INDEX page_loads_time ON page_loads (time);

-- The record is append-only for every program, not for this one alone.
-- +goose StatementBegin
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'the record is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'the record is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER events_never_go;
DROP TRIGGER events_never_change;
DROP TABLE page_loads;
