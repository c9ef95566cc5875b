//! URLs by which others read.

use std::time::Duration;

use bytes::Bytes;
use storage::{Folder, Memory, PutMode, S3, Storage};

use crate::buckets::{servers, settings};

const FILM: &[u8] = b"0123456789";

#[tokio::test]
async fn whoever_has_a_signed_url_reads_for_a_while() {
    for server in servers() {
        let storage = S3::new(settings(&server.endpoint)).unwrap();
        let key = "8e06/541/1.mp4".parse().unwrap();
        storage.put(&key, Bytes::from_static(FILM), PutMode::Create).await.unwrap();
        let url = storage.signed_url(&key, "video/mp4", Duration::from_secs(60)).await.unwrap().unwrap();
        assert!(!url.contains("secret"), "{url}");
        let http = reqwest::Client::new();
        let whole = http.get(&url).send().await.unwrap();
        assert_eq!(
            (whole.status().as_u16(), &whole.headers()["content-type"]),
            (200, &"video/mp4".parse().unwrap())
        );
        assert_eq!(whole.bytes().await.unwrap(), FILM);
        let part = http.get(&url).header("range", "bytes=3-6").send().await.unwrap();
        assert_eq!((part.status().as_u16(), part.bytes().await.unwrap()), (206, Bytes::from_static(b"3456")));
        // moto looks at no signature.
        if server.name == "SeaweedFS" {
            let changed = url.replace("1.mp4", "2.mp4");
            assert_eq!(http.get(changed).send().await.unwrap().status().as_u16(), 403);
            let unsigned = url.split('?').next().unwrap();
            assert_eq!(http.get(unsigned).send().await.unwrap().status().as_u16(), 403);
            let short = storage.signed_url(&key, "video/mp4", Duration::from_secs(1)).await.unwrap().unwrap();
            let late = async {
                while http.get(&short).send().await.unwrap().status().as_u16() != 403 {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), late).await.expect("it ends");
        }
    }
}

#[tokio::test]
async fn what_is_local_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let key = "a".parse().unwrap();
    let locals: [&dyn Storage; 2] = [&Folder::new(folder.path()), &Memory::default()];
    for storage in locals {
        assert_eq!(storage.signed_url(&key, "video/mp4", Duration::from_secs(60)).await.unwrap(), None);
    }
}
