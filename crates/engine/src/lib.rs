//! What the player fetches next and when: a state machine on a virtual clock. No I/O.
