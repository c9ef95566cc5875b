//! Client data (CMCD): which CDNs are told, and that it changes nothing at the edge.

use super::client::Client;
use super::drm::manifest;
use super::playlists::signed;
use super::world::{MOVIE, NOW, URL, World, octets};
use server::urls::Form;

/// As the player writes it.
const TOLD: &str =
    "CMCD=bl%3D%282000%3Bv%29%2Cbr%3D%283000%3Bv%29%2Ccid%3D%22a%22%2Cot%3Dv%2Csid%3D%22b%22%2Cv%3D2";

/// A CDN that asks for it is named so in manifests, with a name of the film that is the same for all who
/// watch it; one that does not is not.
#[tokio::test]
async fn cdns_that_ask_are_told() {
    let cdns = format!(
        "[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"{URL}\"\ncmcd = true\n\
         [[cdn]]\nid = 2\nname = \"b\"\nbase_url = \"https://b.example\"\n"
    );
    let world = World::with(&cdns).await;
    let mut client = Client::registered(&world).await;
    let first = manifest(&mut client, &world, MOVIE).await;
    let of = |id: u32| first.cdns.iter().find(|cdn| cdn.id == id).unwrap().cmcd.clone();
    let name = of(1).expect("it asks");
    assert_eq!((name.len(), of(2)), (32, None));
    assert!(!name.contains(&MOVIE.to_string()));
    world.add_account("grace@example.org", "unlimited").await;
    let mut other = Client::registered(&world).await;
    let again = manifest(&mut other, &world, MOVIE).await;
    assert_eq!(again.cdns.iter().find_map(|cdn| cdn.cmcd.as_ref()), Some(&name));

    // The edge behind that CDN gives the file, the part and the playlist as without it.
    let urls = &first.downloadables[0].urls;
    let url = urls.iter().find(|url| url.cdn_id == 1).unwrap().url.strip_prefix(URL).unwrap();
    let plain = world.request("GET", url, &[("range", "bytes=10-99")], b"").await;
    let told = world.request("GET", &format!("{url}&{TOLD}"), &[("range", "bytes=10-99")], b"").await;
    assert_eq!((plain.status.as_u16(), told.status.as_u16()), (206, 206));
    assert!(told.body == plain.body && told.body == octets()[10..100]);
    for header in ["etag", "cache-control", "content-range"] {
        assert_eq!(told.header(header), plain.header(header));
    }
    assert_eq!(world.request("GET", &format!("{url}&{TOLD}&{TOLD}"), &[], b"").await.status, 403);
    assert_eq!(world.request("GET", &format!("{url}&other=1"), &[], b"").await.status, 403);
}

/// Other players add it to playlists' URLs, too; it does not go on into what those name.
#[tokio::test]
async fn playlists_do_not_hand_it_on() {
    let world = World::new().await;
    for form in [Form::Hls, Form::Dash] {
        let path = signed(&world, form, NOW + 1000).await;
        let plain = world.request("GET", &path, &[], b"").await;
        let told = world.request("GET", &format!("{path}&{TOLD}"), &[], b"").await;
        assert_eq!((told.status.as_u16(), told.text()), (200, plain.text()));
    }
}

const REPORTS: &[u8] = b"e=ps,sid=\"s-1\",sta=p,ts=1700000000000,v=2\ne=t,ts=1700000001000,bl=(5000),v=2\n";

/// CTA-5004-B, event mode: taken whole or not at all, from any page, and so often.
#[tokio::test]
async fn players_report_what_happens() {
    let world = World::with("[edge]\nreports = true\n[limits]\nreports = 10").await;
    let post = async |media_type: &str, body: &[u8]| {
        let headers = [("content-type", media_type), ("origin", "https://elsewhere.example")];
        world.request("POST", "/cmcd", &headers, body).await
    };
    let preflight = world.request("OPTIONS", "/cmcd", &[("origin", "https://elsewhere.example")], b"").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-headers"), "Content-Type");
    let taken = post("application/cmcd", REPORTS).await;
    assert_eq!((taken.status.as_u16(), taken.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(post("application/json", b"{}").await.status, 415);
    assert_eq!(post("application/cmcd", b"e=ps,ts=1\nnot one").await.status, 400);
    assert_eq!(post("application/cmcd", &vec![b'e'; 100_000]).await.status, 413);
    assert_eq!(world.get("/cmcd", "").await.status, 405);
    for _ in 0..6 {
        assert_eq!(post("application/cmcd", REPORTS).await.status, 204);
    }
    // The budget fills up again, slowly.
    let mut last = post("application/cmcd", REPORTS).await;
    for _ in 0..10_000 {
        if last.status == 429 {
            break;
        }
        last = post("application/cmcd", REPORTS).await;
    }
    assert_eq!(last.status, 429);
    assert!(!last.header("retry-after").is_empty());
}

/// Manifests say where the own player is to report, by the name that CDNs have for the film; off by default.
#[tokio::test]
async fn manifests_say_where_to_report() {
    let plain = World::new().await;
    let mut client = Client::registered(&plain).await;
    assert_eq!(manifest(&mut client, &plain, MOVIE).await.reports, None);
    for (setting, url) in
        [("/cmcd", format!("{URL}/cmcd")), ("https://r.example/in", "https://r.example/in".to_owned())]
    {
        let cdn = "[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"https://a.example\"\ncmcd = true\n";
        let world = World::with(&format!("{cdn}[cmcd]\nreport_to = \"{setting}\"\ndownloads = true\n")).await;
        let mut client = Client::registered(&world).await;
        let told = manifest(&mut client, &world, MOVIE).await;
        let reports = told.reports.expect("it is wanted");
        assert_eq!((reports.url, reports.downloads), (url, true));
        assert_eq!(Some(reports.content), told.cdns[0].cmcd);
    }
    for bad in ["cmcd", "/cmcd?x", "ftp://r.example/in", "//r.example/in;"] {
        assert!(server::Config::parse(&format!("[cmcd]\nreport_to = \"{bad}\"")).is_err(), "{bad}");
    }
}

/// Off unless the operator wants it: players stop at 410.
#[tokio::test]
async fn no_reports_unless_they_are_wanted() {
    let world = World::new().await;
    let answer = world.request("POST", "/cmcd", &[("content-type", "application/cmcd")], REPORTS).await;
    assert_eq!(answer.status, 410);
}
