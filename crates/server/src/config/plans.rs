//! `[plans]`: what plans differ in, besides the films that they include.

use super::setting;
use crate::Error;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A plan's settings. Accounts may have plans that are not listed.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Films that an account may play at the same time; 0: no limit. Default: `devices.limit`.
    pub streams: Option<u32>,
    /// The highest picture that an account gets, in pixels; default: what the film's policy says. Less of
    /// both holds.
    pub max_height: Option<u32>,
}

pub(super) fn check_plans(plans: &BTreeMap<String, Plan>) -> Result<(), Error> {
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if !plans.keys().all(is_name) {
        return Err(setting("plans", "the name of a plan must be letters, digits, - and _"));
    }
    if plans.values().any(|plan| plan.streams.is_some_and(|streams| streams > 1000)) {
        return Err(setting("plans", "streams must be 0 to 1000"));
    }
    if plans.values().any(|plan| plan.max_height.is_some_and(|height| !(1..=65_535).contains(&height))) {
        return Err(setting("plans", "max_height must be 1 to 65535 pixels"));
    }
    Ok(())
}
