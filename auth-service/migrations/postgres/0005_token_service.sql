-- The service that a docker login was made for; it is good for that one only.
ALTER TABLE tokens ADD COLUMN service TEXT;
