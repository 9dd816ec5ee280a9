use alloy_primitives::{B256, Bytes};

use super::*;
use crate::queue::budget::Purpose;
use crate::queue::entry::{Attempt, Sent};

const ME: Address = Address::repeat_byte(1);
const YOU: Address = Address::repeat_byte(2);

fn entry(key: &str, seq: u64) -> Entry {
    Entry {
        key: key.into(),
        seq,
        label: "test".into(),
        to: Address::repeat_byte(1),
        data: Bytes::from_static(&[1, 2]),
        value: U256::MAX,
        purpose: Purpose::Chore,
        over: false,
        lost_from: None,
        state: State::Queued,
    }
}

fn open(entries: Vec<Entry>, next_seq: u64) -> Open {
    Open {
        entries,
        next_seq,
        floor: 0,
    }
}

fn sent(key: &str, seq: u64, max_fee: u64, day: u64) -> Entry {
    let attempt = Attempt {
        hash: B256::ZERO,
        raw: Bytes::new(),
        max_fee: U256::from(max_fee),
        tip: U256::ZERO,
        block: 1,
    };
    let sent = Sent {
        nonce: 5,
        gas: 100,
        attempts: vec![attempt],
        day: Day(day),
    };
    Entry {
        state: State::Sent(sent),
        ..entry(key, seq)
    }
}

#[test]
fn rows_survive_and_a_second_owner_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let store = Store::open(Some(&path), "chain 1").unwrap();
    store.put(ME, &entry("b", 1)).unwrap();
    store.put(ME, &entry("a", 2)).unwrap();
    let twice = Store::open(Some(&path), "chain 1");
    assert!(matches!(twice, Err(StoreError::InUse { .. })));
    drop(store);
    let other = Store::open(Some(&path), "chain 2");
    assert!(matches!(other, Err(StoreError::Foreign { .. })));
    let store = Store::open(Some(&path), "chain 1").unwrap();
    assert_eq!(
        store.open_entries(ME).unwrap(),
        open(vec![entry("b", 1), entry("a", 2)], 3)
    );
    assert_eq!(store.get(ME, "a").unwrap(), Some(entry("a", 2)));
    assert_eq!(store.get(ME, "c").unwrap(), None);
}

#[test]
fn accounts_share_a_file_and_keep_their_keys_apart() {
    let store = Store::open(None, "chain 1").unwrap();
    store.put(YOU, &entry("a", 7)).unwrap();
    store.put(ME, &entry("a", 1)).unwrap();
    assert_eq!(store.accounts().unwrap(), [ME, YOU]);
    assert_eq!(
        store.open_entries(ME).unwrap(),
        open(vec![entry("a", 1)], 2)
    );
    assert_eq!(
        store.open_entries(YOU).unwrap(),
        open(vec![entry("a", 7)], 8)
    );
    let alone = store.enter(ME, true);
    assert!(matches!(alone, Err(StoreError::Foreign { .. })));
    store.enter(ME, false).unwrap();
    assert!(matches!(store.enter(ME, false), Err(StoreError::Taken { account }) if account == ME));
    store.enter(YOU, false).unwrap();
    store.leave(ME);
    store.enter(ME, false).unwrap();
}

#[test]
fn gas_is_written_with_the_row_it_belongs_to() {
    let store = Store::open(None, "chain 1").unwrap();
    let wei = |n: u64| U256::from(n);
    store.put(ME, &sent("a", 1, 7, 50)).unwrap();
    store.put(ME, &sent("b", 2, 9, 51)).unwrap();
    store.put(YOU, &sent("a", 1, 1, 51)).unwrap();
    let expected = [(1, (Day(50), wei(700))), (2, (Day(51), wei(900)))];
    assert_eq!(store.gas(ME).unwrap(), expected);
    // Signed anew later: the promise of the first form is void.
    store.put(ME, &entry("b", 2)).unwrap();
    assert_eq!(store.gas(ME).unwrap(), expected[..1]);
    // A second try under the same key does not forget what the first one cost.
    store.put(ME, &sent("a", 3, 1, 51)).unwrap();
    assert_eq!(store.gas(ME).unwrap().len(), 2);
    store.forget_gas(ME, Day(50 + GAS_DAYS + 1)).unwrap();
    assert_eq!(store.gas(ME).unwrap(), [(3, (Day(51), wei(100)))]);
    assert_eq!(store.gas(YOU).unwrap(), [(1, (Day(51), wei(100)))]);
}

#[test]
fn what_was_shown_stays_under_another_key_and_refuses_nobody() {
    let store = Store::open(None, "chain 1").unwrap();
    store.put(ME, &sent("typed a", 1, 7, 50)).unwrap();
    let shown = sent(&format!("{SHOWN}1"), 1, 7, 50);
    store
        .replace(ME, &["typed a".into()], std::slice::from_ref(&shown))
        .unwrap();
    assert_eq!(store.entries(ME).unwrap(), std::slice::from_ref(&shown));
    assert_eq!(store.gas(ME).unwrap(), [(1, (Day(50), U256::from(700)))]);
    store.enter(YOU, true).unwrap();
    store.replace(ME, &[shown.key], &[]).unwrap();
    assert!(store.accounts().unwrap().is_empty());
    assert_eq!(store.gas(ME).unwrap().len(), 1);
}

#[test]
fn a_journal_of_the_first_version_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let bytes = serde_json::to_vec(&entry("a", 4)).unwrap();
    {
        let database = redb::Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut rows = transaction.open_table(FIRST_VERSION).unwrap();
            rows.insert("a", bytes.as_slice()).unwrap();
            let mut owner = transaction.open_table(OWNER).unwrap();
            let text = format!("account {ME} on chain 1 (0xab)");
            owner.insert("owner", text.as_str()).unwrap();
        }
        transaction.commit().unwrap();
    }
    let other = Store::open(Some(&path), "chain 1 (0xcd)");
    assert!(matches!(other, Err(StoreError::Foreign { .. })));
    for _ in 0..2 {
        let store = Store::open(Some(&path), "chain 1 (0xab)").unwrap();
        assert_eq!(
            store.open_entries(ME).unwrap(),
            open(vec![entry("a", 4)], 5)
        );
        assert_eq!(store.accounts().unwrap(), [ME]);
    }
}

#[test]
fn what_is_over_keeps_its_outcome_and_its_nonce_and_is_not_read() {
    let store = Store::open(None, "chain 1").unwrap();
    let over = Entry {
        over: true,
        ..sent("a", 1, 7, 50)
    };
    store.put(ME, &over).unwrap();
    store.put(ME, &entry("b", 2)).unwrap();
    let expected = Open {
        entries: vec![entry("b", 2)],
        next_seq: 3,
        floor: 6,
    };
    assert_eq!(store.open_entries(ME).unwrap(), expected);
    assert_eq!(store.get(ME, "a").unwrap(), Some(over));
}
