//! Where the service is not offered.

use e2e::{Browser, EMAIL, MOVIE, PASSWORD, Server, TITLE};
use serde_json::Value;

/// A MaxMind database (format 2.0) that has every address in the country `XX`: one node, both sides of which
/// are the only record.
fn everywhere_xx() -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        out.push(2 << 5 | u8::try_from(text.len()).unwrap());
        out.extend(text.as_bytes());
    }
    let mut out = vec![0, 0, 17, 0, 0, 17];
    out.extend([0; 16]);
    out.push(7 << 5 | 1);
    text(&mut out, "country");
    out.push(7 << 5 | 1);
    text(&mut out, "iso_code");
    text(&mut out, "XX");
    out.extend(b"\xab\xcd\xefMaxMind.com");
    out.push(7 << 5 | 9);
    for (name, value) in [
        ("node_count", &[6 << 5 | 1, 1][..]),
        ("record_size", &[5 << 5 | 1, 24][..]),
        ("ip_version", &[5 << 5 | 1, 4][..]),
        ("binary_format_major_version", &[5 << 5 | 1, 2][..]),
        ("binary_format_minor_version", &[5 << 5][..]),
        ("build_epoch", &[1, 2, 1][..]),
    ] {
        text(&mut out, name);
        out.extend(value);
    }
    text(&mut out, "database_type");
    text(&mut out, "Test-Country");
    text(&mut out, "languages");
    out.extend([0, 4]);
    text(&mut out, "description");
    out.push(7 << 5);
    out
}

/// A4, A5, A6: a viewer who has been let in finds himself in another country: the film is refused in the
/// app's words, its address with a page of status 451 in the site's own looks, and the way in is closed.
#[tokio::test]
async fn a_film_is_refused_abroad_in_words() {
    let mut server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    // Away from the film, so that nothing is under way.
    browser.open(&format!("{}/devices", server.url())).await;

    assert!(server.stop(), "the server's exit after an interrupt");
    let file = server.data().join("regions.mmdb");
    std::fs::write(&file, everywhere_xx()).unwrap();
    let config = format!("[regions]\nfile = \"{}\"\nallow = [\"DE\"]\n", file.display());
    std::fs::write(server.data().join("matinee.toml"), config).unwrap();
    server.restart().await;

    browser.open(&format!("{}/library", server.url())).await;
    browser.says("Not available to you").await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.says("Not available where you are").await;
    let app: Value = browser
        .eval("return { alert: document.querySelector('[role=alert]')?.innerText, way: !!document.querySelector('a[href=\"/library\"]') }")
        .await;
    assert!(app["alert"].as_str().unwrap().contains("REGION_NOT_ALLOWED") && app["way"] == true, "{app}");

    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.says("Not available where you are").await;
    let page: Value = browser
        .eval(
            "const [entry] = performance.getEntriesByType('navigation');
             return { status: entry.responseStatus, styled: getComputedStyle(document.querySelector('h1')).fontFamily, app: !!document.querySelector('#app') }",
        )
        .await;
    assert_eq!((&page["status"], &page["app"]), (&Value::from(451), &Value::from(false)), "{page}");
    assert!(page["styled"].as_str().unwrap().contains("Limelight"), "{page}");

    browser.delete_cookies().await;
    browser.open(&format!("{}/login", server.url())).await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.says("Not available where you are").await;
    browser.quit().await;
}
