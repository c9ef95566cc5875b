//! Buckets of real servers.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use storage::{AccessKey, Credentials, Patience, S3, S3Settings, Storage};

use crate::servers::{ACCESS_KEY, Server};

/// The bucket.
const BUCKET: &str = "films";

/// As settings name a key pair.
pub(crate) fn pair((id, secret): (&str, &str)) -> Credentials {
    Credentials::Fixed(AccessKey { id: id.to_owned(), secret: secret.to_owned().into(), token: None })
}

/// A bucket below a prefix that nobody else has.
pub(crate) fn settings(endpoint: &str) -> S3Settings {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    S3Settings {
        bucket: BUCKET.to_owned(),
        prefix: Some(format!("test-{}/{number}", std::process::id()).parse().unwrap()),
        endpoint: Some(endpoint.to_owned()),
        region: "us-east-1".to_owned(),
        path_style: true,
        credentials: pair(ACCESS_KEY),
        patience: Patience::default(),
    }
}

/// Makes the bucket, by a signed request.
pub(crate) fn make_bucket(server: &Server) {
    use object_store::signer::Signer as _;
    let make = async {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let store = object_store::aws::AmazonS3Builder::new()
            .with_endpoint(&server.endpoint)
            .with_bucket_name(BUCKET)
            .with_region("us-east-1")
            .with_access_key_id(ACCESS_KEY.0)
            .with_secret_access_key(ACCESS_KEY.1)
            .with_allow_http(true)
            .build()
            .unwrap();
        let path = object_store::path::Path::from("");
        let url = store.signed_url(reqwest::Method::PUT, &path, Duration::from_secs(600)).await.unwrap();
        loop {
            let made =
                reqwest::Client::new().put(url.clone()).header("content-length", "0").send().await.unwrap();
            match made.status().as_u16() {
                200 => return,
                // It is not yet ready.
                500.. => tokio::time::sleep(Duration::from_millis(100)).await,
                status => panic!("no bucket: {status} {}", made.text().await.unwrap()),
            }
        }
    };
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(make);
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

/// The servers that all tests of this process share, as far as they can be had.
pub(crate) fn servers() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let servers: Vec<_> = [Server::weed(), Server::moto()].into_iter().flatten().collect();
        servers.iter().for_each(make_bucket);
        servers
    })
}

/// An empty storage of each server.
pub(crate) fn buckets() -> Vec<Arc<dyn Storage>> {
    servers().iter().map(|server| Arc::new(S3::new(settings(&server.endpoint)).unwrap()) as _).collect()
}
