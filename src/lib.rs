//! Matinee in the browser.
