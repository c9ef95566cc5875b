//! The audit log.

use super::account;
use server::store::{AuditEntry, AuditFilter, Store};

pub(super) async fn audit(store: &dyn Store) {
    let someone = account(store, "audited").await;
    let entries = [
        AuditEntry::client("license", 100)
            .of(someone)
            .on("d-audit")
            .movie(1 << 40)
            .from(Some("203.0.113.0/24")),
        AuditEntry::client("license", 101).of(someone).movie(7).result("MOVIE_UNKNOWN"),
        AuditEntry::client("login", 102).of(-1).with("name", "line\nbreak").with("keys", vec!["a", "b"]),
    ];
    let mut tx = store.begin().await.unwrap();
    for entry in &entries {
        tx.audit(entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut undone = store.begin().await.unwrap();
    undone.audit(&entries[0]).await.unwrap();
    drop(undone);

    let everything = AuditFilter { after: i64::MIN, most: 100, ..AuditFilter::default() };
    let read = async |filter: AuditFilter| {
        let found = store.read().await.unwrap().audited(&filter).await.unwrap();
        found.into_iter().filter(|found| entries.contains(&found.entry)).collect::<Vec<_>>()
    };
    let found = read(everything.clone()).await;
    assert_eq!(found.iter().map(|found| found.entry.clone()).collect::<Vec<_>>(), entries, "and none undone");
    assert_eq!(found[0].email.as_deref(), Some("audited@example.org"));
    assert_eq!(found[2].email, None, "an account that is no more");
    assert!(found[0].id < found[1].id && found[1].id < found[2].id);
    for (filter, expected) in [
        (AuditFilter { account: Some(someone), ..everything.clone() }, &[0, 1][..]),
        (AuditFilter { device: Some("d-audit".into()), ..everything.clone() }, &[0]),
        (AuditFilter { movie: Some(1 << 40), ..everything.clone() }, &[0]),
        (AuditFilter { movie: Some(8), ..everything.clone() }, &[]),
        (AuditFilter { account: Some(someone), since: Some(101), ..everything.clone() }, &[1]),
        (AuditFilter { account: Some(someone), most: 1, ..everything.clone() }, &[0]),
        (AuditFilter { after: found[0].id, ..everything.clone() }, &[1, 2]),
    ] {
        let some: Vec<_> = read(filter.clone()).await.into_iter().map(|found| found.id).collect();
        let expected: Vec<_> = expected.iter().map(|&at| found[at].id).collect();
        assert_eq!(some, expected, "{filter:?}");
    }
    let mut tx = store.begin().await.unwrap();
    tx.purge_audit(102).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(read(everything).await, found[2..], "older ones are gone");
}
