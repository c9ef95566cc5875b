/// What of the film can be played, in seconds of its timeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Where its oldest segment begins.
    pub begin: f64,
    /// Where its newest segment ends: the live edge, or the end of the film.
    pub edge: f64,
    /// Whether the edge is the film's end.
    pub finished: bool,
}
