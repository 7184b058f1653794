-- +goose Up
CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- +goose Down
DROP TABLE memory;
