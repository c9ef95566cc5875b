//! From where the service may be used: A4, A5, A6.

use super::client::{Client, id};
use super::world::{EMAIL, MOVIE, NOW, OTHER_MOVIE, PASSWORD, World};
use nccp::{ErrorCode, RequestMessage};
use server::movies;

/// A MaxMind database (format 2.0) of IPv4 networks and their countries.
fn database(networks: &[([u8; 4], u8, &str)]) -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        out.push(2 << 5 | text.len() as u8);
        out.extend(text.as_bytes());
    }
    // Leaves are numbered from `LEAF` until the number of nodes is known.
    const LEAF: u32 = 1 << 20;
    const NONE: u32 = u32::MAX;
    let (mut nodes, mut data, mut offsets) = (vec![[NONE; 2]], Vec::new(), Vec::new());
    for (address, length, country) in networks {
        offsets.push(data.len() as u32);
        data.push(7 << 5 | 1);
        text(&mut data, "country");
        data.push(7 << 5 | 1);
        text(&mut data, "iso_code");
        text(&mut data, country);
        let bits = u32::from_be_bytes(*address);
        let mut node = 0;
        for depth in 0..*length {
            let bit = (bits >> (31 - depth) & 1) as usize;
            if depth + 1 == *length {
                nodes[node][bit] = LEAF + offsets.len() as u32 - 1;
            } else if nodes[node][bit] == NONE {
                nodes.push([NONE; 2]);
                nodes[node][bit] = nodes.len() as u32 - 1;
                node = nodes.len() - 1;
            } else {
                node = nodes[node][bit] as usize;
            }
        }
    }
    let count = nodes.len() as u32;
    let mut out = Vec::new();
    for value in nodes.iter().flatten() {
        let value = match *value {
            NONE => count,
            leaf if leaf >= LEAF => count + 16 + offsets[(leaf - LEAF) as usize],
            node => node,
        };
        out.extend(&value.to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    out.push(7 << 5 | 9);
    let number = |out: &mut Vec<u8>, name: &str, kind: u8, value: u32| {
        text(out, name);
        out.push(kind << 5 | if kind == 6 { 4 } else { 2 });
        out.extend(&value.to_be_bytes()[if kind == 6 { 0 } else { 2 }..]);
    };
    number(&mut out, "node_count", 6, count);
    number(&mut out, "record_size", 5, 24);
    number(&mut out, "ip_version", 5, 4);
    number(&mut out, "binary_format_major_version", 5, 2);
    number(&mut out, "binary_format_minor_version", 5, 0);
    text(&mut out, "build_epoch");
    out.extend([1, 2, 1]); // uint64 (9 = 7 + 2) of one octet
    text(&mut out, "database_type");
    text(&mut out, "Test-Country");
    text(&mut out, "languages");
    out.extend([0, 4]); // array (11 = 7 + 4), empty
    text(&mut out, "description");
    out.push(7 << 5);
    out
}

pub(crate) const HERE: &str = "192.0.2.7";
pub(crate) const ABROAD: &str = "203.0.113.7";
const NOWHERE: &str = "198.51.100.7";

/// A service for Germany and France, behind proxies in 10.0.0.0/8.
async fn world() -> World {
    world_with("").await.0
}

/// The same, with more lines for the configuration; and the folder with the database, to be read again.
pub(crate) async fn world_with(more: &str) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("regions.mmdb");
    let networks = [([192, 0, 2, 0], 24, "DE"), ([203, 0, 113, 0], 24, "XX"), ([198, 18, 0, 0], 15, "FR")];
    std::fs::write(&file, database(&networks)).unwrap();
    let config = format!(
        "trusted_proxies = [\"10.0.0.0/8\"]\n[regions]\nfile = \"{}\"\nallow = [\"de\", \"FR\"]\n{more}",
        file.display()
    );
    let world = World::with(&config).await;
    world.come_from(HERE);
    (world, folder)
}

/// A4: the page is not shown abroad, with or without a session, whatever the request claims.
#[tokio::test]
async fn a4_the_page_is_not_shown_abroad() {
    let world = world().await;
    let cookies = world.login().await;
    let page = format!("/watch?movieid={MOVIE}");
    assert_eq!(world.get(&page, "").await.status, 302);
    for place in [ABROAD, NOWHERE] {
        world.come_from(place);
        for cookies in ["", cookies.as_str()] {
            let reply = world.get(&page, cookies).await;
            assert_eq!(reply.status, 451, "{place}");
            assert!(reply.header("content-type").starts_with("text/html"));
            assert!(reply.text().contains("Not available where you are"));
        }
        for claim in [HERE, "192.0.2.7, 192.0.2.8", "127.0.0.1", "10.0.0.1", "::1", "'"] {
            for header in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"] {
                let headers = [("cookie", cookies.as_str()), (header, claim)];
                assert_eq!(world.request("GET", &page, &headers, b"").await.status, 451, "{header}: {claim}");
            }
        }
    }
    // A configured proxy is believed, as far as it saw for itself.
    world.come_from("10.0.0.1");
    let through = async |claim: &str| {
        let headers = [("cookie", cookies.as_str()), ("x-forwarded-for", claim)];
        world.request("GET", &page, &headers, b"").await.status.as_u16()
    };
    assert_ne!(through(HERE).await, 451);
    assert_eq!(through(ABROAD).await, 451);
    assert_eq!(through(&format!("{HERE}, {ABROAD}")).await, 451, "the left entry is the client's own");
    assert_ne!(through(&format!("{ABROAD}, {HERE}, 10.0.0.2")).await, 451);
}

/// A5, A6: login, registration, manifest and license are refused abroad.
#[tokio::test]
async fn a5_a6_nothing_is_given_abroad() {
    let world = world().await;
    let cookies = world.login().await;
    let mut client = Client::registered(&world).await;
    let mut other = Client::new(&world, &cookies).await;
    world.come_from(ABROAD);
    let login = world.try_login(EMAIL, PASSWORD, "").await;
    assert_eq!(login.status, 451);
    assert!(login.cookies().is_empty() && login.text().contains("REGION_NOT_ALLOWED"));
    assert_eq!(other.register(&world).await, Err(ErrorCode::RegionNotAllowed));
    let authorization = || RequestMessage::Authorization { movie_id: id(MOVIE) };
    assert_eq!(client.one(&world, authorization()).await, Err(ErrorCode::RegionNotAllowed));
    let challenge = client.challenge(&world, MOVIE);
    let license = RequestMessage::License { stream_id: id(MOVIE), challenge };
    assert_eq!(client.one(&world, license).await, Err(ErrorCode::RegionNotAllowed));
    let challenge = client.challenge(&world, MOVIE);
    let headers = [("x-cticket", client.ticket.as_deref().unwrap()), ("content-type", "application/cose")];
    let raw = world.request("POST", "/license", &headers, &challenge).await;
    assert!(raw.text().contains("REGION_NOT_ALLOWED"), "{}", raw.text());
    // At home all of it works.
    world.come_from(HERE);
    client.one(&world, authorization()).await.unwrap();
    other.register(&world).await.unwrap();
}

/// A movie may have a narrower list than the service.
#[tokio::test]
async fn a_movies_own_list() {
    let world = world().await;
    let mut client = Client::registered(&world).await;
    let pack = server::catalogue::Pack::read_folder(&world.config.library().join(format!("{MOVIE:032x}")))
        .await
        .unwrap();
    let details = |regions: &[&str]| movies::Details {
        regions: regions.iter().map(|&r| r.to_owned()).collect(),
        ..Default::default()
    };
    assert!(movies::add(&*world.store, &pack, details(&["Germany"]), movies::Over::Any, NOW).await.is_err());
    movies::add(&*world.store, &pack, details(&["fr"]), movies::Over::Any, NOW).await.unwrap();
    let authorization = |movie| RequestMessage::Authorization { movie_id: id(movie) };
    assert_eq!(client.one(&world, authorization(MOVIE)).await, Err(ErrorCode::RegionNotAllowed));
    client.one(&world, authorization(OTHER_MOVIE)).await.unwrap();
    assert_eq!(world.get(&format!("/watch?movieid={MOVIE}"), "").await.status, 451);
    assert_eq!(world.get(&format!("/watch?movieid={OTHER_MOVIE}"), "").await.status, 302);
    let library: nccp::json::Library = world.get("/api/library", &client.cookies).await.json();
    let playable: Vec<_> = library.movies.iter().map(|m| (m.movie_id.get(), m.playable)).collect();
    assert!(playable.contains(&(MOVIE, false)) && playable.contains(&(OTHER_MOVIE, true)), "{playable:?}");
    world.come_from("198.19.0.1");
    client.one(&world, authorization(MOVIE)).await.unwrap();
}

/// The account sees in which countries its devices registered and were last used, and no address.
#[tokio::test]
async fn devices_have_their_countries() {
    let world = world().await;
    let mut client = Client::registered(&world).await;
    let devices = async |client: &mut Client, from: &str| {
        world.come_from(from);
        // Abroad it is refused, and was heard all the same.
        let asked = client.one(&world, RequestMessage::Authorization { movie_id: id(MOVIE) }).await;
        let reply = world.get("/api/devices", &client.cookies).await;
        assert!(!reply.text().contains(from), "{}", reply.text());
        let devices: nccp::json::Devices = reply.json();
        let device = devices.devices.into_iter().next().unwrap();
        (asked.is_ok(), device.registered_in, device.last_seen_in)
    };
    let country = |code: &str| Some(code.to_owned());
    assert_eq!(devices(&mut client, HERE).await, (true, country("DE"), country("DE")));
    assert_eq!(devices(&mut client, "198.19.0.1").await, (true, country("DE"), country("FR")));
    assert_eq!(devices(&mut client, NOWHERE).await, (false, country("DE"), None));

    let world = World::new().await;
    let client = Client::registered(&world).await;
    let devices: nccp::json::Devices = world.get("/api/devices", &client.cookies).await.json();
    let device = &devices.devices[0];
    assert_eq!((&device.registered_in, &device.last_seen_in), (&None, &None), "without region data");
}

/// A list without a database is a mistake of the operator's, and lets nobody in.
#[test]
fn a_list_needs_a_database() {
    let error = server::Config::parse("[regions]\nallow = [\"DE\"]").unwrap_err().to_string();
    assert!(error.contains("regions.file"), "{error}");
}
