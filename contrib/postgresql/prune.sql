-- Deletes the quarters of an hour before a day, here 1 November 2025 UTC; days and months stay for ever. Take a moment
-- that is a midnight in the zone of every proxy (SELECT DISTINCT timezone FROM ledgers). `usage` then says what can still
-- be asked of the time before. Proxies that were cut off since then must have come back first (ledgers.seen).
BEGIN;
UPDATE ledgers SET pruned = 1761955200;
DELETE FROM usage WHERE bucket > 0 AND bucket < 1761955200;
COMMIT;
