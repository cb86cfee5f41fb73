-- SQLite marks its file here; a PostgreSQL database is known by the first of its migrations.
SELECT 1;
