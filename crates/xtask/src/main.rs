//! Matinee's build, demo, test and check tasks.

fn main() {}
