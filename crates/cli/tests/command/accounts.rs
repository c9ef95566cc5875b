//! Accounts that are deleted.

use crate::catalogue::misused;
use crate::site::{Running, Site};

/// A deleted account is gone, with what it had; its sessions end; the audit log keeps its lines, and no later account
/// gets them.
#[test]
fn an_account_is_deleted() {
    let site = Site::new();
    site.add_user("ada@example.org");
    site.add_user("bob@example.org");
    let server = Running::start(&site);
    let (_, cookies) = server.sign_in("bob@example.org");
    assert!(server.request("GET", "/api/library", &cookies, "").starts_with("HTTP/1.1 200 "));

    // Not by mistake: without a terminal only where it is said.
    assert!(misused(&site, &["user", "delete", "bob@example.org"]).contains("--yes"));
    assert!(site.ok(&["user", "list"]).contains("bob@example.org"));
    assert!(site.fails(&["user", "delete", "eve@example.org", "--yes"]).contains("no account"));
    let gone = site.json(&["user", "delete", "Bob@example.org", "--yes", "--json"]);
    assert_eq!((&gone["email"], &gone["sessions"]), (&"bob@example.org".into(), &1.into()));
    assert_eq!((&gone["devices"], &gone["viewed"], &gone["links"]), (&0.into(), &0.into(), &0.into()));
    assert!(!site.ok(&["user", "list"]).contains("bob@example.org"));
    assert!(server.request("GET", "/api/library", &cookies, "").starts_with("HTTP/1.1 401 "));
    assert!(server.sign_in("bob@example.org").0.starts_with("HTTP/1.1 401 "));
    assert!(site.fails(&["user", "delete", "bob@example.org", "--yes"]).contains("no account"));

    // The address is free for somebody else, whose the old lines are not.
    site.add_user("bob@example.org");
    let lines = site.ok(&["audit", "--account", "bob@example.org"]);
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let all = site.ok(&["audit"]);
    let deleted = all.lines().find(|line| line.contains("user delete")).unwrap();
    let handle = gone["account"].as_str().unwrap();
    assert!(deleted.contains(handle) && !deleted.contains("bob@"), "{deleted}");
    let said = site.ok(&["user", "delete", "bob@example.org", "--yes"]);
    assert!(said.starts_with("Deleted bob@example.org: ") && said.contains("audit log"), "{said}");
}

/// The account of a link takes the link with it.
#[test]
fn the_account_of_a_link_is_deleted_with_it() {
    let site = Site::new();
    let film = crate::site::demo("240p.mp4");
    site.ok(&["package", crate::site::text(&film), "--movie", "7"]);
    let share = site.json(&["share", "create", "--movie", "7", "--json"]);
    let email = format!("subject:share-{}", share["id"].as_str().unwrap());
    let gone = site.json(&["user", "delete", &email, "--yes", "--json"]);
    assert_eq!(gone["links"], 1);
    assert_eq!(site.json(&["share", "list", "--json"]), serde_json::json!([]));
}
