//! How often one may ask: token buckets, in bounded memory.

use crate::config::Limits;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets of a limiter. Callers are spread over them by a keyed hash, so that no number of callers takes
/// more memory; two that share one share its budget.
const BUCKETS: u64 = 1 << 16;

/// Asked too often: come back after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttled(pub(crate) u64);

struct Limiter {
    buckets: DefaultKeyedRateLimiter<u64>,
    hasher: RandomState,
    clock: DefaultClock,
}

fn burst(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

impl Limiter {
    fn per_minute(count: u32) -> Self {
        Self::new(Quota::per_minute(burst(count)))
    }

    fn per_hour(count: u32) -> Self {
        Self::new(Quota::per_hour(burst(count)))
    }

    fn new(quota: Quota) -> Self {
        Self {
            buckets: RateLimiter::hashmap(quota),
            hasher: RandomState::new(),
            clock: DefaultClock::default(),
        }
    }

    fn check(&self, caller: &impl Hash) -> Result<(), Throttled> {
        let bucket = self.hasher.hash_one(caller) % BUCKETS;
        self.buckets.check_key(&bucket).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            Throttled(wait.as_secs() + 1)
        })
    }
}

/// Counts what went wrong, by caller, in windows of an hour.
struct Mistakes {
    most: u32,
    callers: Mutex<HashMap<u64, (Instant, u32)>>,
    hasher: RandomState,
}

/// A try that was counted as wrong beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reserved {
    account: u64,
    address: u64,
}

impl Mistakes {
    const WINDOW: Duration = Duration::from_secs(3600);

    fn new(most: u32) -> Self {
        Self { most, callers: Mutex::default(), hasher: RandomState::new() }
    }

    fn bucket(&self, caller: &impl Hash) -> u64 {
        self.hasher.hash_one(caller) % BUCKETS
    }

    /// Counts one try, if there is one left.
    fn reserve(&self, bucket: u64) -> Result<(), Throttled> {
        let now = Instant::now();
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, count) = callers.entry(bucket).or_insert((now, 0));
        let over = now.duration_since(*begun);
        if over >= Self::WINDOW {
            (*begun, *count) = (now, 0);
        } else if *count >= self.most {
            return Err(Throttled((Self::WINDOW - over).as_secs() + 1));
        }
        *count += 1;
        Ok(())
    }

    /// Whether there is a try left; it is not counted.
    fn check(&self, bucket: u64) -> Result<(), Throttled> {
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((begun, count)) = callers.get(&bucket) else { return Ok(()) };
        let over = begun.elapsed();
        if over < Self::WINDOW && *count >= self.most {
            return Err(Throttled((Self::WINDOW - over).as_secs() + 1));
        }
        Ok(())
    }

    /// It was right: takes it back.
    fn release(&self, bucket: u64) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = callers.get_mut(&bucket) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The limiters of a server.
pub(crate) struct Throttle {
    logins_per_account: Limiter,
    logins_per_browser: Limiter,
    logins_per_address: Limiter,
    logins_of_unknown_browsers: Limiter,
    site_requests: Limiter,
    site_requests_per_account: Limiter,
    individualizations: Limiter,
    requests: Limiter,
    codes_per_account: Mistakes,
    codes_per_address: Mistakes,
    stream_keys_per_address: Mistakes,
    api_requests: Limiter,
    api_keys_per_address: Mistakes,
    reports: Limiter,
}

/// A stream key that was counted as wrong beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReservedKey(u64);

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Throttle")
    }
}

impl Throttle {
    /// Limiters by configuration, all budgets full.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            logins_per_account: Limiter::per_minute(limits.logins_per_account),
            logins_per_browser: Limiter::per_minute(limits.logins_per_account),
            logins_per_address: Limiter::per_minute(limits.logins_per_address),
            logins_of_unknown_browsers: Limiter::per_hour(limits.logins_of_unknown_browsers),
            site_requests: Limiter::per_minute(limits.site_requests),
            site_requests_per_account: Limiter::per_minute(limits.site_requests_per_account),
            individualizations: Limiter::per_minute(limits.individualizations),
            requests: Limiter::per_minute(limits.requests),
            codes_per_account: Mistakes::new(limits.codes_per_account),
            codes_per_address: Mistakes::new(limits.codes_per_address),
            stream_keys_per_address: Mistakes::new(limits.stream_keys_per_address),
            api_requests: Limiter::per_minute(limits.api_requests),
            api_keys_per_address: Mistakes::new(limits.api_keys_per_address),
            reports: Limiter::per_minute(limits.reports),
        }
    }

    /// A login by a browser that names itself by a cookie, before the database says whether it has a device
    /// of the account: on its own budget. What follows is [`Throttle::unknown_browser`], where it has none.
    pub(crate) fn browser(&self, email: &str, browser: [u8; 32]) -> Result<(), Throttled> {
        self.logins_per_browser.check(&(browser, email))
    }

    /// A login by a browser without a device of the account: by address, by address and account, and by
    /// account, wherever it comes from. So nobody can lock a subscriber out of a browser that they use, and
    /// many addresses together guess no faster.
    pub(crate) fn unknown_browser(&self, address: IpAddr, email: &str) -> Result<(), Throttled> {
        self.logins_per_address.check(&network(address))?;
        self.logins_per_account.check(&(network(address), email))?;
        self.logins_of_unknown_browsers.check(&email)
    }

    /// Any request for the site.
    pub(crate) fn site_request(&self, address: IpAddr) -> Result<(), Throttled> {
        self.site_requests.check(&network(address))
    }

    /// A request in an account's session.
    pub(crate) fn account_request(&self, account: i64) -> Result<(), Throttled> {
        self.site_requests_per_account.check(&account)
    }

    /// An activation code is tried: counted as wrong until [`Throttle::code_was_right`].
    pub(crate) fn code(&self, address: IpAddr, account: i64) -> Result<Reserved, Throttled> {
        let reserved = Reserved {
            account: self.codes_per_account.bucket(&account),
            address: self.codes_per_address.bucket(&network(address)),
        };
        self.codes_per_account.reserve(reserved.account)?;
        self.codes_per_address.reserve(reserved.address).inspect_err(|_| {
            self.codes_per_account.release(reserved.account);
        })?;
        Ok(reserved)
    }

    /// The code was right, or over.
    pub(crate) fn code_was_right(&self, reserved: Reserved) {
        self.codes_per_account.release(reserved.account);
        self.codes_per_address.release(reserved.address);
    }

    /// A stream key is tried: counted as wrong until [`Throttle::stream_key_was_right`].
    pub(crate) fn stream_key(&self, address: IpAddr) -> Result<ReservedKey, Throttled> {
        let bucket = self.stream_keys_per_address.bucket(&network(address));
        self.stream_keys_per_address.reserve(bucket).map(|()| ReservedKey(bucket))
    }

    /// The stream key was right.
    pub(crate) fn stream_key_was_right(&self, reserved: ReservedKey) {
        self.stream_keys_per_address.release(reserved.0);
    }

    /// An API key is about to be looked at.
    pub(crate) fn may_show_key(&self, address: IpAddr) -> Result<(), Throttled> {
        self.api_keys_per_address.check(self.api_keys_per_address.bucket(&network(address)))
    }

    /// There is no such API key.
    pub(crate) fn wrong_key(&self, address: IpAddr) {
        // Counted, not refused: that is asked before the next.
        let _ = self.api_keys_per_address.reserve(self.api_keys_per_address.bucket(&network(address)));
    }

    /// A request by an API key.
    pub(crate) fn key_request(&self, id: &str) -> Result<(), Throttled> {
        self.api_requests.check(&id)
    }

    /// A post of players' reports.
    pub(crate) fn report(&self, address: IpAddr) -> Result<(), Throttled> {
        self.reports.check(&network(address))
    }

    pub(crate) fn individualization(&self, address: IpAddr) -> Result<(), Throttled> {
        self.individualizations.check(&network(address))
    }

    pub(crate) fn request(&self, address: IpAddr) -> Result<(), Throttled> {
        self.requests.check(&network(address))
    }
}

/// One caller by address: an IPv6 customer has a /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_end_and_are_per_caller() {
        let throttle =
            Throttle::new(&Limits { logins_per_account: 3, logins_per_address: 5, ..Limits::default() });
        let a: IpAddr = "203.0.113.7".parse().unwrap();
        for _ in 0..3 {
            throttle.unknown_browser(a, "ada").unwrap();
        }
        let Throttled(wait) = throttle.unknown_browser(a, "ada").unwrap_err();
        assert!((1..=21).contains(&wait), "{wait}");
        // A browser of the subscriber's is not locked out by it.
        throttle.browser("ada", [1; 32]).unwrap();
        throttle.unknown_browser("203.0.113.8".parse().unwrap(), "ada").unwrap();
        // The address has used four of its five.
        throttle.unknown_browser(a, "bob").unwrap();
        throttle.unknown_browser(a, "carol").unwrap_err();
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let same = network("2001:db8::1".parse().unwrap());
        assert_eq!(network("2001:db8::ffff:1".parse().unwrap()), same);
        assert_ne!(network("2001:db8:0:1::1".parse().unwrap()), same);
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
