//! Pages of other sites that put the site's own into frames, to lead a viewer's clicks.

use crate::world::{World, built_site};

#[tokio::test]
async fn a_listed_site_frames_the_login_page() {
    let folder = tempfile::tempdir().unwrap();
    built_site(folder.path());
    let config = "embedders = [\"https://partner.example\"]";
    let world = World::with(&format!("site = {:?}\n{config}", folder.path())).await;
    let cookies = world.login().await;
    let pages = [
        "/",
        "/login",
        "/library",
        "/devices",
        "/account",
        "/activate",
        "/watch?movieid=7",
        "/api/library",
        "/embed/",
    ];
    for page in pages {
        let policy = world.get(page, &cookies).await;
        let policy = policy.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none';"), "{page}: {policy}");
    }
    let player = world.get("/embed?movie=7", "").await;
    let policy = player.header("content-security-policy");
    assert!(policy.contains("frame-ancestors https://partner.example;"), "{policy}");
}
