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
    let kept = time.learn(5000, at(1002.0, 7.0));
    assert_eq!(kept, Some(Anchor { signed: 5000, wall: 1002.0 }));
    assert_eq!(time.now(at(1012.0, 17.0)), 5010);
    assert_eq!(time.now(at(-170_000.0, 27.0)), 5020);
    assert_eq!(time.learn(4999, at(1013.0, 18.0)), None);
    // After a restart, with the clock set back and set forward.
    let time = TrustedTime::new(kept, at(-170_000.0, 0.0));
    assert_eq!(time.now(at(-170_000.0, 3.0)), 5003);
    assert_eq!(TrustedTime::new(kept, at(2002.0, 0.0)).now(at(2002.0, 0.0)), 6000);
    assert_eq!(time.greatest(), 5000);
}

/// B12, B18: a time from a cache moves a clock that is behind it, and none that is not.
#[test]
fn b12_times_from_caches_prove_no_now() {
    let noon = 43_200;
    let mut time = TrustedTime::new(None, at(54_000.0, 0.0));
    assert_eq!(time.learn_at_least(noon, at(54_000.0, 0.0)), None);
    assert_eq!(time.now(at(54_000.0, 0.0)), 54_000, "three in the afternoon, not noon");
    let mut set_back = TrustedTime::new(None, at(-118_800.0, 0.0));
    assert!(set_back.learn_at_least(noon, at(-118_800.0, 0.0)).is_some());
    assert_eq!(set_back.now(at(-118_800.0, 60.0)), noon + 60);
    let mut anchored = TrustedTime::new(Some(Anchor { signed: 50_000, wall: 100.0 }), at(100.0, 0.0));
    assert_eq!(anchored.learn_at_least(noon, at(100.0, 1.0)), None);
    assert_eq!(anchored.now(at(100.0, 1.0)), 50_001);
}
