-- Until when its holder trusted a term at most, on the holder's own clock: the runs that it
-- had armed, whose outcome is armed until they start, start before that or never.
ALTER TABLE tradeclock_terms ADD COLUMN trusted_until TEXT NOT NULL DEFAULT '';
