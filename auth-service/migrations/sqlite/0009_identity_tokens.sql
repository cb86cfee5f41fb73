-- A docker login acts as the password that it stands for, in all but making tokens (whose bit is 32).
UPDATE tokens SET scopes = 31 WHERE kind = 'identity';
