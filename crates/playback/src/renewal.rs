//! When the license of a film that plays is renewed, and what comes of it when it is not.

/// Seconds before a renewal that failed is tried again, at first and at most.
const AGAIN: (f64, f64) = (2.0, 60.0);
/// Keys that are declared are asked for within this part of the time until they are needed, and within so
/// many seconds: what is left of it is for a license server that is away.
const ASK_WITHIN: (f64, f64) = (0.1, 10.0);
/// One that is away meanwhile is asked again after this part of the time that is left, but not more often
/// than this many seconds say: all who watch lack the same key.
const CLOSER: (f64, f64) = (0.25, 2.0);
/// And at most so many seconds apart once the picture waits.
const WAITING: f64 = 6.0;
/// After so many failures, some minutes, that grows again: a server that is back must not be met by all at
/// once.
const LONG: u32 = 30;

/// What a license says of time. Times are Unix seconds by one clock, the player's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// When it ends.
    pub end: Option<f64>,
    /// Whether a film that plays stops at its end. Otherwise only a start is refused.
    pub continuous: bool,
    /// From when on to ask for the next.
    pub renew_after: Option<f64>,
}

/// What is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Due<R> {
    /// To ask for a license: by these rules, where the operator has changed them.
    Renew(Option<R>),
    /// The license has ended, and the film with it.
    End,
}

/// The renewal of a film's license.
///
/// A license is asked for while the film plays by the one before. One that cannot be had is asked for again,
/// at growing distances, until the old one ends. Rules that the operator has changed are another matter: from
/// then on the film plays by the new ones or, once they are refused, not at all.
///
/// `R` is what the player needs to know of changed rules.
#[derive(Clone, Debug)]
pub struct Renewal<R> {
    terms: Terms,
    /// When to ask next.
    at: Option<f64>,
    under_way: bool,
    failures: u32,
    /// Whether what failed last may be had later.
    may_come: bool,
    /// Changed rules that no license has been taken by yet.
    rules: Option<R>,
    /// Keys are declared that no license has been taken for yet.
    keys_wanted: bool,
    /// And when the first of them is needed.
    needed: Option<f64>,
}

impl<R> Default for Renewal<R> {
    fn default() -> Self {
        Self {
            terms: Terms::default(),
            at: None,
            under_way: false,
            failures: 0,
            may_come: false,
            rules: None,
            keys_wanted: false,
            needed: None,
        }
    }
}

impl<R: Clone> Renewal<R> {
    /// A license was taken, the first one or another.
    pub fn taken(&mut self, terms: Terms) {
        *self = Self { terms, at: terms.renew_after, ..Self::default() };
    }

    /// What the license says of time.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// The operator has changed the film's rules. While a license is being asked for, this is left: it will
    /// be said again.
    pub fn rules_changed(&mut self, rules: R) {
        if !self.under_way {
            self.rules = Some(rules);
            self.at = Some(f64::NEG_INFINITY);
        }
    }

    /// Keys are declared that the license has not got, and that are needed in so many seconds: a new one is
    /// asked for within the first tenth of them, at a moment that `random` (0 to 1) chooses, so that not all
    /// players ask at once. A license that has ended, but may be played on by, is renewed for them, too.
    pub fn keys_declared(&mut self, now: f64, seconds: f64, random: f64) {
        let seconds = seconds.max(0.0);
        self.keys_wanted = true;
        self.needed = Some(self.needed.map_or(now + seconds, |before| before.min(now + seconds)));
        // What failed is asked for again at its own distances.
        if !self.under_way && (self.failures == 0 || self.at.is_none()) {
            let at = now + (seconds * ASK_WITHIN.0).min(ASK_WITHIN.1) * random;
            self.at = Some(self.at.map_or(at, |before| before.min(at)));
        }
    }

    /// Looks at the clock. Wanted a few times a second. After [`Due::Renew`] either [`taken`](Self::taken) or
    /// [`failed`](Self::failed) is to follow.
    pub fn due(&mut self, now: f64) -> Option<Due<R>> {
        let is_over = self.terms.end.is_some_and(|end| now > end);
        if is_over && self.terms.continuous {
            return Some(Due::End);
        }
        if self.under_way || self.at.is_none_or(|at| now < at) {
            return None;
        }
        self.at = None;
        // What has ended is not renewed, but changed rules are rules, and what goes on needs its next keys.
        if is_over && self.rules.is_none() && !self.keys_wanted {
            return None;
        }
        self.under_way = true;
        Some(Due::Renew(self.rules.clone()))
    }

    /// Whether a license is being asked for.
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Whether the latest license that was asked for could not be had, but may be had later: nobody has
    /// refused it.
    pub fn is_failing(&self) -> bool {
        self.failures > 0 && self.may_come
    }

    /// No license was to be had, or it could not be used. `is_transient` says that it may be had later;
    /// `random` (0 to 1) spreads the players: over half of the wait or, where a key is needed, all of it.
    /// Whether the film ends with it.
    #[must_use]
    pub fn failed(&mut self, now: f64, is_transient: bool, random: f64) -> bool {
        self.under_way = false;
        let doubled = |wait: f64, times: u32| (wait * 2f64.powi(times.min(10) as i32)).min(AGAIN.1);
        let wait = doubled(AGAIN.0, self.failures);
        // Who is refused is not helped by asking more often.
        let wait = match self.needed.filter(|_| is_transient).map(|needed| needed - now) {
            None => wait * (0.75 + random / 2.0),
            Some(left) => {
                let most = match left > 0.0 {
                    true => (left * CLOSER.0).max(CLOSER.1),
                    false => doubled(WAITING, self.failures.saturating_sub(LONG)),
                };
                wait.min(most) * (0.5 + random)
            }
        };
        (self.failures, self.may_come) = (self.failures.saturating_add(1), is_transient);
        self.at = Some(now + wait);
        self.rules.is_some() && !is_transient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(end: f64, continuous: bool, renew_after: f64) -> Terms {
        Terms { end: Some(end), continuous, renew_after: Some(renew_after) }
    }

    fn taken(terms: Terms) -> Renewal<&'static str> {
        let mut renewal = Renewal::default();
        renewal.taken(terms);
        renewal
    }

    #[test]
    fn a_license_is_asked_for_once_when_its_time_has_come() {
        let mut renewal = taken(terms(100.0, true, 80.0));
        assert_eq!(renewal.due(79.9), None);
        assert_eq!(renewal.due(80.0), Some(Due::Renew(None)));
        assert_eq!(renewal.due(81.0), None, "it is being asked for");
        renewal.taken(terms(200.0, true, 180.0));
        assert_eq!((renewal.due(101.0), renewal.due(180.0)), (None, Some(Due::Renew(None))));
    }

    #[test]
    fn a_license_that_says_nothing_of_time_is_not_renewed() {
        assert_eq!(taken(Terms::default()).due(1e12), None);
        assert_eq!(Renewal::<()>::default().due(1e12), None, "before there is any");
    }

    #[test]
    fn b14_a_film_ends_with_its_license_only_where_that_is_continuous() {
        assert_eq!(taken(terms(100.0, true, 500.0)).due(100.0), None);
        assert_eq!(taken(terms(100.0, true, 500.0)).due(100.1), Some(Due::End));
        assert_eq!(
            taken(terms(100.0, true, 50.0)).due(100.1),
            Some(Due::End),
            "even where it was to be renewed"
        );
        let mut other = taken(terms(100.0, false, 50.0));
        assert_eq!(other.due(100.1), None, "what has ended is not renewed");
        assert_eq!(other.due(1e12), None);
    }

    #[test]
    fn what_fails_is_tried_again_at_growing_distances_until_the_end() {
        let mut renewal = taken(terms(1000.0, true, 10.0));
        let (mut now, mut waits) = (10.0, Vec::new());
        for _ in 0..8 {
            assert_eq!(renewal.due(now), Some(Due::Renew(None)));
            // A refusal does not end a film that may play on by the license it has.
            assert!(!renewal.failed(now, false, 0.5));
            let asked = now;
            while renewal.clone().due(now).is_none() {
                now += 0.5;
            }
            waits.push(now - asked);
        }
        assert_eq!(waits, [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
        assert_eq!(renewal.due(1000.5), Some(Due::End));
        renewal.taken(terms(2000.0, true, 1100.0));
        assert_eq!(renewal.due(1100.0), Some(Due::Renew(None)));
        assert!(!renewal.failed(1100.0, true, 0.5));
        assert_eq!(renewal.due(1102.0), Some(Due::Renew(None)), "a license that came begins anew");
    }

    /// Who waits for a license server that is away must not wait for one that has refused.
    #[test]
    fn a_refusal_is_not_a_license_server_that_is_away() {
        let mut renewal = taken(terms(1000.0, true, 10.0));
        let mut failed = |is_transient| {
            assert!(!renewal.failed(10.0, is_transient, 0.5));
            renewal.is_failing()
        };
        assert_eq!([true, false, false, true].map(&mut failed), [true, false, false, true]);
        renewal.taken(Terms::default());
        assert!(!renewal.is_failing());
    }

    #[test]
    fn players_are_spread_by_a_quarter_to_both_sides() {
        for (random, wait) in [(0.0, 1.5), (1.0, 2.5)] {
            let mut renewal = taken(terms(1000.0, true, 10.0));
            renewal.due(10.0);
            assert!(!renewal.failed(10.0, true, random));
            assert_eq!(renewal.due(10.0 + wait - 0.01), None);
            assert_eq!(renewal.due(10.0 + wait), Some(Due::Renew(None)));
        }
    }

    #[test]
    fn b15_changed_rules_are_taken_at_once_and_a_refusal_ends_the_film() {
        let mut renewal = taken(Terms::default());
        renewal.rules_changed("new");
        assert_eq!(renewal.due(0.0), Some(Due::Renew(Some("new"))));
        assert!(renewal.failed(0.0, false, 0.5));
    }

    #[test]
    fn b15_changed_rules_are_asked_for_until_there_is_an_answer() {
        let mut renewal = taken(Terms::default());
        renewal.rules_changed("new");
        for now in [0.0, 100.0, 200.0] {
            assert_eq!(renewal.due(now), Some(Due::Renew(Some("new"))));
            assert!(!renewal.failed(now, true, 0.5), "busy is not refused");
        }
        assert_eq!(renewal.due(300.0), Some(Due::Renew(Some("new"))));
        renewal.taken(Terms { renew_after: Some(400.0), ..Terms::default() });
        assert_eq!(renewal.due(400.0), Some(Due::Renew(None)), "they are the film's rules now");
        assert!(!renewal.failed(400.0, false, 0.5));
    }

    /// B85: players ask for the next keys at moments of their own, within the time that there is.
    #[test]
    fn b85_declared_keys_are_asked_for_within_the_time_there_is() {
        let mut renewal = taken(terms(1000.0, true, 900.0));
        renewal.keys_declared(100.0, 50.0, 0.5);
        renewal.keys_declared(101.0, 49.0, 0.9);
        assert_eq!((renewal.due(102.4), renewal.due(102.5)), (None, Some(Due::Renew(None))));
        renewal.keys_declared(103.0, 10.0, 0.0);
        assert_eq!(renewal.due(104.0), None, "they are being asked for");
        renewal.taken(terms(1100.0, true, 1000.0));
        assert_eq!(renewal.due(999.0), None);
        let mut none = Renewal::<()>::default();
        none.keys_declared(0.0, 0.0, 0.3);
        assert_eq!(none.due(0.0), Some(Due::Renew(None)));
    }

    /// B85: a license that only starts are refused by has ended: the film plays on, and its keys change.
    #[test]
    fn b85_declared_keys_are_asked_for_although_a_license_for_starts_is_over() {
        let mut renewal = taken(terms(100.0, false, 50.0));
        assert_eq!(renewal.due(50.0), Some(Due::Renew(None)));
        assert!(!renewal.failed(50.0, true, 0.5));
        assert_eq!(renewal.due(200.0), None, "what has ended is not renewed");
        renewal.keys_declared(200.0, 50.0, 0.5);
        assert_eq!((renewal.due(202.4), renewal.due(202.5)), (None, Some(Due::Renew(None))));
        assert!(!renewal.failed(203.0, true, 0.5));
        renewal.keys_declared(204.0, 10.0, 0.0);
        assert_eq!(renewal.due(204.0), None, "at its own distances");
        // Four seconds after the second failure.
        assert_eq!(renewal.due(207.0), Some(Due::Renew(None)));
        renewal.taken(terms(150.0, false, 140.0));
        assert_eq!(renewal.due(210.0), None, "it has the keys");
        renewal.keys_declared(220.0, 0.0, 0.0);
        assert_eq!(renewal.due(220.0), Some(Due::Renew(None)));
        let mut continuous = taken(terms(100.0, true, 500.0));
        continuous.keys_declared(90.0, 20.0, 1.0);
        assert_eq!(continuous.due(101.0), Some(Due::End), "keys do not prolong what ends the film");
    }

    /// An event whose key changes every ten seconds, and a license server that is away for a while. Gives for
    /// how many seconds a key was lacking, and when that was over.
    fn lacking(away: std::ops::Range<f64>, mut random: impl FnMut() -> f64) -> (f64, f64) {
        const TICK: f64 = 0.25;
        let mut renewal = taken(Terms::default());
        // The license has this period and those before.
        let mut licensed = 2.0;
        let (mut seconds, mut until) = (0.0, 0.0);
        for tick in 0..600 {
            let now = f64::from(tick) * TICK;
            let period = (now / 10.0).floor();
            if licensed < period {
                (seconds, until) = (seconds + TICK, now);
            }
            // The index is read with each segment of two seconds.
            if licensed < period + 2.0 && (tick % 8 == 0 || licensed < period) {
                renewal.keys_declared(now, (licensed + 1.0) * 10.0 - now, random());
            }
            match renewal.due(now) {
                Some(Due::Renew(_)) if away.contains(&now) => assert!(!renewal.failed(now, true, random())),
                Some(Due::Renew(_)) => {
                    licensed = period + 2.0;
                    renewal.taken(Terms::default());
                }
                _ => {}
            }
        }
        (seconds, until)
    }

    /// B85: keys change every ten seconds, and a license server that is away for fifteen is not noticed,
    /// whenever that is, and whatever the dice say.
    #[test]
    fn b85_a_license_server_that_is_away_for_15_seconds_is_not_noticed() {
        for begins in (0..80).map(|n| 40.0 + f64::from(n) / 8.0) {
            for dice in [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.5, 0.5, 0.5], [1.0, 0.0, 0.6], [0.9, 1.0, 0.1]]
            {
                let mut dice = dice.into_iter().cycle();
                let (seconds, _) = lacking(begins..begins + 15.0, || dice.next().unwrap());
                assert!(seconds == 0.0, "away from {begins}: a key was lacking for {seconds} s");
            }
        }
    }

    /// B85: one that is away for longer is, and the picture goes on soon after it is back.
    #[test]
    fn b85_a_license_server_that_is_away_for_longer_is_noticed_and_comes_back() {
        for begins in (0..40).map(|n| 40.0 + f64::from(n) / 4.0) {
            for dice in [0.0, 0.5, 1.0] {
                let (seconds, until) = lacking(begins..begins + 60.0, || dice);
                assert!(seconds > 30.0, "away from {begins}: {seconds}");
                assert!(until < begins + 60.0 + WAITING * 1.5 + 0.5, "away from {begins}: back at {until}");
            }
        }
    }

    /// B85: whatever the dice say, a server that is away is not asked more than once a second by anybody, and
    /// less and less in the end; one that refuses is not asked more often for a key that is needed.
    #[test]
    fn b85_a_license_server_that_is_away_is_not_overrun() {
        let waits = |is_transient: bool, random: f64| {
            let mut renewal = taken(Terms::default());
            renewal.keys_declared(0.0, 20.0, 0.0);
            let (mut now, mut waits) = (0.0, Vec::new());
            for _ in 0..48 {
                assert_eq!(renewal.due(now), Some(Due::Renew(None)));
                assert!(!renewal.failed(now, is_transient, random));
                let at = renewal.at.unwrap();
                waits.push(at - now);
                now = at;
            }
            waits
        };
        for random in [0.0, 0.3, 1.0] {
            let asked = waits(true, random);
            let (least, last) = (0.999, 60.0 * (0.5 + random));
            assert!(asked.iter().all(|wait| *wait > least), "{random}: {asked:?}");
            assert!((asked[47] - last).abs() < 1e-6, "{random}: {asked:?}");
        }
        assert_eq!(waits(false, 0.5)[..6], [2.0, 4.0, 8.0, 16.0, 32.0, 60.0]);
    }

    #[test]
    fn rules_that_change_while_a_license_is_asked_for_wait_until_they_are_said_again() {
        let mut renewal = taken(terms(100.0, true, 10.0));
        assert_eq!(renewal.due(10.0), Some(Due::Renew(None)));
        renewal.rules_changed("new");
        assert!(!renewal.failed(10.0, false, 0.5), "what was refused was asked by the old ones");
        renewal.rules_changed("new");
        assert_eq!(renewal.due(10.0), Some(Due::Renew(Some("new"))));
    }
}
