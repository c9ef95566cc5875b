//! Films with an embedded license: played without asking for one.

use e2e::{Browser, MOVIE, Server, Stage, Viewing, free_port, messages};
use shaper::Kind;

/// Licenses that the server was asked for, by its own count.
async fn licenses(metrics: u16) -> u64 {
    messages(metrics, "license").await
}

/// Has the film's license come along from now on, with the same files.
fn embed(server: &Server, mode: &str, policy: &str) {
    server.run(&["movie", "edit", &MOVIE.to_string(), "--license", mode, "--policy", policy]);
}

/// B21, B43, B49: plays with the license server never asked; a box's film asks it.
#[tokio::test]
async fn b21_an_embedded_film_plays_without_a_license_request() {
    let metrics = free_port();
    let mut stage = Stage::start(1, &format!("[metrics]\nlisten = \"127.0.0.1:{metrics}\"")).await;
    // The domains' keys are made with it; a running server would read them within half a minute.
    embed(&stage.server, "embedded", "24h");
    assert!(stage.server.stop());
    stage.server.restart().await;
    let browser = Browser::start().await;
    // Whatever a license is asked by does not answer.
    stage.site.add_rule(shaper::Rule::new("/license", shaper::Fault::Status(503)));
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    viewing.play(3.0, None, 3.5).await;
    viewing.shows_its_frame().await;
    assert_eq!(viewing.sight().await.alert, None);
    assert_eq!(licenses(metrics).await, 0, "B21");
    assert!(stage.requests(Kind::License).is_empty());

    // Opened by its address, everything anew: the same.
    viewing.open().await;
    assert_eq!(licenses(metrics).await, 0);

    // B19: the domain's key is gone; one more round trip, no word to the viewer.
    let gone: bool = browser
        .eval(
            "return (async () => {
                const open = indexedDB.open('matinee-drm');
                const database = await new Promise((yes, no) => { open.onsuccess = () => yes(open.result); open.onerror = no });
                const store = database.transaction('state', 'readwrite').objectStore('state');
                const keys = await new Promise(yes => { const all = store.getAllKeys(); all.onsuccess = () => yes(all.result) });
                const ours = keys.filter(key => key.startsWith('domain-'));
                const values = await Promise.all(ours.map(key => new Promise(yes => { const get = store.get(key); get.onsuccess = () => yes(get.result) })));
                // B53: what the page can reach cannot be read.
                const sealed = values.every(key => key instanceof CryptoKey && !key.extractable && key.type === 'private');
                ours.forEach(key => store.delete(key));
                await new Promise(yes => store.transaction.oncomplete = yes);
                database.close();
                return sealed && ours.length === 4;
            })()",
        )
        .await;
    assert!(gone, "four domain keys, none of them extractable");
    viewing.open().await;
    assert_eq!(viewing.sight().await.alert, None);
    assert_eq!(licenses(metrics).await, 1);

    // B49: of a box's film no browser is told to expect a license.
    embed(&stage.server, "embedded-box", "24h");
    viewing.open().await;
    assert_eq!(licenses(metrics).await, 2);
    browser.quit().await;
}

/// B4, B19: the embedded license has ended, and the license server's own policy has not: one license is asked
/// for, and the viewer hears nothing of it.
#[tokio::test]
async fn b19_an_ended_license_is_replaced() {
    let metrics = free_port();
    let config = format!("[drm]\nlicense_policy = \"24h\"\n[metrics]\nlisten = \"127.0.0.1:{metrics}\"");
    let mut stage = Stage::start(1, &config).await;
    let policies = stage.server.data().join("policies.toml");
    std::fs::write(policies, "[over]\nends = 2020-01-01T00:00:00Z\n").unwrap();
    embed(&stage.server, "embedded", "over");
    assert!(stage.server.stop());
    stage.server.restart().await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    viewing.play(3.0, None, 3.5).await;
    assert_eq!(viewing.sight().await.alert, None);
    assert_eq!(licenses(metrics).await, 1);
    browser.quit().await;
}

/// A94: the challenge goes to the URL that the film's DRM metadata names, and to another when they name
/// another.
#[tokio::test]
async fn a94_the_metadata_says_where_the_license_comes_from() {
    let metrics = free_port();
    let config = format!("[drm]\nlicense_policy = \"24h\"\n[metrics]\nlisten = \"127.0.0.1:{metrics}\"");
    let mut stage = Stage::start(3, &config).await;
    std::fs::write(stage.server.data().join("policies.toml"), "[over]\nends = 2020-01-01T00:00:00Z\n")
        .unwrap();
    embed(&stage.server, "embedded", "over");
    let file = stage.server.data().join("matinee.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let browser = Browser::start().await;
    drop(Viewing::new(&browser, &stage).await);
    for (named, other) in [(1, 2), (2, 1)] {
        let license_url = format!("[drm]\nlicense_url = \"{}/license\"", stage.cdns[named].url());
        std::fs::write(&file, config.replacen("[drm]", &license_url, 1)).unwrap();
        assert!(stage.server.stop());
        stage.server.restart().await;
        stage.forget();
        let viewing = Viewing { browser: &browser, stage: &stage };
        viewing.open().await;
        assert_eq!(viewing.sight().await.alert, None);
        let licenses = |cdn: usize| {
            let posts = stage.cdns[cdn].exchanges().into_iter().filter(|exchange| exchange.method == "POST");
            posts.map(|exchange| (exchange.path, exchange.status)).collect::<Vec<_>>()
        };
        assert_eq!(licenses(named), [("/license".to_owned(), Some(200))]);
        assert_eq!(licenses(other), []);
        assert_eq!(messages(metrics, "license").await, 0, "the controller was not asked");
    }
    browser.quit().await;
}
