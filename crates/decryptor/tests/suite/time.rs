//! The clock that cannot be set back.

use decryptor::{Anchor, Clocks, TrustedTime};

fn at(wall: f64, monotonic: f64) -> Clocks {
    Clocks { wall, monotonic }
}

/// B18: the clock set back two days after a contact.
#[test]
fn b18_setting_the_clock_back_gains_nothing() {
    let mut time = TrustedTime::new(None, at(1000.0, 5.0));
    assert_eq!(time.now(at(1001.0, 6.0)), 1001);
    time.learn(5000, at(1002.0, 7.0), at(1002.0, 7.0));
    let kept = time.to_keep(at(1002.0, 7.0));
    assert_eq!(kept, Some(Anchor { signed: 5000, known: 5000.0, wall: 1002.0 }));
    assert_eq!(time.now(at(1012.0, 17.0)), 5010);
    assert_eq!(time.now(at(-170_000.0, 27.0)), 5020);
    time.learn(4999, at(1013.0, 18.0), at(1013.0, 18.0));
    assert_eq!((time.greatest(), time.now(at(1013.0, 18.0))), (5000, 5011));
    // After a restart, with the clock set back and set forward.
    let time = TrustedTime::new(kept, at(-170_000.0, 0.0));
    assert!(time.is_set_back(at(-170_000.0, 0.0)));
    assert_eq!(time.now(at(-170_000.0, 3.0)), 5003);
    let time = TrustedTime::new(kept, at(2002.0, 0.0));
    assert!(!time.is_set_back(at(2002.0, 0.0)));
    assert_eq!(time.now(at(2002.0, 0.0)), 6000);
    assert_eq!(time.greatest(), 5000);
}

/// B18: the clock set back before each start: time goes on from the greatest that was known.
#[test]
fn b18_time_does_not_go_back_over_restarts() {
    let mut kept = Some(Anchor { signed: 5000, known: 5000.0, wall: 1000.0 });
    for start in 0..10 {
        // Ten minutes of use; the wall clock says the same whenever it starts.
        let mut time = TrustedTime::new(kept, at(1000.0, 0.0));
        for second in 0..=600_u32 {
            let clocks = at(1000.0 + f64::from(second), f64::from(second));
            kept = time.to_keep(clocks).or(kept);
            assert_eq!(time.now(clocks), 5000 + 600 * start + u64::from(second));
        }
    }
    // The greatest that the wall clock ever said is known, too.
    let anchor = kept.unwrap();
    assert_eq!((anchor.signed, anchor.known, anchor.wall), (5000, 11_000.0, 1600.0));
    // A signed time settles it: the clock had run ahead.
    let mut time = TrustedTime::new(Some(Anchor { wall: 9e9, known: 9e9, ..anchor }), at(1000.0, 0.0));
    assert!(time.is_set_back(at(1000.0, 0.0)));
    time.learn(5001, at(1000.0, 0.0), at(1000.0, 0.0));
    assert!(!time.is_set_back(at(1000.0, 0.0)));
    assert_eq!(time.now(at(1001.0, 1.0)), 5002);
}

/// B18: an answer that was held back says how late it was, not how late it is. What ran ahead before the
/// question is forgiven, and no more than that.
#[test]
fn b18_an_answer_that_was_held_back_does_not_set_the_time_back() {
    let asked = at(1000.0, 5.0);
    let learned = |known: f64, wall: f64, clocks| {
        let anchor = Anchor { signed: 900, known, wall };
        let mut time = TrustedTime::new(Some(anchor), asked);
        time.learn(1000, asked, clocks);
        (time.greatest(), time.now(clocks))
    };
    // The clocks are right: at once, after ten hours, and where only the wall clock or only the other went
    // on.
    assert_eq!(learned(1000.0, 1000.0, at(1001.0, 6.0)), (1000, 1001));
    for clocks in [at(37_000.0, 36_005.0), at(37_000.0, 5.0), at(-5.0, 36_005.0)] {
        assert_eq!(learned(1000.0, 1000.0, clocks), (1000, 37_000));
    }
    // The wall clock had run a year ahead and was put right: only the ten hours count.
    assert_eq!(learned(3e7, 3e7, at(37_000.0, 36_005.0)), (1000, 37_000));
    // The machine was behind.
    assert_eq!(learned(950.0, 1000.0, at(1001.0, 6.0)), (1000, 1000));
}

/// B18: what is known is kept at the start of use and once a minute, fractions included.
#[test]
fn b18_what_is_known_is_kept_each_minute() {
    let mut time = TrustedTime::new(None, at(1000.0, 0.0));
    let mut kept = Vec::new();
    for quarter in 0..=1201_u32 {
        let elapsed = f64::from(quarter) / 4.0;
        kept.extend(time.to_keep(at(1000.0 + elapsed, elapsed)).map(|anchor| anchor.known));
    }
    assert_eq!(kept, [1000.0, 1060.0, 1120.0, 1180.0, 1240.0, 1300.0]);
    assert_eq!(time.now(at(1301.0, 301.0)), 1301);
}

/// B12, B18: a time from a cache moves a clock that is behind it, and none that is not.
#[test]
fn b12_times_from_caches_prove_no_now() {
    let noon = 43_200;
    let mut time = TrustedTime::new(None, at(54_000.0, 0.0));
    time.learn_at_least(noon, at(54_000.0, 0.0));
    assert_eq!(time.now(at(54_000.0, 0.0)), 54_000, "three in the afternoon, not noon");
    let mut set_back = TrustedTime::new(None, at(-118_800.0, 0.0));
    set_back.learn_at_least(noon, at(-118_800.0, 0.0));
    assert_eq!(set_back.now(at(-118_800.0, 60.0)), noon + 60);
    let mut anchored =
        TrustedTime::new(Some(Anchor { signed: 50_000, known: 50_000.0, wall: 100.0 }), at(100.0, 0.0));
    anchored.learn_at_least(noon, at(100.0, 1.0));
    assert_eq!(anchored.now(at(100.0, 1.0)), 50_001);
}
