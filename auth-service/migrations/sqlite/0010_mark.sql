-- Tells a file of this program from those of others: "AuSv".
PRAGMA application_id = 1098208118;
