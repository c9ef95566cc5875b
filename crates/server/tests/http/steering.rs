//! Content steering: CDNs in the order that a seed draws by weight.

use super::playlists::signed;
use super::world::{NOW, Reply, URL, World};
use serde_json::{Value, json};
use server::urls::Form;

const CDNS: &str = "[[cdn]]\nid = 1\nname = \"a\"\nweight = 90\nbase_url = \"https://a.example\"\n\
                    [[cdn]]\nid = 2\nname = \"b\"\nweight = 10\nbase_url = \"https://b.example\"\n\
                    [[cdn]]\nid = 3\nname = \"spare\"\nweight = 0\nbase_url = \"https://c.example\"\n";

async fn get(world: &World, query: &str) -> Reply {
    world.request("GET", &format!("/steering{query}"), &[], b"").await
}

async fn steering(world: &World, query: &str) -> Value {
    let reply = get(world, query).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(reply.cookies().is_empty());
    reply.json()
}

/// A60, A68: as the manifest has it: most begin with the heaviest, the spare comes last, and a player that
/// asks again is not moved.
#[tokio::test]
async fn a60_players_of_others_follow_the_weights() {
    let world = World::with(CDNS).await;
    let mut first = 0;
    for n in 0..200u64 {
        let query = format!("?s={n:016x}&_HLS_pathway=1&_HLS_throughput=5140000");
        let told = steering(&world, &query).await;
        assert_eq!(
            (&told["VERSION"], &told["TTL"], &told["RELOAD-URI"]),
            (&json!(1), &json!(300), &Value::Null)
        );
        let order = told["PATHWAY-PRIORITY"].as_array().unwrap();
        assert_eq!((order.len(), &order[2]), (3, &json!("3")));
        first += usize::from(order[0] == "1");
        assert_eq!(steering(&world, &query).await, told);
    }
    assert!((160..200).contains(&first), "{first}");
}

/// Without a draw of its own a player is given one to come back with; DASH has its first edition's name, too.
#[tokio::test]
async fn a_player_without_a_draw_is_given_one() {
    let world = World::with(CDNS).await;
    let told = steering(&world, "?_DASH_pathway=%221%22").await;
    assert_eq!(told["SERVICE-LOCATION-PRIORITY"], told["PATHWAY-PRIORITY"]);
    let again = told["RELOAD-URI"].as_str().unwrap().strip_prefix("steering").unwrap().to_owned();
    assert_eq!(steering(&world, &again).await["PATHWAY-PRIORITY"], told["PATHWAY-PRIORITY"]);
    for bad in ["?s=", "?s=1", "?s=000000000000000G", "?s=00000000000000000"] {
        assert_eq!(get(&world, bad).await.status, 400, "{bad}");
    }
    let alone = World::with("roles = [\"edge\"]").await;
    assert_eq!(steering(&alone, "?s=0000000000000000").await["PATHWAY-PRIORITY"], json!(["1"]));
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

/// The path at the edge behind a URL at one of the CDNs.
fn at_edge(url: &str) -> String {
    let (_, path) = url.split_once(".example/").unwrap();
    format!("/{path}")
}

async fn manifest(world: &World, form: Form) -> String {
    let reply = world.request("GET", &signed(world, form, NOW + 1000).await, &[], b"").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text().replace("&amp;", "&")
}

async fn part(world: &World, url: &str) -> u16 {
    let range = [("range", "bytes=0-99")];
    world.request("GET", &at_edge(url), &range, b"").await.status.as_u16()
}

/// A60, A68: manifests for players of others name the server and each CDN, with URLs that are good there, in
/// the order that the server has for them.
#[tokio::test]
async fn a68_manifests_name_the_server_and_the_cdns() {
    let world = World::with(CDNS).await;
    let mpd = manifest(&world, Form::Dash).await;
    let [server] = between(&mpd, "<ContentSteering ", "</ContentSteering>")[..] else { panic!("{mpd}") };
    let (attributes, server) = server.split_once('>').unwrap();
    let query = server.strip_prefix(&format!("{URL}/steering")).unwrap().to_owned();
    let order = steering(&world, &query).await["PATHWAY-PRIORITY"].clone();
    let order: Vec<&str> = order.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(attributes.contains(&format!("defaultServiceLocation=\"{}\"", order[0])), "{attributes}");
    for representation in between(&mpd, "<Representation ", "</Representation>") {
        let urls = between(representation, "<BaseURL serviceLocation=\"", "</BaseURL>");
        let (named, urls): (Vec<_>, Vec<_>) = urls.iter().map(|url| url.split_once("\">").unwrap()).unzip();
        assert_eq!(named, order);
        for (id, url) in named.iter().zip(urls) {
            let host = ["a", "b", "c"][id.parse::<usize>().unwrap() - 1];
            assert!(url.starts_with(&format!("https://{host}.example/s/")), "{url}");
            assert_eq!(part(&world, url).await, 206, "{url}");
        }
    }

    let master = manifest(&world, Form::Hls).await;
    let [tag] = between(&master, "#EXT-X-CONTENT-STEERING:", "\n")[..] else { panic!("{master}") };
    let query = between(tag, "SERVER-URI=\"", "\"")[0].strip_prefix(&format!("{URL}/steering")).unwrap();
    let order = steering(&world, query).await["PATHWAY-PRIORITY"].clone();
    let first = between(tag, ",PATHWAY-ID=\"", "\"")[0];
    assert_eq!(order[0], first);
    let variants = between(&master, "#EXT-X-STREAM-INF:", "\n#");
    assert_eq!(variants.len(), 3, "{master}");
    for (variant, id) in variants.iter().zip(order.as_array().unwrap()) {
        let id = id.as_str().unwrap();
        assert!(variant.contains(&format!("PATHWAY-ID=\"{id}\"")), "{variant}");
        let group = between(variant, "AUDIO=\"", "\"")[0];
        let rendition = master.lines().find(|line| line.contains(&format!("GROUP-ID=\"{group}\""))).unwrap();
        let playlists = [variant.lines().nth(1).unwrap(), between(rendition, "URI=\"", "\"")[0]];
        for url in playlists {
            let host = ["a", "b", "c"][id.parse::<usize>().unwrap() - 1];
            assert!(url.starts_with(&format!("https://{host}.example/s/")), "{url}");
            let path = at_edge(url);
            let media = world.request("GET", &path, &[], b"").await;
            assert_eq!(media.status, 200, "{url}");
            let file = media.text().lines().find(|line| line.contains(".mp4?") && !line.starts_with('#'));
            let folder = url.split('?').next().unwrap().rsplit_once('/').unwrap().0;
            assert_eq!(part(&world, &format!("{folder}/{}", file.unwrap())).await, 206);
        }
    }
}

/// Where a CDN may ask without a token, it gives files only: DASH has it, HLS has not. One CDN is no choice.
#[tokio::test]
async fn cdns_that_pass_no_token_on_have_no_playlists() {
    let own = "token = \"nginx\"\nsecrets = [\"films-secret\"]\n";
    let pull = format!("[edge]\npull_secrets = [\"{}\"]\n", "a".repeat(32));
    let cdn =
        |id: u32| format!("[[cdn]]\nid = {id}\nname = \"c{id}\"\nbase_url = \"https://c{id}.example\"\n");
    for (config, dash, hls) in [
        (cdn(1), false, false),
        (cdn(1) + &cdn(2) + own, true, true),
        (pull + &cdn(1) + &cdn(2) + own, true, false),
    ] {
        let world = World::with(&config).await;
        assert_eq!(manifest(&world, Form::Dash).await.contains("<ContentSteering"), dash, "{config}");
        assert_eq!(manifest(&world, Form::Hls).await.contains("STEERING"), hls, "{config}");
        if dash {
            let mpd = manifest(&world, Form::Dash).await;
            for url in between(&mpd, "serviceLocation=\"2\">", "</BaseURL>") {
                assert!(url.contains("?md5="), "{url}");
                assert_eq!(part(&world, url).await, 206, "{url}");
            }
        }
    }
}
