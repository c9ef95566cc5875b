//! From a code to a slot. A111 to A115, A118, A125, A126.

use license::{BoxIdentity, SiteCa, SoftwareSigningKey, Typ, Version};
use nccp::ErrorCode;
use nccp::json::ActivateState;
use tv_box::{Ended, Error, Notice};

use crate::world::{EMAIL, MOVIE, NOW, Run, Running, World, activated, rsa};

fn waiting() -> Run {
    Run { once: false, ..Run::once(1.0) }
}

/// A112 to A115, A119 to A121: the code is shown and typed in, the slot taken at the next poll, account and
/// list shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a112_a113_a115_a_box_is_activated_by_its_code() {
    let world = World::new().await;
    world.put_in_queue(MOVIE).await;
    let file = world.provision("0001");
    let mut tv = Running::start(&file, waiting());
    let code = tv.code().await;
    assert!((4..=6).contains(&code.len()), "{code}");
    let Some(Notice::Code { url, link, seconds, expires, .. }) = tv.shown.last() else { panic!() };
    assert_eq!(*url, format!("{}/activate", world.url()));
    assert_eq!(*link, format!("{url}?code={code}"));
    assert!(
        (590..=600).contains(seconds) && *expires == NOW + 600,
        "by the server's clock, not this machine's"
    );
    assert_eq!(world.devices().await.len(), 0);
    let step = world.confirm(&code).await;
    assert_eq!((step.state, step.name.as_str()), (ActivateState::Confirmed, "Matinee One 0001"));
    let device = tv.activated().await;
    let devices = world.devices().await;
    assert_eq!(
        (devices[0]["device_id"].as_str(), devices[0]["kind"].as_str()),
        (Some(&*device), Some("box"))
    );
    tv.until("the account", |notice| match notice {
        Notice::Account { name, plan, device, devices, limit } => {
            assert_eq!((name.as_str(), plan.as_str(), *devices, *limit), (EMAIL, "unlimited", 1, 6));
            assert_eq!(device, "Matinee One 0001");
            Some(())
        }
        _ => None,
    })
    .await;
    let art = tv
        .until("the list", |notice| match notice {
            Notice::Queue { movies } => {
                assert_eq!(movies[0].movie_id.get(), MOVIE);
                assert_eq!(movies[0].title, format!("Demo {MOVIE}"));
                Some(movies[0].art.clone().unwrap())
            }
            _ => None,
        })
        .await;
    assert!(art.starts_with(&world.url()) && art.contains("/art/"), "{art}");
    assert_eq!(tv.stop().await.0.unwrap(), Ended::Stopped);
}

/// A115: a code that nobody types in ends, and another takes its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a115_an_expired_code_is_replaced() {
    let world = World::new().await;
    let mut tv = Running::start(&world.provision("0001"), waiting());
    let first = tv.code().await;
    // So far on that the box's clock is wrong as well.
    world.set_clock(NOW + 601);
    let second = tv.code().await;
    assert_ne!(first, second);
    world.confirm(&second).await;
    tv.activated().await;
    assert_eq!(world.devices().await.len(), 1);
    tv.stop().await.0.unwrap();
}

/// A118: the box says that the account is full, and has its slot as soon as there is one, with the code that
/// was entered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a118_a_full_account_is_told_to_the_box() {
    let world = World::with("[devices]\nlimit = 1\nidle_days = 0").await;
    activated(&world, "0001").await;
    let mut tv = Running::start(&world.provision("0002"), waiting());
    let code = tv.code().await;
    assert!(world.confirm(&code).await.limit_reached);
    let full = |notice: &Notice| match notice {
        Notice::LimitReached { url } => Some(url.clone()),
        _ => None,
    };
    assert_eq!(tv.until("the limit", full).await, format!("{}/devices", world.url()));
    let devices = world.devices().await;
    world.remove_device(devices[0]["device_id"].as_str().unwrap()).await;
    tv.activated().await;
    let codes = tv.shown.iter().filter(|notice| matches!(notice, Notice::Code { .. })).count();
    assert_eq!(codes, 1);
    tv.stop().await.0.unwrap();
}

/// A126: a box of another factory, and one whose factory this server no longer knows, are refused, in words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a126_only_the_factory_s_boxes_are_taken() {
    let world = World::new().await;
    let real = world.provision("0001");
    let signing = SoftwareSigningKey::generate().unwrap();
    let ca = SiteCa::generate().unwrap();
    let signer = ca.new_signer(&world.url(), Typ::DeviceCertificate, "mine", NOW, NOW + 1000).unwrap();
    let certificate = signer
        .certify_box(&BoxIdentity {
            signing_key: signing.public_key().unwrap(),
            rsa_modulus: rsa().modulus().unwrap(),
            module_version: Version::new(0, 1, 0),
            model: "Matinee One",
            serial: "0666",
            issued: NOW,
            expires: NOW + 1000,
        })
        .unwrap();
    let forged = world.write_box("0666", &signing, &[ca.public_key()], &certificate);
    let refused = async |file: &std::path::Path| {
        // Not only with `once`: waiting does not help.
        let (ended, shown) = Running::start(file, waiting()).ended().await;
        assert!(!shown.iter().any(|notice| matches!(notice, Notice::Code { .. })));
        let Err(Error::Refused(error)) = ended else { panic!("{ended:?}") };
        assert_eq!(error.code, ErrorCode::CertificateInvalid);
    };
    refused(&forged).await;
    // A real certificate with another key: not authentic.
    let signing = SoftwareSigningKey::generate().unwrap();
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(&real).unwrap()).unwrap();
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let certificate = engine.decode(file["certificate"].as_str().unwrap()).unwrap();
    let stolen = world.write_box("0003", &signing, &[ca.public_key()], &certificate);
    let (ended, _) = Running::start(&stolen, Run::once(1.0)).ended().await;
    let Err(Error::Refused(error)) = ended else { panic!("{ended:?}") };
    assert_eq!(error.code, ErrorCode::NotAuthentic);
    assert_eq!(world.devices().await.len(), 0);
}

/// A125: on the browsers' host a box is not answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a125_boxes_have_their_own_host() {
    let world = World::new().await;
    let file = world.provision("0001");
    let text = std::fs::read_to_string(&file).unwrap();
    let boxes = world.config.boxes.url.clone().unwrap();
    std::fs::write(&file, text.replace(&boxes, &world.url())).unwrap();
    let (ended, _) = Running::start(&file, waiting()).ended().await;
    assert_eq!(ended.unwrap_err().code(), Some(ErrorCode::CertificateInvalid));
}
