//! Content steering: CDNs in the order that a seed draws by weight.

use super::world::{Reply, World};
use serde_json::{Value, json};

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

/// A60, A68: as the manifest has it: most begin with the heaviest, the spare comes last, and a player that asks
/// again is not moved.
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
