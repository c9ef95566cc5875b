//! Movies, and how far they were watched.

use super::{account, new_device, new_movie};
use nccp::json::Episode;
use server::store::{
    LogEntry, NewMovie, NewPoster, Poster, Share, Store, StoreError, Viewing, VoteCount, Watched,
};
use std::sync::Arc;

pub(super) async fn movies_and_viewings(store: &dyn Store) {
    let bob = account(store, "bob").await;
    let movie = NewMovie {
        id: (1 << 53) - 1,
        title: "Böse \"Zeichen\"".into(),
        year: Some(1925),
        cast: vec!["One".into(), "Two".into()],
        genres: vec!["Silent film".into(), "Komödie".into()],
        episode: Some(Episode { series: "Böse Zeichen".into(), season: 0, number: 12 }),
        synopsis: None,
        rating: Some("G".into()),
        runtime: 60.5,
        pack: "p1".into(),
        policy: "24h".into(),
        plans: vec!["gold".into()],
        regions: vec!["DE".into(), "FR".into()],
        license: server::LicenseMode::Embedded(license::Domain::Browser),
    };
    let mut tx = store.begin().await.unwrap();
    tx.put_movie(&movie, 7).await.unwrap();
    tx.put_movie(&NewMovie { pack: "p2".into(), ..movie.clone() }, 8).await.unwrap();
    let stored = tx.movie(movie.id).await.unwrap().unwrap();
    assert_eq!((stored.pack.as_str(), stored.added, stored.year), ("p2", 7, Some(1925)));
    assert_eq!((stored.cast, stored.plans), (movie.cast.clone(), movie.plans.clone()));
    assert_eq!((stored.regions, stored.genres), (movie.regions.clone(), movie.genres.clone()));
    assert_eq!(stored.episode, movie.episode);
    assert_eq!((stored.license, stored.changed), (movie.license, 8));
    assert!(stored.available);
    assert_eq!(tx.movies().await.unwrap().len(), 1);
    assert_eq!(tx.movie_plans().await.unwrap(), [["gold"]]);
    for (id, plans) in [(1, vec![]), (2, vec![]), (3, vec!["gold".to_owned()])] {
        tx.put_movie(&NewMovie { id, plans, ..movie.clone() }, 8).await.unwrap();
    }
    let mut plans = tx.movie_plans().await.unwrap();
    plans.sort();
    assert_eq!(plans, [vec![], vec!["gold".to_owned()]]);
    for id in 1..=3 {
        assert!(tx.remove_movie(id).await.unwrap());
    }
    tx.set_queued(bob, movie.id, true, 9).await.unwrap();
    tx.set_queued(bob, movie.id, true, 10).await.unwrap();
    assert_eq!(tx.queue(bob).await.unwrap().len(), 1);
    tx.set_queued(bob, movie.id, false, 11).await.unwrap();
    assert!(tx.queue(bob).await.unwrap().is_empty());
    let viewing = |started, seen, position, finished| Viewing { started, seen, position, finished };
    tx.record_viewing(bob, movie.id, &viewing(100, 100, 0.0, false), 0).await.unwrap();
    tx.record_viewing(bob, movie.id, &viewing(160, 160, 60.0, false), 50).await.unwrap();
    tx.record_viewing(bob, movie.id, &viewing(9000, 9000, 1.5, true), 8000).await.unwrap();
    let viewings = tx.viewings(bob, movie.id, 10).await.unwrap();
    assert_eq!(viewings, [viewing(9000, 9000, 1.5, true), viewing(100, 160, 60.0, false)]);
    assert_eq!(tx.latest_viewings(bob).await.unwrap(), [(movie.id, viewings[0])]);
    let other = tx.add_account("a-eve", "eve@example.org", "hash", "unlimited", 10).await.unwrap().id;
    assert!(tx.viewings(other, movie.id, 10).await.unwrap().is_empty(), "A42: not another account's");
    assert_eq!(tx.first_play(bob, movie.id, 50).await.unwrap(), 50);
    assert_eq!(tx.first_play(bob, movie.id, 60).await.unwrap(), 50);
    let line = |at, device: Option<&str>, stalls| LogEntry {
        account: bob,
        device: device.map(str::to_owned),
        movie: movie.id,
        at,
        event: "interval".into(),
        code: Some("E1".into()),
        position: Some(1.0),
        counters: vec![("stalls".into(), stalls)],
    };
    let lines =
        [line(5, None, u64::MAX), line(7, Some("d-1"), 1), line(8, Some("d-1"), 3), line(9, Some("d-2"), 2)];
    for line in &lines {
        tx.log(line).await.unwrap();
    }
    assert_eq!(tx.last_counters("d-1", movie.id).await.unwrap(), [("stalls".to_owned(), 3)]);
    assert!(tx.last_counters("d-3", movie.id).await.unwrap().is_empty());
    // Of the account's devices that hold a slot, each by its latest line.
    for n in 1..=2 {
        tx.add_device(&new_device(bob, n), 6).await.unwrap();
    }
    assert!(tx.last_watched(bob).await.unwrap().is_empty());
    let device = new_device(bob, 1).id;
    let watched = [
        line(9, Some(device.as_str()), 2),
        line(11, Some(device.as_str()), 2),
        line(10, Some(device.as_str()), 2),
    ];
    for line in &watched {
        tx.log(line).await.unwrap();
    }
    let expected = Watched { device: device.clone(), title: movie.title.clone(), at: 11 };
    assert_eq!(tx.last_watched(bob).await.unwrap(), [expected]);
    assert!(tx.free_slot(bob, &device).await.unwrap());
    assert!(tx.last_watched(bob).await.unwrap().is_empty());
    tx.purge(1, 6).await.unwrap();
    let logged: Vec<_> = tx.movie_log(movie.id).await.unwrap();
    let others: Vec<_> = logged.into_iter().filter(|line| line.device.as_ref() != Some(&device)).collect();
    assert_eq!(others, lines[1..]);
    assert!(tx.remove_movie(movie.id).await.unwrap());
    assert!(!tx.remove_movie(movie.id).await.unwrap());
    assert!(tx.movie(movie.id).await.unwrap().is_none());
    tx.commit().await.unwrap();
}

/// What accounts think of movies: one vote of each, changed, taken back, counted by movie, and gone with
/// either.
pub(super) async fn votes(store: &dyn Store) {
    let (one, other) = (account(store, "votes-one").await, account(store, "votes-other").await);
    let mut tx = store.begin().await.unwrap();
    for id in [2401, 2402, 2403] {
        tx.put_movie(&new_movie(id, &[]), 1).await.unwrap();
    }
    for (account, movie, liked) in [
        (one, 2402, Some(false)),
        (one, 2401, Some(false)),
        (one, 2401, Some(true)),
        (one, 2403, Some(true)),
        (one, 2403, None),
        (one, 2403, None),
        (other, 2401, Some(false)),
    ] {
        tx.set_vote(account, movie, liked, 5).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.votes(one).await.unwrap(), [(2401, true), (2402, false)]);
    assert_eq!(tx.votes(other).await.unwrap(), [(2401, false)], "A42: not another account's");
    for (movie, liked) in [(2401, Some(true)), (2402, Some(false)), (2403, None), (2404, None)] {
        assert_eq!(tx.vote(one, movie).await.unwrap(), liked, "{movie}");
    }
    let count = |movie, votes, likes| VoteCount { movie, votes, likes };
    assert_eq!(tx.vote_counts(1).await.unwrap(), [count(2401, 2, 1), count(2402, 1, 0)]);
    assert_eq!(tx.vote_counts(2).await.unwrap(), [count(2401, 2, 1)]);
    assert!(tx.vote_counts(3).await.unwrap().is_empty());
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    // A movie that is put in again keeps them; one that is removed does not.
    tx.put_movie(&new_movie(2401, &["gold"]), 2).await.unwrap();
    assert!(tx.remove_account(other).await.unwrap());
    assert_eq!(tx.vote_counts(1).await.unwrap(), [count(2401, 1, 1), count(2402, 1, 0)]);
    for id in [2401, 2402, 2403] {
        assert!(tx.remove_movie(id).await.unwrap());
    }
    assert!(tx.votes(one).await.unwrap().is_empty() && tx.vote_counts(0).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

/// A poster that a movie was given: its own, another in its place, and gone with the movie.
pub(super) async fn posters(store: &dyn Store) {
    let poster = |name: &str| Poster { name: name.into(), width: 600, height: 900 };
    let (first, second) = (poster("0a.jpg"), poster("0b.jpg"));
    let mut tx = store.begin().await.unwrap();
    assert!(tx.lock_movie(2101).await.unwrap().is_none());
    for id in [2101, 2102] {
        tx.put_movie(&new_movie(id, &[]), 1).await.unwrap();
        tx.set_poster(id, &NewPoster { poster: &first, octets: &[1, 2, 0] }).await.unwrap();
    }
    assert_eq!(tx.lock_movie(2101).await.unwrap().map(|movie| movie.id), Some(2101));
    tx.set_poster(2101, &NewPoster { poster: &second, octets: &[3] }).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.poster(2101).await.unwrap(), Some(second.clone()));
    let mut all = tx.posters().await.unwrap();
    all.sort_by_key(|(movie, _)| *movie);
    assert_eq!(all, [(2101, second), (2102, first)]);
    assert_eq!(tx.poster_file("0a.jpg").await.unwrap(), Some(vec![1, 2, 0]));
    assert_eq!(tx.poster_file("0c.jpg").await.unwrap(), None);
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.remove_poster(2101).await.unwrap());
    assert!(!tx.remove_poster(2101).await.unwrap());
    // A movie that is put in again keeps it; one that is removed does not.
    tx.put_movie(&new_movie(2102, &["gold"]), 2).await.unwrap();
    assert!(tx.poster(2102).await.unwrap().is_some());
    for id in [2101, 2102] {
        assert!(tx.remove_movie(id).await.unwrap());
    }
    assert!(tx.posters().await.unwrap().is_empty() && tx.poster_file("0a.jpg").await.unwrap().is_none());
    tx.commit().await.unwrap();
}

/// Of two that add a movie of one number at once, one does; the other changes nothing.
pub(super) async fn added_once(store: Arc<dyn Store>) {
    let add = |store: Arc<dyn Store>, pack: &'static str| async move {
        server::store::retried!(async {
            let mut tx = store.begin().await?;
            let movie = NewMovie { pack: pack.to_owned(), ..new_movie(2301, &[]) };
            let added = tx.add_movie(&movie, 1).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(added)
        })
    };
    let one = tokio::spawn(add(Arc::clone(&store), "one"));
    let other = tokio::spawn(add(Arc::clone(&store), "other"));
    let added = [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()];
    let mut tx = store.begin().await.unwrap();
    let there = tx.movie(2301).await.unwrap().unwrap().pack;
    assert!((added == [true, false] && there == "one") || (added == [false, true] && there == "other"));
    assert!(tx.remove_movie(2301).await.unwrap());
    tx.commit().await.unwrap();
}

/// The number of a movie that was removed is remembered, and the links to it have ended, not those to others.
pub(super) async fn removed_movies(store: &dyn Store) {
    let accounts = [account(store, "link-gone").await, account(store, "link-stays").await];
    let mut tx = store.begin().await.unwrap();
    for (movie, account, n) in [(2201, accounts[0], 21), (2202, accounts[1], 22)] {
        assert!(tx.add_movie(&new_movie(movie, &[]), 1).await.unwrap());
        assert!(!tx.add_movie(&new_movie(movie, &["gold"]), 1).await.unwrap());
        let share = Share {
            id: format!("s{movie}"),
            token_hash: [n; 32],
            account,
            movie,
            password_hash: None,
            ends: None,
            devices: 3,
            created: 1,
        };
        tx.add_share(&share).await.unwrap();
    }
    tx.commit().await.unwrap();
    // The second time it was given again by name.
    for _ in 0..2 {
        let mut tx = store.begin().await.unwrap();
        assert!(tx.remove_movie(2201).await.unwrap());
        assert!(!tx.remove_movie(2201).await.unwrap());
        assert!(tx.removed_movies().await.unwrap().contains(&2201));
        assert!(tx.add_movie(&new_movie(2201, &[]), 1).await.unwrap());
        tx.commit().await.unwrap();
    }
    let mut tx = store.begin().await.unwrap();
    assert!(!tx.removed_movies().await.unwrap().contains(&2202));
    assert!(tx.share(&[21; 32]).await.unwrap().is_none() && tx.share(&[22; 32]).await.unwrap().is_some());
    let mut blocked = Vec::new();
    for id in accounts {
        blocked.push(tx.account(id).await.unwrap().unwrap().disabled);
    }
    assert_eq!(blocked, [true, false]);
    for movie in [2201, 2202] {
        assert!(tx.remove_movie(movie).await.unwrap());
    }
    tx.commit().await.unwrap();
}
