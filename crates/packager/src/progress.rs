/// Is told how far long work has come. `()` ignores it.
pub trait Progress {
    /// A stage begins; it will [`advance`](Self::advance) by `total` bytes.
    fn stage(&mut self, name: &str, total: u64);
    /// This many more bytes are done.
    fn advance(&mut self, bytes: u64);
    /// Something that the operator should know, in words; the work goes on.
    fn warn(&mut self, _what: &str) {}
}

impl Progress for () {
    fn stage(&mut self, _: &str, _: u64) {}
    fn advance(&mut self, _: u64) {}
}
