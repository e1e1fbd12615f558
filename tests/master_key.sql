-- Gives a private cluster a master key for recoverable keys; effective in sessions that begin afterwards.
LOAD 'unkey';
COPY (SELECT repeat('ab', 32)) TO PROGRAM 'umask 077; cat > master.key';
ALTER SYSTEM SET unkey.master_key_file = 'master.key';
SELECT pg_reload_conf() \g /dev/null
