-- The fleet's ledger: what every proxy's own ledger tells, for `milepost-exporter usage --ledger postgres://...`.
-- Only SQL that PostgreSQL, CockroachDB, YugabyteDB and Citus all take. `milepost-exporter ledger schema` prints it.
--
-- All sums are absolute: a proxy sends what it has, and the larger of two sums stays, so that what is sent twice
-- changes nothing. Days and months are the sums of the quarters of an hour that are here, in the proxy's own zone.
-- Users are as `usage` shows them.
CREATE TABLE IF NOT EXISTS ledgers (
	server TEXT NOT NULL PRIMARY KEY,
	ledger TEXT NOT NULL,        -- the id of the proxy's own ledger: another one of the same server is refused
	timezone TEXT NOT NULL,      -- of its days and months
	pruned BIGINT NOT NULL,      -- quarters of an hour before it are not here any more (prune.sql), seconds since 1970
	revision BIGINT NOT NULL,    -- of the proxy's ledger: what it sent last
	stamp TEXT NOT NULL,         -- what it wrote last: who comes with another one is a copy, or was restored
	seen BIGINT NOT NULL         -- when, seconds since 1970
);
CREATE TABLE IF NOT EXISTS usage (
	server TEXT NOT NULL, ledger TEXT NOT NULL, "user" TEXT NOT NULL, bucket BIGINT NOT NULL, -- its first second
	bytes_out BIGINT NOT NULL, bytes_in BIGINT, requests BIGINT NOT NULL,
	PRIMARY KEY (server, ledger, bucket, "user")
);
CREATE TABLE IF NOT EXISTS usage_daily (
	server TEXT NOT NULL, ledger TEXT NOT NULL, "user" TEXT NOT NULL, day TEXT NOT NULL,
	bytes_out BIGINT NOT NULL, bytes_in BIGINT, requests BIGINT NOT NULL,
	PRIMARY KEY (server, ledger, day, "user")
);
CREATE TABLE IF NOT EXISTS usage_monthly (
	server TEXT NOT NULL, ledger TEXT NOT NULL, "user" TEXT NOT NULL, month TEXT NOT NULL,
	bytes_out BIGINT NOT NULL, bytes_in BIGINT, requests BIGINT NOT NULL,
	PRIMARY KEY (server, ledger, month, "user")
);
CREATE TABLE IF NOT EXISTS holes (
	server TEXT NOT NULL, ledger TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, detail TEXT NOT NULL,
	begins BIGINT NOT NULL, quarter BIGINT NOT NULL, ends BIGINT NOT NULL,
	at BIGINT NOT NULL, until BIGINT NOT NULL, count BIGINT NOT NULL,
	PRIMARY KEY (server, ledger, kind, path, detail, begins, quarter)
);
CREATE TABLE IF NOT EXISTS forgotten (
	server TEXT NOT NULL,        -- where; '' = everywhere
	hash TEXT NOT NULL,          -- of a user's name, so that each proxy finds it in its own ledger
	pseudonym TEXT NOT NULL,     -- for what was before
	at BIGINT NOT NULL,          -- seconds since 1970
	PRIMARY KEY (server, hash, pseudonym)
);
