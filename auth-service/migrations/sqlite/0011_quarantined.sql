-- The state of a name under which the registry holds what no event has reported is called 'quarantined'.
UPDATE repositories SET state = 'quarantined' WHERE state = 'fenced';
