//! Documents that are read and written, in the clear and for recipients.

mod documents;
mod recipients;
