//! URLs by which others read.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use storage::{Folder, Memory, PutMode, S3, Storage};

use crate::buckets::{servers, settings};
use crate::servers::ACCESS_KEY;

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

/// `aws s3api put-bucket-cors --bucket … --cors-configuration file://…`, by what `aws` is made of.
const PUT_CORS: &str = "import boto3, json, sys
_, endpoint, bucket, key, secret = sys.argv
style = boto3.session.Config(s3={'addressing_style': 'path'})
client = boto3.client('s3', endpoint_url=endpoint, region_name='us-east-1', config=style,
    aws_access_key_id=key, aws_secret_access_key=secret)
client.put_bucket_cors(Bucket=bucket, CORSConfiguration=json.load(sys.stdin))";

/// What docs/cdn.md has an operator tell the store lets pages read what viewers are sent to, in ranges.
#[tokio::test]
async fn pages_may_read_by_what_the_document_says() {
    // It has botocore, too.
    let Some(packages) = std::env::var_os("MOTO") else { return };
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cdn.md");
    let document = std::fs::read_to_string(document).unwrap();
    let rules = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    for server in servers() {
        let settings = settings(&server.endpoint);
        let mut put = Command::new("python3")
            .args(["-c", PUT_CORS, &server.endpoint, &settings.bucket, ACCESS_KEY.0, ACCESS_KEY.1])
            .env("PYTHONPATH", &packages)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        put.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(put.wait().unwrap().success(), "{}", server.name);
        let storage = S3::new(settings).unwrap();
        let key = "8e06/541/1.mp4".parse().unwrap();
        storage.put(&key, Bytes::from_static(FILM), PutMode::Create).await.unwrap();
        let url = storage.signed_url(&key, "video/mp4", Duration::from_secs(60)).await.unwrap().unwrap();
        let page = "https://films.example";
        let answer = reqwest::Client::new().get(&url).header("origin", page).header("range", "bytes=3-6");
        let answer = answer.send().await.unwrap();
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(answer.status().as_u16(), 206, "{}", server.name);
        let allowed = header("access-control-allow-origin");
        assert!(allowed == "*" || allowed == page, "{}: {allowed}", server.name);
        let exposed = header("access-control-expose-headers").to_lowercase();
        for name in ["content-range", "content-length", "etag"] {
            assert!(exposed.contains(name), "{}: {exposed}", server.name);
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
