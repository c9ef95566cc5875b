-- Asked at each registration and renewal: does a plan play anything?
CREATE INDEX movies_plans ON movies (available, plans);
