-- Wrong passwords are counted for what was typed as user name, whether or not somebody has that name: account is a hash
-- of it, and no more one of the account's number. A form that was refused is remembered by the process that refused it.
ALTER TABLE login_failures DROP COLUMN form_failed_at;
DELETE FROM login_failures;
-- Logins with all scopes had bits for scopes that did not exist: they are not to get what later bits come to mean.
UPDATE tokens SET scopes = scopes & 63;
