//! Policies and the life of a license: the server and the DRM module's core together, on a clock that is set
//! by hand.

use super::client::{Client, id, rsa, trust};
use super::world::{MOVIE, NOW, OTHER_MOVIE, URL, World};
use cenc::{ContentId, Kid, Label, derive_kid};
use decryptor::{Cdm, Clocks, Device, Error, Keys as _, LicenseRequest, SessionId};
use license::{Display, DrmMetadata, KeyLevel, Refusal, SoftwareRsaKey};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};
use server::store::{NewMovie, Store};

const HOUR: u64 = 3600;

/// Writes `policies.toml` and has the server read it.
pub(crate) fn write_policies(world: &World, text: &str) {
    std::fs::write(world.folder.path().join("policies.toml"), text).unwrap();
    world.service.reload().unwrap();
}

pub(crate) async fn set_policy(world: &World, movie: u64, policy: &str) {
    let mut tx = world.store.begin().await.unwrap();
    let movie = tx.movie(movie).await.unwrap().unwrap();
    let movie = NewMovie { policy: policy.into(), ..movie.into() };
    tx.put_movie(&movie, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

/// What came of asking for a license: octets, and what names its rules.
async fn ask(
    client: &mut Client,
    world: &World,
    movie: u64,
    challenge: &[u8],
) -> Result<(Vec<u8>, String), ErrorCode> {
    let message = RequestMessage::License { stream_id: id(movie), challenge: challenge.to_vec() };
    match client.one(world, message).await? {
        ResponseMessage::License { license, policy_version, .. } => Ok((license, policy_version.unwrap())),
        other => panic!("{other:?}"),
    }
}

/// The rules that a license for the movie has now.
async fn rules(client: &mut Client, world: &World, movie: u64) -> license::Policy {
    let challenge = client.challenge(world, movie);
    let (license, _) = ask(client, world, movie, &challenge).await.unwrap();
    client.open(world, &license, &challenge).await.unwrap().license().policy.clone()
}

fn kid(world: &World) -> Kid {
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    derive_kid(ring.active_common_key().1, &ContentId::of_movie(MOVIE), &Label::default(), 0)
}

/// A browser's module with a film open in it; its clocks go as the world's does, unless told otherwise.
struct Player {
    client: Client,
    cdm: Cdm<&'static SoftwareRsaKey>,
    session: SessionId,
    kid: Kid,
    /// The machine's clock is so far behind, in seconds.
    behind: f64,
}

impl Player {
    async fn new(world: &World) -> Self {
        let mut cdm = Cdm::new(None, Clocks { wall: NOW as f64, monotonic: 0.0 });
        let session = cdm.create();
        let client = Client::registered(world).await;
        Self { client, cdm, session, kid: kid(world), behind: 0.0 }
    }

    fn clocks(&self, world: &World) -> Clocks {
        Clocks { wall: world.now() as f64 - self.behind, monotonic: (world.now() - NOW) as f64 }
    }

    /// Gets a license as the module does: challenge, verification, keys.
    async fn license(&mut self, world: &World) -> Result<String, ErrorCode> {
        // A ticket lives 12 h.
        self.client.cookies = world.login().await;
        self.client.register(world).await.unwrap();
        let clocks = self.clocks(world);
        let trust = trust(world).await;
        let device_id = self.client.device.as_ref().unwrap().to_string();
        let ticket = self.client.ticket.clone().unwrap();
        let device = Device {
            trust: &trust,
            certificate: &self.client.certificate.clone(),
            signing_key: self.client.public_key(),
            key_level: KeyLevel::Webcrypto,
            origin: URL,
            release: None,
        };
        let request = LicenseRequest {
            stream_id: MOVIE,
            device_id: &device_id,
            ticket: &ticket,
            keys: vec![],
            display: Display::Single,
            time: world.now(),
            sequence: self.client.draw(),
        };
        let pair = (rsa().modulus().unwrap(), rsa());
        let pending = self.cdm.begin_challenge(self.session, &device, request, pair).unwrap();
        let signature = self.client.key.sign(pending.message());
        let challenge = self.cdm.finish_challenge(pending, &signature, self.clocks(world)).unwrap();
        let (license, version) = ask(&mut self.client, world, MOVIE, &challenge).await?;
        let pending = self.cdm.begin_update(self.session, &license, &device, clocks).unwrap();
        let kek = rsa().decrypt(pending.kek_ciphertext()).unwrap();
        self.cdm.finish_license(&pending, &kek).unwrap();
        Ok(version)
    }

    /// Whether a fragment can be decrypted now.
    fn plays(&mut self, world: &World) -> Result<bool, Error> {
        let clocks = self.clocks(world);
        self.cdm.keys(clocks).find(&self.kid).map(|key| key.is_some())
    }

    /// Plays on, minute by minute; the second at which it stopped.
    fn plays_for(&mut self, world: &World, seconds: u64) -> Option<(u64, Error)> {
        let from = world.now();
        for second in (0..=seconds).step_by(60) {
            world.set_clock(from + second);
            match self.plays(world) {
                Ok(true) => {}
                Ok(false) => panic!("the key is gone"),
                Err(error) => return Some((world.now() - NOW, error)),
            }
        }
        None
    }

    /// Reports to the controller; the metadata that comes with the answer.
    async fn report(&mut self, world: &World, version: &str) -> Option<Vec<u8>> {
        self.client.cookies = world.login().await;
        self.client.register(world).await.unwrap();
        self.client.report(world, MOVIE, version).await.map(|rules| rules.drm_metadata)
    }
}

const EXPIRED: Error = Error::Refused(Refusal::Expired);

/// B14, B16, B17, B18: the 30-hour film under a license of 24 hours, with the expiry looked at when playback
/// starts.
#[tokio::test]
async fn b14_b18_the_thirty_hour_film() {
    // Started in time (half an hour after the license was made), it plays to its end.
    let world = World::with("[limits]\nlogins_per_account = 1000\nlogins_of_unknown_browsers = 1000").await;
    let mut first = Player::new(&world).await;
    first.license(&world).await.unwrap();
    world.set_clock(NOW + HOUR / 2);
    assert_eq!(first.plays_for(&world, 30 * HOUR), None, "B14");

    // The second client starts three hours later by a license of the same age, and plays past its end, too.
    world.set_clock(NOW);
    let mut second = Player::new(&world).await;
    second.license(&world).await.unwrap();
    world.set_clock(NOW + 3 * HOUR);
    assert_eq!(second.plays_for(&world, 30 * HOUR), None, "B16");

    // One that starts at 24 h plays, one second later it does not, whatever the machine's clock says.
    for (late, expected) in [(0, Ok(true)), (1, Err(EXPIRED))] {
        for behind in [0.0, 2.0 * 86_400.0] {
            world.set_clock(NOW);
            let mut third = Player::new(&world).await;
            third.license(&world).await.unwrap();
            world.set_clock(NOW + 24 * HOUR + late);
            third.behind = behind;
            assert_eq!(third.plays(&world), expected, "B17, B18: {late} s late, clock {behind} s behind");
        }
    }
}

/// B14's other side: looked at continuously, playback ends with the license, and a renewal carries it on.
#[tokio::test]
async fn continuous_expiry_and_renewal() {
    let world = World::new().await;
    write_policies(
        &world,
        "[strict]\nvalidity = \"24h\"\ncheck = \"continuous\"\nrenew_after = \"20h\"\n[short]\nplayback = \"2h\"\ncheck = \"continuous\"",
    );
    set_policy(&world, MOVIE, "strict").await;
    let mut player = Player::new(&world).await;
    player.license(&world).await.unwrap();
    assert_eq!(player.plays_for(&world, 30 * HOUR), Some((24 * HOUR + 60, EXPIRED)));

    world.set_clock(NOW);
    let mut player = Player::new(&world).await;
    player.license(&world).await.unwrap();
    assert_eq!(player.plays_for(&world, 20 * HOUR), None);
    player.license(&world).await.unwrap();
    assert_eq!(player.plays_for(&world, 24 * HOUR), None, "renewed");
    assert_eq!(player.plays_for(&world, HOUR), Some((44 * HOUR + 60, EXPIRED)));

    // Two hours from the first play, which was when the first license was issued.
    set_policy(&world, MOVIE, "short").await;
    let mut player = Player::new(&world).await;
    assert_eq!(player.license(&world).await, Err(ErrorCode::PolicyRefused));
}

/// B72: 48 hours, by a policy, or by one of 24 hours whose license is made anew after 24.
#[tokio::test]
async fn b72_the_48_hour_recipe() {
    let world = World::new().await;
    set_policy(&world, MOVIE, "48h").await;
    for (start, expected) in [(48 * HOUR, Ok(true)), (48 * HOUR + 1, Err(EXPIRED))] {
        world.set_clock(NOW);
        let mut player = Player::new(&world).await;
        player.license(&world).await.unwrap();
        world.set_clock(NOW + start);
        assert_eq!(player.plays(&world), expected, "{start}");
    }
    set_policy(&world, MOVIE, "24h").await;
    world.set_clock(NOW);
    let mut old = Player::new(&world).await;
    old.license(&world).await.unwrap();
    world.set_clock(NOW + 24 * HOUR);
    let mut new = Player::new(&world).await;
    new.license(&world).await.unwrap();
    world.set_clock(NOW + 30 * HOUR);
    assert_eq!(old.plays(&world), Err(EXPIRED));
    assert_eq!(new.plays(&world), Ok(true));
}

/// B4, B5, B6, B8, B13: policies are named, shared, changed while the server runs, and bound by the license
/// alone.
#[tokio::test]
async fn b5_b6_one_policy_for_two_films() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    write_policies(&world, "[weekend]\nvalidity = \"1h\"\nvalidity_from = \"acquisition\"\nmax_height = 480");
    for movie in [MOVIE, OTHER_MOVIE] {
        set_policy(&world, movie, "weekend").await;
        world.set_clock(NOW + 600);
        let rules = rules(&mut client, &world, movie).await;
        assert_eq!((rules.not_after, rules.max_height), (Some(NOW + 600 + HOUR), Some(480)), "B13");
    }
    let challenge = client.challenge(&world, MOVIE);
    let (issued, version) = ask(&mut client, &world, MOVIE, &challenge).await.unwrap();

    // What is wrong leaves what was there.
    std::fs::write(world.folder.path().join("policies.toml"), "[weekend]\nvalidity = 1").unwrap();
    let error = world.service.reload().unwrap_err().to_string();
    assert!(error.contains("policies.toml: weekend.validity: "), "{error}");
    assert_eq!(rules(&mut client, &world, MOVIE).await.max_height, Some(480));

    write_policies(&world, "[weekend]\nvalidity = \"2h\"");
    for movie in [MOVIE, OTHER_MOVIE] {
        assert_eq!(rules(&mut client, &world, movie).await.not_after, Some(NOW + 600 + 2 * HOUR), "B5");
    }
    let issued = client.open(&world, &issued, &challenge).await.unwrap();
    assert_eq!(issued.license().policy.not_after, Some(NOW + 600 + HOUR), "B6");
    let challenge = client.challenge(&world, MOVIE);
    let (_, changed) = ask(&mut client, &world, MOVIE, &challenge).await.unwrap();
    assert_ne!(version, changed);

    // A film whose policy is gone does not play.
    write_policies(&world, "");
    let challenge = client.challenge(&world, MOVIE);
    assert_eq!(ask(&mut client, &world, MOVIE, &challenge).await, Err(ErrorCode::MovieNotAvailable));
}

/// B4: what the film was packaged with says 24 h, the license server 1 h.
#[tokio::test]
async fn b4_the_license_server_has_the_last_word() {
    let policies = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policies.path(), "[brief]\nvalidity = \"1h\"").unwrap();
    let path = policies.path().display();
    let world = World::with(&format!("[drm]\npolicies = \"{path}\"\nlicense_policy = \"brief\"")).await;
    let mut client = Client::registered(&world).await;
    let answer = client.one(&world, RequestMessage::Authorization { movie_id: id(MOVIE) }).await.unwrap();
    let ResponseMessage::Authorization(manifest) = answer else { panic!() };
    let metadata = DrmMetadata::verify(&manifest.drm_metadata.unwrap(), &trust(&world).await).unwrap();
    assert_eq!(metadata.policy, "24h");
    let rules = rules(&mut client, &world, MOVIE).await;
    assert_eq!((rules.name.as_str(), rules.not_after), ("brief", Some(NOW + HOUR)));
}

/// B15, B78: with `update_strategy = "force"` a running player hears of changed rules with its next report,
/// and only then.
#[tokio::test]
async fn b15_changed_rules_reach_running_players() {
    for (config, forced) in [("", false), ("[drm]\nupdate_strategy = \"force\"", true)] {
        let world = World::with(config).await;
        write_policies(&world, &format!("[listed]\nvalidity = \"24h\"\nplayers = [\"{URL}\"]"));
        set_policy(&world, MOVIE, "listed").await;
        let mut player = Player::new(&world).await;
        let version = player.license(&world).await.unwrap();
        world.set_clock(NOW + 23 * HOUR);
        assert_eq!(player.plays(&world), Ok(true));
        assert_eq!(player.report(&world, &version).await, None, "nothing has changed");

        // The expiry is extended: adopted.
        write_policies(&world, &format!("[listed]\nvalidity = \"48h\"\nplayers = [\"{URL}\"]"));
        let metadata = player.report(&world, &version).await;
        assert_eq!(metadata.is_some(), forced);
        let Some(metadata) = metadata else { continue };
        let metadata = DrmMetadata::verify(&metadata, &trust(&world).await).unwrap();
        assert_eq!((metadata.policy.as_str(), metadata.keys[0].kid), ("listed", player.kid));
        let version = player.license(&world).await.unwrap();
        assert_eq!(player.report(&world, &version).await, None, "adopted");
        world.set_clock(NOW + 40 * HOUR);
        assert_eq!(player.plays(&world), Ok(true));

        // This player is taken off the list: it gets no other license.
        write_policies(&world, "[listed]\nvalidity = \"48h\"\nplayers = [\"https://elsewhere.example\"]");
        assert!(player.report(&world, &version).await.is_some());
        assert_eq!(player.license(&world).await, Err(ErrorCode::PolicyRefused));
    }
}

/// B76, B77: only listed players get a license, by origin and by release, by either route.
#[tokio::test]
async fn b76_b77_only_listed_players() {
    let embedders = "embedders = [\"https://a.example\", \"https://b.example\"]";
    let world = World::with(embedders).await;
    let mut client = Client::registered(&world).await;
    set_policy(&world, MOVIE, "own").await;
    let release = [7; 32];
    write_policies(
        &world,
        &format!(
            "[own]\nplayers = [{{ origin = \"{URL}\", release = \"{}\" }}, \"https://a.example\"]",
            hex::encode(release)
        ),
    );
    let mut changed = release;
    changed[31] ^= 1;
    for (release, expected) in [
        (release.to_vec(), None),
        (changed.to_vec(), Some(ErrorCode::PolicyRefused)),
        (vec![], Some(ErrorCode::PolicyRefused)),
    ] {
        let challenge = license::Challenge {
            player_release: release.clone(),
            ..client.unsigned_challenge(&world, MOVIE, vec![])
        };
        let challenge = client.sign_challenge(&challenge);
        assert_eq!(ask(&mut client, &world, MOVIE, &challenge).await.err(), expected, "{release:?}");
    }
    let ticket = client.ticket.clone().unwrap();
    for (origin, status) in [("https://a.example", 200), ("https://b.example", 403)] {
        let headers =
            [("content-type", "application/cose"), ("x-cticket", ticket.as_str()), ("origin", origin)];
        let reply = world.request("POST", "/license", &headers, &client.challenge(&world, MOVIE)).await;
        assert_eq!(reply.status, status, "{origin}");
        let text = String::from_utf8_lossy(&reply.body);
        assert_eq!(text.contains("POLICY_REFUSED"), status == 403, "{origin}");
    }
}

/// The rule that was not met is said in words, and a level's picture is bounded by its own number.
#[tokio::test]
async fn refusals_name_the_rule() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    write_policies(
        &world,
        "[boxes]\nkey_level = \"box\"\n[over]\nends = 2020-01-01T00:00:00Z\n[low]\nmax_height = { webcrypto = 576, box = 2160 }",
    );
    for (policy, words) in [("boxes", "keeps its keys better"), ("over", "is over")] {
        set_policy(&world, MOVIE, policy).await;
        let challenge = client.challenge(&world, MOVIE);
        let message = RequestMessage::License { stream_id: id(MOVIE), challenge };
        let body = client.seal(&world, &[message]);
        let reply = client.post(&world, &body).await;
        assert!(reply.text().contains("POLICY_REFUSED") && reply.text().contains(words), "{}", reply.text());
    }
    set_policy(&world, MOVIE, "low").await;
    assert_eq!(rules(&mut client, &world, MOVIE).await.max_height, Some(576));
}

/// Of two browsers of one account, the one whose keys lie open gets no license of a policy that wants them
/// kept, by either route; films that do not mind play there.
#[tokio::test]
async fn software_keys_are_not_webcrypto() {
    let world = World::new().await;
    let cookies = world.login().await;
    write_policies(&world, "[kept]\nkey_level = \"webcrypto\"\n[open]\nkey_level = \"software\"");
    for (level, policy, expected) in [
        (KeyLevel::Webcrypto, "kept", None),
        (KeyLevel::Software, "kept", Some(ErrorCode::PolicyRefused)),
        (KeyLevel::Software, "open", None),
    ] {
        set_policy(&world, MOVIE, policy).await;
        let mut client = Client::of_level(&world, &cookies, level).await;
        client.register(&world).await.unwrap();
        let challenge = client.challenge(&world, MOVIE);
        assert_eq!(ask(&mut client, &world, MOVIE, &challenge).await.err(), expected, "{level:?} {policy}");
        let challenge = client.challenge(&world, MOVIE);
        let headers =
            [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
        let raw = world.request("POST", "/license", &headers, &challenge).await;
        let text = String::from_utf8_lossy(&raw.body);
        assert_eq!(text.contains("POLICY_REFUSED"), expected.is_some(), "{level:?} {policy}");
        assert_eq!(raw.status == 200, expected.is_none(), "{level:?} {policy}");
    }
}
