CREATE TABLE calls (
    id BIGSERIAL NOT NULL,
    request_id VARCHAR(64) NOT NULL,
    at FLOAT NOT NULL,
    attempt INTEGER NOT NULL,
    link INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    lane VARCHAR(16) NOT NULL,
    status INTEGER,
    kind VARCHAR(32) NOT NULL,
    complete BOOLEAN NOT NULL,
    cancelled BOOLEAN NOT NULL,
    maybe_charged BOOLEAN NOT NULL,
    elapsed_ms FLOAT NOT NULL,
    first_content_ms FLOAT,
    fresh BIGINT NOT NULL,
    cached BIGINT NOT NULL,
    written BIGINT NOT NULL,
    written_1h BIGINT NOT NULL,
    output BIGINT NOT NULL,
    reasoning BIGINT NOT NULL,
    counted BOOLEAN NOT NULL,
    tier VARCHAR(32) NOT NULL,
    price_version INTEGER NOT NULL,
    raw_usage TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX calls_at ON calls (at);

CREATE INDEX ix_calls_request_id ON calls (request_id);

CREATE TABLE price_tables (
    version SERIAL NOT NULL,
    made_at FLOAT NOT NULL,
    prices TEXT NOT NULL,
    PRIMARY KEY (version)
);

CREATE TABLE requests (
    id BIGSERIAL NOT NULL,
    request_id VARCHAR(64) NOT NULL,
    at FLOAT NOT NULL,
    alias TEXT NOT NULL,
    asked TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    status INTEGER NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    served_by TEXT NOT NULL,
    first_link TEXT NOT NULL,
    fell_back BOOLEAN NOT NULL,
    elapsed_ms FLOAT NOT NULL,
    first_content_ms FLOAT,
    caller TEXT NOT NULL,
    project TEXT NOT NULL,
    pid INTEGER,
    process TEXT,
    PRIMARY KEY (id),
    UNIQUE (request_id)
);

CREATE INDEX requests_at ON requests (at);

CREATE TABLE schema_version (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);

CREATE TABLE totals (
    slot BIGINT NOT NULL,
    alias TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    caller TEXT NOT NULL,
    project TEXT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    first_link TEXT NOT NULL,
    tier VARCHAR(32) NOT NULL,
    "over" INTEGER NOT NULL,
    price_version INTEGER NOT NULL,
    requests BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    fell_back BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    calls_failed BIGINT NOT NULL,
    rescues BIGINT NOT NULL,
    uncounted BIGINT NOT NULL,
    fresh BIGINT NOT NULL,
    cached BIGINT NOT NULL,
    written BIGINT NOT NULL,
    written_1h BIGINT NOT NULL,
    output BIGINT NOT NULL,
    reasoning BIGINT NOT NULL,
    PRIMARY KEY (slot, alias, provider, model, caller, project, kind, first_link, tier, "over", price_version)
);
