//! Blocks that are replaced.

use std::time::Duration;

use assay_chain::call::{Call, StakeCall};
use assay_chain::queue::{SharedJournal, TYPED, typed_key};
use assay_chain::views::Role;
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::U256;
use assay_protocol::amount::Lpt;

use super::network::Network;
use super::{client, open, outcome, paid, pay, silent};
use crate::proxy::{Fault, Proxy};

#[tokio::test]
async fn a_reorganised_transaction_happens_again() {
    let network = Network::start().await;
    let account = network.account(67, 10).await;
    let mut watcher = Watcher::start(
        &account.client,
        WatcherConfig {
            poll: Duration::from_millis(20),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let bond = StakeCall::Bond {
        role: Role::Transcoder,
        amount: Lpt::whole(10),
    };
    let mined = account.queue.run("bond", bond).await.unwrap();
    network.anvil.mine(2).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    network.anvil.reorg(4).await.unwrap();
    let operator = account.key.address();
    let mut waited = 0;
    while account
        .client
        .pool(Role::Transcoder, operator)
        .await
        .unwrap()
        .own
        != Lpt::whole(10)
    {
        assert!(waited < 100, "the bond was lost");
        waited += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        account.client.lpt_balance(operator).await.unwrap(),
        Lpt(U256::ZERO)
    );
    let again = account.client.events_of(mined.tx).await.unwrap();
    assert!(
        !again.is_empty() && again[0].block >= mined.block,
        "{again:?}"
    );
    // The watcher says what is void, and yields the new blocks from there.
    let mut last = 0;
    let mut void_from = None;
    while let Ok(Some(event)) =
        tokio::time::timeout(Duration::from_millis(500), watcher.next()).await
    {
        match event {
            Event::Block(block, _) => {
                assert!(
                    last == 0 || block.number == last + 1,
                    "{block:?} after {last}"
                );
                last = block.number;
            }
            Event::Past { .. } => panic!("the watcher began at the head"),
            Event::Reorg { ancestor } => {
                assert!(ancestor < mined.block);
                void_from = Some(ancestor);
                last = ancestor;
            }
        }
    }
    assert!(void_from.is_some());
}

#[tokio::test]
async fn what_a_command_has_shown_happens_again_with_the_next_one() {
    let network = Network::start().await;
    let account = network.account(66, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    let nonce = account.client.transaction_count().await.unwrap();
    let key = format!("{TYPED}pay");
    let queue = open(&account.client, &path).await;
    // The same, typed twice: the first one was shown.
    for _ in 0..2 {
        outcome(queue.submit(key.as_str(), pay(1)).await.unwrap())
            .await
            .unwrap();
        queue.forget().await.unwrap();
    }
    queue.shutdown().await;
    assert_eq!(paid(&account).await, Lpt::whole(2));
    network.anvil.reorg(2).await.unwrap();
    assert_eq!(paid(&account).await, Lpt(U256::ZERO));

    let queue = open(&account.client, &path).await;
    let lost = queue.left().await.unwrap();
    assert_eq!(lost.len(), 2);
    assert_ne!(lost[0].key, lost[1].key);
    for lost in lost {
        let mined = outcome(lost.ticket).await.unwrap();
        assert_ne!(lost.lost_from, Some(mined.block_hash));
    }
    outcome(queue.submit(key, pay(4)).await.unwrap())
        .await
        .unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(6));
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 3);
    queue.forget().await.unwrap();
    queue.shutdown().await;

    // Too deep for a reorganisation nothing is left of them.
    let rows = async || {
        let journal = SharedJournal::open(&account.client, path.clone()).await;
        journal.unwrap().accounts().unwrap().len()
    };
    assert_eq!(rows().await, 1);
    network.anvil.mine(70).await.unwrap();
    let queue = open(&account.client, &path).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    queue.shutdown().await;
    assert_eq!(rows().await, 0);
    assert_eq!(paid(&account).await, Lpt::whole(6));
}

#[tokio::test]
async fn what_was_shown_and_lost_is_told_however_often_it_is_killed_before() {
    let network = Network::start().await;
    let account = network.account(65, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    let nonce = account.client.transaction_count().await.unwrap();
    let print = Call::from(pay(1)).fingerprint(&network.deployment.contracts);
    let key = typed_key(print.unwrap(), 0);
    let queue = open(&account.client, &path).await;
    let mined = outcome(queue.submit(key.as_str(), pay(1)).await.unwrap()).await;
    let mined = mined.unwrap();
    queue.forget().await.unwrap();
    assert!(queue.left().await.unwrap().is_empty(), "shown, and true");
    queue.shutdown().await;
    network.anvil.set_automine(false).await.unwrap();
    network.anvil.reorg(1).await.unwrap();

    // Before a block has it, after that, and after it was said but not that it was: each time it is still to be told.
    for killed in 0..4 {
        let queue = open(&account.client, &path).await;
        let mut left = queue.left().await.unwrap();
        assert_eq!(left.len(), 1, "{killed}");
        let left = left.remove(0);
        assert_eq!(
            (left.key, left.lost_from),
            (key.clone(), Some(mined.block_hash))
        );
        if killed > 1 {
            let again = outcome(left.ticket).await.unwrap();
            assert_ne!(again.block_hash, mined.block_hash);
        } else {
            // It is broadcast.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if killed == 3 {
            queue.forget().await.unwrap();
            assert!(queue.left().await.unwrap().is_empty());
        }
        queue.shutdown().await;
        if killed == 1 {
            network.anvil.mine(1).await.unwrap();
        }
    }
    network.anvil.set_automine(true).await.unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(1));

    // Told, so that it may be typed again.
    let queue = open(&account.client, &path).await;
    assert!(queue.left().await.unwrap().is_empty());
    outcome(queue.submit(key, pay(1)).await.unwrap())
        .await
        .unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(2));
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 2);
}

#[tokio::test]
async fn an_endpoint_that_does_not_know_a_block_yet_loses_nothing() {
    let network = Network::start().await;
    let account = network.account(64, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    let queue = open(&account.client, &path).await;
    let key = format!("{TYPED}pay");
    let mined = outcome(queue.submit(key, pay(1)).await.unwrap()).await;
    queue.forget().await.unwrap();
    queue.shutdown().await;
    let block = mined.unwrap().block_hash;

    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let queue = open(&behind, &path).await;
    proxy.set(Fault::Forgetful);
    let mut left = queue.left().await.unwrap();
    let left = left.remove(0);
    assert_eq!(left.lost_from, Some(block));
    let mut told = Box::pin(left.ticket.outcome());
    silent(&mut told).await;
    proxy.set(Fault::None);
    network.anvil.mine(1).await.unwrap();
    assert_eq!(told.await.unwrap().block_hash, block);
    assert!(
        queue.left().await.unwrap().is_empty(),
        "it was there all the time"
    );
    assert_eq!(paid(&account).await, Lpt::whole(1));
}
