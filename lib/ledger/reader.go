package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"milepost/lib/sqlitefile"
)

// openRead opens the ledger at path to be read. It may be written meanwhile, and
// lie where nobody may write. Nothing is made that is not there, and nothing stays.
func openRead(ctx context.Context, path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("opening ledger: %w: name one with --ledger, or count logs with --log", err)
	}
	// With mode=rw the last one to close clears SQLite's files away; without the
	// permission to write it reads all the same.
	ways := []url.Values{{"mode": {"rw"}}}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		// In a directory that cannot be written the file alone is all there is.
		ways = append(ways, url.Values{"mode": {"ro"}, "immutable": {"1"}})
	}
	var first error
	for _, way := range ways {
		way["_pragma"] = []string{"busy_timeout(5000)", "query_only(1)"}
		db, err := tryRead(ctx, sqlitefile.Address(path, way))
		if err == nil {
			return db, nil
		}
		first = errors.Join(first, err)
		if damaged(err) {
			break
		}
	}
	return nil, explain(path, first)
}

// tryRead opens a ledger whose schema is known.
func tryRead(ctx context.Context, dsn string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var version int
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	switch {
	case err == nil && version > schemaVersion:
		err = newerSchema(version)
	case err == nil && version < schemaVersion:
		err = fmt.Errorf("its schema is version %d, and this milepost reads %d: the exporter brings it up to date when it starts", version, schemaVersion)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
