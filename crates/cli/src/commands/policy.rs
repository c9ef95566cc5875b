//! `matinee policy`.

use crate::args::Policy;
use crate::{Failure, output};
use server::policy::{BUILT_IN, PolicyTemplate};

pub(crate) fn run(command: Policy) -> Result<(), Failure> {
    let Policy::List(json) = command;
    if json.json {
        return output::json(BUILT_IN);
    }
    let row = |policy: &PolicyTemplate| vec![policy.name.to_owned(), policy.description.to_owned()];
    output::table(&["NAME", "RULES"], &BUILT_IN.iter().map(row).collect::<Vec<_>>())
}
