//! Blocks that are replaced.

use std::time::Duration;

use assay_chain::call::StakeCall;
use assay_chain::queue::{SharedJournal, TYPED};
use assay_chain::views::Role;
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::U256;
use assay_protocol::amount::Lpt;

use super::network::Network;
use super::{open, outcome, paid, pay};

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
    assert!(queue.left().await.unwrap().is_empty(), "shown already");
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
