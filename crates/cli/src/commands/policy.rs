//! `matinee policy`.

use crate::args::Policy;
use crate::{Failure, output};
use server::Config;
use server::policy::{Policies, PolicyTemplate};

pub(crate) fn run(config: &Config, command: Policy) -> Result<(), Failure> {
    let Policy::List(json) = command;
    let policies = Policies::load(config)?;
    if json.json {
        return output::json(&policies.iter().map(PolicyTemplate::to_json).collect::<Vec<_>>());
    }
    let row = |policy: &PolicyTemplate| {
        let from = if policy.built_in { "built in" } else { "own" };
        vec![policy.name.clone(), from.to_owned(), policy.description.clone(), policy.summary()]
    };
    let rows: Vec<_> = policies.iter().map(row).collect();
    output::table(&["NAME", "FROM", "DESCRIPTION", "RULES"], &rows)
}
