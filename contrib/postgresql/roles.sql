-- Two roles: one that every proxy's exporter publishes as, one that reports are made with. Neither owns anything, and
-- neither may make or drop a table. Give each a password (ALTER ROLE ... PASSWORD), or a certificate, afterwards.
CREATE ROLE milepost_proxy LOGIN;
CREATE ROLE milepost_report LOGIN;

-- A proxy deletes the days of another timezone and the rows of users who were forgotten, which it writes anew.
GRANT SELECT, INSERT, UPDATE ON ledgers TO milepost_proxy;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage TO milepost_proxy;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_daily TO milepost_proxy;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_monthly TO milepost_proxy;
GRANT SELECT, INSERT, UPDATE ON holes TO milepost_proxy;
GRANT SELECT, INSERT, UPDATE ON forgotten TO milepost_proxy;

GRANT SELECT ON ledgers TO milepost_report;
GRANT SELECT ON usage TO milepost_report;
GRANT SELECT ON usage_daily TO milepost_report;
GRANT SELECT ON usage_monthly TO milepost_report;
GRANT SELECT ON holes TO milepost_report;
