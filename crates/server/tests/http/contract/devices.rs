//! Devices, and the codes of boxes.

use super::{account, new_device};
use license::KeyLevel;
use server::keys::RevokedId;
use server::store::{ActivationCode, Device, Networks, NewDevice, Registered, Slot, Store, StoreError};
use std::net::IpAddr;

/// A36, A49, A55: slots, epochs, windows.
pub(super) async fn devices(store: &dyn Store) {
    let account = account(store, "carol").await;
    let mut tx = store.begin().await.unwrap();
    for n in 1..=6 {
        assert_eq!(tx.add_device(&new_device(account, n), 6).await.unwrap(), Slot::Taken(n));
    }
    assert_eq!(tx.add_device(&new_device(account, 7), 6).await.unwrap(), Slot::Full);
    let id = |n: u32| format!("d-{account}-{n}");
    assert!(!tx.free_slot(account + 1, &id(3)).await.unwrap(), "another account's");
    assert!(tx.free_slot(account, &id(3)).await.unwrap());
    assert!(!tx.free_slot(account, &id(3)).await.unwrap());
    assert_eq!(tx.device(&id(3)).await.unwrap().unwrap().slot, None, "it lives on");
    assert_eq!(tx.devices(account).await.unwrap().len(), 5);
    assert!(tx.device_by_browser(account, &[3; 32]).await.unwrap().is_none(), "holds no slot");
    assert_eq!(tx.add_device(&new_device(account, 7), 6).await.unwrap(), Slot::Taken(3), "lowest free slot");
    assert_eq!(tx.take_slot(&id(3), 6).await.unwrap(), Slot::Full);
    assert!(tx.remove_device(account, &id(1)).await.unwrap());
    assert!(tx.device(&id(1)).await.unwrap().is_none());
    assert_eq!(tx.take_slot(&id(3), 6).await.unwrap(), Slot::Taken(1));
    assert_eq!(tx.take_slot(&id(3), 6).await.unwrap(), Slot::Taken(1), "keeps what it has");

    let unknown = tx.devices(account).await.unwrap()[0].id.clone();
    assert_eq!(tx.rsa_modulus(&unknown).await.unwrap(), None);
    let device = tx.device(&unknown).await.unwrap().unwrap();
    assert_eq!(device.component, [0; 16]);
    tx.set_component(&unknown, &[0xC1; 16], &[7; 256]).await.unwrap();
    assert_eq!(tx.device(&unknown).await.unwrap().unwrap().component, [0xC1; 16]);
    for revoked in ["c1".repeat(16).parse().unwrap(), RevokedId::of_key(&device.signing_key)] {
        let named = tx.revoked_devices(revoked).await.unwrap();
        assert_eq!(named.iter().map(|device| &device.id).collect::<Vec<_>>(), [&unknown]);
    }
    assert!(tx.revoked_devices("c2".repeat(16).parse().unwrap()).await.unwrap().is_empty());
    assert_eq!(tx.rsa_modulus(&unknown).await.unwrap(), Some([7; 256]));
    assert_eq!(tx.rsa_modulus("d-nobody").await.unwrap(), None);
    let registered = Registered {
        level: KeyLevel::Software,
        name: "Renamed".into(),
        machine: "M".into(),
        browser_hash: None,
        sequence: 40,
        now: 500,
    };
    tx.reregister(&id(2), &registered).await.unwrap();
    // The subscriber's name for it stays when it registers again, until it is taken back.
    assert!(!tx.rename_device(account + 1, &id(4), "Mine").await.unwrap(), "another account's");
    assert!(!tx.rename_device(account, "d-nobody", "Mine").await.unwrap());
    assert!(tx.rename_device(account, &id(4), "Küche").await.unwrap());
    assert_eq!(tx.device(&id(4)).await.unwrap().unwrap().name, "Küche");
    tx.reregister(&id(4), &registered).await.unwrap();
    let names: Vec<_> = tx.devices(account).await.unwrap().into_iter().map(|device| device.name).collect();
    assert!(names.contains(&"Küche".to_owned()), "{names:?}");
    assert!(tx.rename_device(account, &id(4), "").await.unwrap());
    assert_eq!(tx.device(&id(4)).await.unwrap().unwrap().name, "Renamed", "what it called itself last");
    let countries = |device: Device| (device.registered_in, device.used_in);
    let here = Some("DE".to_owned());
    let found = tx.device(&id(2)).await.unwrap().unwrap();
    assert_eq!(countries(found), (here.clone(), here.clone()), "where it registered");
    let mut device = tx.device_by_key(account, &new_device(account, 2).signing_key).await.unwrap().unwrap();
    assert_eq!((device.epoch, device.window.highest(), device.slot), (2, 40, Some(2)));
    assert_eq!((device.name.as_str(), device.level, device.last_seen), ("Renamed", KeyLevel::Software, 500));
    assert_eq!(device.browser_hash, Some([2; 32]));
    assert!(device.window.accept(42));
    tx.set_sequence(&id(2), &device.state(600)).await.unwrap();
    assert_eq!(tx.device(&id(2)).await.unwrap().unwrap().window, device.window);
    assert_eq!(tx.device(&id(3)).await.unwrap().unwrap().networks, Networks::default());
    for abroad in [Some("FR".to_owned()), None] {
        device.used_in.clone_from(&abroad);
        tx.set_sequence(&id(2), &device.state(600)).await.unwrap();
        let found = tx.device(&id(2)).await.unwrap().unwrap();
        assert_eq!(countries(found), (here.clone(), abroad));
    }
    device.networks.hear(IpAddr::from([203, 0, 113, 1]).into(), 600);
    tx.set_sequence(&id(2), &device.state(600)).await.unwrap();
    tx.purge(600 + 3600, 0).await.unwrap();
    assert_eq!(tx.device(&id(2)).await.unwrap().unwrap().networks, device.networks);
    tx.purge(600 + 3601, 0).await.unwrap();
    assert_eq!(tx.device(&id(2)).await.unwrap().unwrap().networks, Networks::default());
    assert_eq!(tx.lock_account(account).await.unwrap().map(|locked| locked.id), Some(account));
    assert_eq!(tx.lock_account(-1).await.unwrap(), None);

    let tv = NewDevice { kind: "box".into(), ..new_device(account, 8) };
    let typed = ActivationCode {
        code: "GGGGGG".into(),
        signing_key: tv.signing_key.clone(),
        name: "Model 1".into(),
        expires: 900,
        account: Some(account),
    };
    tx.add_code(&typed).await.unwrap();
    assert!(tx.remove_device(account, &id(6)).await.unwrap());
    tx.add_device(&tv, 6).await.unwrap();
    let mut epochs = Vec::new();
    for boxes in [false, true] {
        tx.end_tickets(account, boxes).await.unwrap();
        for id in [id(2), tv.id.clone()] {
            epochs.push(tx.device(&id).await.unwrap().unwrap().epoch);
        }
        assert_eq!(tx.code("GGGGGG").await.unwrap().is_none(), boxes, "it would register the box again");
    }
    assert_eq!(epochs, [3, 1, 4, 2]);

    let [old, new] = [4, 44].map(|n| new_device(account, n).signing_key);
    tx.rekey(&id(4), &new, 700).await.unwrap();
    assert!(tx.device_by_key(account, &old).await.unwrap().is_none());
    let rekeyed = tx.device_by_key(account, &new).await.unwrap().unwrap();
    assert_eq!((rekeyed.id, rekeyed.slot, rekeyed.replaced), (id(4), Some(4), 700));

    assert_eq!(
        tx.add_device(&new_device(account, 45), 3).await.unwrap(),
        Slot::Full,
        "a limit that was lowered"
    );

    assert!(tx.add_removal(account, 1000, 0).await.unwrap().is_empty());
    assert_eq!(tx.add_removal(account, 1010, 0).await.unwrap(), [1000]);
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.add_removal(account, 1020, 999).await.unwrap(), [1010, 1000]);
    assert_eq!(
        tx.add_removal(account, 1030, 1000).await.unwrap(),
        [1020, 1010],
        "what is too long ago is over"
    );

    assert_eq!(tx.reclaim_idle(account, 600).await.unwrap(), 5, "all but the one seen at 600");
    assert_eq!(tx.devices(account).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

/// A111, A114: one live code a box, one box a code, confirmed once.
pub(super) async fn codes(store: &dyn Store) {
    let account = account(store, "cody").await;
    let code = |code: &str, key: u8, expires| ActivationCode {
        code: code.into(),
        signing_key: vec![key; 33],
        name: "Model 1".into(),
        expires,
        account: None,
    };
    let mut tx = store.begin().await.unwrap();
    tx.add_code(&code("AAAAAA", 1, 600)).await.unwrap();
    tx.add_code(&code("BBBBBB", 1, 700)).await.unwrap();
    assert!(tx.code("AAAAAA").await.unwrap().is_none(), "a new code ends the box's old one");
    assert_eq!(tx.code_by_key(&[1; 33]).await.unwrap(), Some(code("BBBBBB", 1, 700)));
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert!(matches!(tx.add_code(&code("BBBBBB", 2, 700)).await, Err(StoreError::Exists)));
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.confirm_code("BBBBBB", account).await.unwrap());
    assert!(!tx.confirm_code("BBBBBB", account).await.unwrap(), "once");
    assert!(!tx.confirm_code("CCCCCC", account).await.unwrap());
    assert_eq!(tx.code("BBBBBB").await.unwrap().unwrap().account, Some(account));
    tx.remove_code("BBBBBB").await.unwrap();
    for (n, text) in [(8, "EEEEEE"), (9, "FFFFFF")] {
        let device = NewDevice { signing_key: vec![n; 33], ..new_device(account, u32::from(n)) };
        tx.add_device(&device, 6).await.unwrap();
        tx.add_code(&code(text, n, 900)).await.unwrap();
        assert!(tx.remove_device(account, &device.id).await.unwrap());
        assert!(tx.code(text).await.unwrap().is_some(), "nobody's yet");
        assert!(tx.confirm_code(text, account).await.unwrap());
        tx.add_device(&device, 6).await.unwrap();
    }
    assert!(tx.remove_device(account, &format!("d-{account}-8")).await.unwrap());
    assert!(tx.code("EEEEEE").await.unwrap().is_none(), "it would give the device its slot again");
    assert!(tx.code("FFFFFF").await.unwrap().is_some(), "another device's");
    tx.add_code(&code("DDDDDD", 3, 700)).await.unwrap();
    tx.purge(700, 0).await.unwrap();
    assert!(tx.code("DDDDDD").await.unwrap().is_none(), "over");
    tx.commit().await.unwrap();
}
