//! Matinee's server roles: site, control, individualization, edge.
