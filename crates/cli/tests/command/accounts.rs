//! Accounts that are deleted.

use crate::catalogue::misused;
use crate::site::{Running, Site};

/// A deleted account is gone, with what it had; its sessions end; the audit log keeps its lines, and no later
/// account gets them.
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

/// A link's password as a value, and from standard input where there is no terminal; an end in Unix seconds;
/// and a link is ended by its id, by itself, or by what stands behind `/v/`.
#[test]
fn links_are_made_and_ended_in_each_form() {
    use std::io::Write as _;
    use std::process::Stdio;

    let site = Site::new();
    let film = crate::site::demo("240p.mp4");
    site.ok(&["package", crate::site::text(&film), "--movie", "7"]);
    let create = ["share", "create", "--movie", "7", "--json"];
    let with = |more: &[&str]| site.json(&[&create[..], more].concat());
    let named = with(&["--password", "open sesame", "--until", "4000000000"]);
    assert_eq!(named["ends"], 4_000_000_000_u64);
    let mut command = site.command(&[&create[..], &["--password"]].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"open sesame\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let piped: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let open = with(&[]);
    let list = site.json(&["share", "list", "--json"]);
    let has_password = |link: &serde_json::Value| {
        list.as_array().unwrap().iter().find(|listed| listed["id"] == link["id"]).unwrap()["password"].clone()
    };
    assert_eq!([&named, &piped, &open].map(has_password), [true, true, false].map(serde_json::Value::from));
    assert!(site.fails(&[&create[..], &["--password"]].concat()).contains("too short"), "nothing was piped");

    let url = |link: &serde_json::Value| link["url"].as_str().unwrap().to_owned();
    let token = url(&piped).rsplit_once('/').unwrap().1.to_owned();
    let whole = url(&open);
    for (by, link) in
        [(named["id"].as_str().unwrap(), &named), (token.as_str(), &piped), (whole.as_str(), &open)]
    {
        let revoked = site.json(&["share", "revoke", by, "--json"]);
        assert_eq!(revoked["id"], link["id"]);
    }
    assert_eq!(site.json(&["share", "list", "--json"]), serde_json::json!([]));
    let again = site.fails(&["share", "revoke", whole.as_str()]);
    assert!(again.contains("no such link") && !again.contains("/v/"), "{again}");
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
