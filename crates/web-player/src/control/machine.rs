//! What this browser calls itself when it registers.

use control_client::Kind;
pub use nccp::machine_name;

/// A browser, as the controller is told of it; one in another site's page registers by grants.
pub(super) fn kind(granted: bool) -> Kind {
    let agent = user_agent();
    let (name, machine) = (machine_name(&agent), agent.chars().take(400).collect::<String>());
    if granted { Kind::granted(name, machine) } else { Kind::browser(name, machine) }
}

fn user_agent() -> String {
    gloo::utils::window().navigator().user_agent().unwrap_or_default()
}
