//! What this browser calls itself when it registers.

use control_client::Kind;
pub use nccp::machine_name;

/// A browser, as the controller is told of it.
pub(super) fn kind() -> Kind {
    let agent = user_agent();
    Kind::browser(machine_name(&agent), agent.chars().take(400).collect::<String>())
}

fn user_agent() -> String {
    gloo::utils::window().navigator().user_agent().unwrap_or_default()
}
